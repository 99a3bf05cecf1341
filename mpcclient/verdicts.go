package mpcclient

// The permissions that the operations need, as a policy names them. The list is a query without ids.
const (
	PermissionRetry = "mpc:remuxTsk:retry"
	PermissionQuery = "mpc:remuxTsk:view" // not ":list": that is only its access level
)

// verdict is what an answer means and what an operator can do about it.
type verdict struct {
	class  Class
	advice string
}

const (
	adviceRefused  = "refused" // stands for Auth.refusal, which knows the credentials in use
	adviceGrant    = "grant the IAM user the permission for this operation (" + PermissionRetry + ", " + PermissionQuery + ")"
	adviceEndpoint = "something other than MPC answered: check MPC_ENDPOINT, MPC_PROJECT_ID and any proxy or firewall between"
	adviceAccount  = "check the state of the account: whether it is frozen, restricted or not yet verified"
	adviceAltered  = "MPC refuses the request's method or content type, which never depends on the task: check MPC_ENDPOINT and any proxy that rewrites requests"
	adviceGateway  = "the gateway's own configuration is wrong: contact the vendor's support with the request id"
	adviceAddress  = "the gateway refuses this machine's address: add it to the white list of the IAM access control"
	adviceRegion   = "the key or user is disabled or not allowed in this region: check it in IAM"
)

// verdicts by error_code, from the vendor's error code tables of MPC and of the API gateway. The gateway's codes come as
// APIG.xxxx and, from older gateways, as APIGW.xxxx.
//
// Every gateway code in here proves that the gateway did not pass the call on. Codes that prove nothing are left out and
// go by their status: 0107 (a script, at whichever end of the call), 0201 (three statuses, three meanings), 0202 and 0203
// (the server behind did not answer), 0601 (an internal error, wherever).
var verdicts = map[string]verdict{
	"MPC.10202": {InvalidTask, ""},
	"MPC.10203": {Operator, adviceRefused},
	"MPC.10204": {Operator, adviceAltered},
	"MPC.10205": {Operator, adviceAltered},
	"MPC.10206": {Operator, adviceAccount},
	"MPC.10207": {Operator, adviceAccount},
	"MPC.10208": {Operator, "MPC could not verify the tenant: check that MPC_PROJECT_ID belongs to the account of the credentials"},
	"MPC.10209": {InvalidTask, ""},
	"MPC.10210": {InvalidTask, ""},
	"MPC.10211": {TaskNotFound, ""},
	"MPC.10212": {Ambiguous, ""},
	"MPC.10213": {Ambiguous, ""},
	"MPC.10218": {Ambiguous, ""},
	"MPC.10224": {Operator, "MPC's agency, by which it reads and writes the buckets, has been deleted: authorize MPC again in its console"},
	"MPC.10234": {Operator, "MPC has taken this function out of service for a while: see the vendor's notices, or contact its support"},
	"MPC.10235": {Operator, adviceRefused},
	"MPC.10237": {Throttled, ""},
	"MPC.10244": {Operator, "check the balance of the account and top it up"},

	"APIG.0101": {Operator, adviceEndpoint},
	"APIG.0103": {Transient, ""},
	"APIG.0104": {Transient, ""},
	"APIG.0105": {Transient, ""},
	"APIG.0106": {Operator, adviceGateway},
	"APIG.0204": {Operator, "the gateway does not support this TLS version: check for a proxy that ends TLS in between"},
	"APIG.0301": {Operator, adviceRefused},
	"APIG.0302": {Operator, adviceGrant},
	"APIG.0303": {Operator, adviceRefused},
	"APIG.0304": {Operator, "the gateway denies access to this API: " + adviceGrant},
	"APIG.0305": {Operator, adviceRefused},
	"APIG.0306": {Operator, "the gateway denies access to this API: " + adviceGrant},
	"APIG.0307": {Operator, adviceRefused},
	"APIG.0308": {Throttled, ""},
	"APIG.0310": {Operator, "MPC_PROJECT_ID is not a project of these credentials: set the project's id (not its name) in this region"},
	"APIG.0311": {Operator, adviceRefused},
	"APIG.0401": {Operator, adviceAddress},
	"APIG.0402": {Operator, adviceAddress},
	"APIG.0404": {Operator, "the gateway denies access to the back end: contact the vendor's support with the request id"},
	"APIG.0501": {Operator, "the quota of calls that was bought at the gateway is used up: raise it"},
	"APIG.0502": {Operator, "the account is frozen or its balance does not suffice: top it up"},
	"APIG.0605": {Transient, ""},
	"APIG.0606": {Transient, ""},
	"APIG.0607": {Operator, "the gateway does not take this protocol: MPC_ENDPOINT must begin with https"},
	"APIG.0608": {Transient, ""},
	"APIG.0609": {Transient, ""},
	"APIG.0610": {Transient, ""},
	"APIG.0611": {Transient, ""},
	"APIG.0612": {Operator, "the gateway found itself behind itself: check MPC_ENDPOINT, and contact the vendor's support with the request id"},
	"APIG.0613": {Transient, ""},
	"APIG.0705": {Transient, ""},
	"APIG.0801": {Operator, adviceRegion},
	"APIG.0802": {Operator, adviceRegion},
	"APIG.1009": {Operator, adviceRefused},
}
