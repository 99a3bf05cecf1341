package mpcclient

// The permissions that the operations need, as named in policies. Listing is a query
// without ids.
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
	adviceRefused  = "refused" // replaced by Auth.refusal, which knows the credentials in use
	adviceGrant    = "grant the IAM user the permission for this operation (" + PermissionRetry + ", " + PermissionQuery + ")"
	adviceEndpoint = "something other than MPC answered: check MPC_ENDPOINT, MPC_PROJECT_ID and any proxy or firewall in between"
	adviceAccount  = "check the state of the account: whether it is frozen, restricted or not yet verified"
	adviceAltered  = "MPC rejects the request's method or content type, which does not depend on the task: check MPC_ENDPOINT and any proxy that rewrites requests"
	adviceGateway  = "the gateway's own configuration is wrong: contact the vendor's support with the request id"
	adviceAddress  = "the gateway rejects this machine's address: add it to the allow list of the IAM access control"
	adviceRegion   = "the key or user is disabled or not allowed in this region: check it in IAM"
)

// verdicts by error_code, from the vendor's error code tables of MPC and of the API
// gateway. The gateway's codes are APIG.xxxx, and APIGW.xxxx from older gateways.
//
// Every gateway code here proves that the gateway did not forward the call. Codes that
// prove nothing are left out and judged by their status: 0107 (a script, at either end of
// the call), 0201 (three statuses, three meanings), 0202 and 0203 (the back end did not
// answer), 0601 (an internal error, anywhere).
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
	"MPC.10224": {Operator, "MPC's agency for reading and writing the buckets has been deleted: authorize MPC again in its console"},
	"MPC.10234": {Operator, "MPC has disabled this function for a while: see the vendor's notices, or contact its support"},
	"MPC.10235": {Operator, adviceRefused},
	"MPC.10237": {Throttled, ""},
	"MPC.10244": {Operator, "check the balance of the account and top it up"},

	"APIG.0101": {Operator, adviceEndpoint},
	"APIG.0103": {Transient, ""},
	"APIG.0104": {Transient, ""},
	"APIG.0105": {Transient, ""},
	"APIG.0106": {Operator, adviceGateway},
	"APIG.0204": {Operator, "the gateway does not support this TLS version: check for a proxy that terminates TLS"},
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
	"APIG.0501": {Operator, "the purchased call quota of the gateway is used up: raise it"},
	"APIG.0502": {Operator, "the account is frozen or its balance is insufficient: top it up"},
	"APIG.0605": {Transient, ""},
	"APIG.0606": {Transient, ""},
	"APIG.0607": {Operator, "the gateway does not accept this protocol: MPC_ENDPOINT must start with https"},
	"APIG.0608": {Transient, ""},
	"APIG.0609": {Transient, ""},
	"APIG.0610": {Transient, ""},
	"APIG.0611": {Transient, ""},
	"APIG.0612": {Operator, "the gateway detected a request loop: check MPC_ENDPOINT, and contact the vendor's support with the request id"},
	"APIG.0613": {Transient, ""},
	"APIG.0705": {Transient, ""},
	"APIG.0801": {Operator, adviceRegion},
	"APIG.0802": {Operator, adviceRegion},
	"APIG.1009": {Operator, adviceRefused},
}
