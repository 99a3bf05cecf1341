package codes

import "remux-retrier/mpcclient"

// does says what the service does after an answer of each class.
var does = map[mpcclient.Class]string{
	mpcclient.Ambiguous:    "The refusal has several possible reasons, so the service queries the task's state: FAILED leads to rejected; INIT, WAITING, PROCESSING and SUCCEED to already_running; CANCELED to not_retryable; a task that MPC does not know to task_not_found. Without the permission to query, MPC.10213 and MPC.10218 count as already_running, and MPC.10212 as rejected.",
	mpcclient.TaskNotFound: "The failure event is answered retry_failed, task_not_found. There is no other call for it.",
	mpcclient.InvalidTask:  "The failure event is answered retry_failed, invalid_task. There is no other call for it.",
	mpcclient.Refused:      "MPC refuses this task. The service queries the task's state, which decides the outcome; FAILED leads to rejected.",
	mpcclient.Throttled:    "Not an outage. No event fails; all stay queued. The service slows down until few calls are refused.",
	mpcclient.Operator:     "An outage that an operator must end. No event fails; all stay queued. The service sends at most one probe a second until calls succeed again. The log and /readyz say what to do.",
	mpcclient.Transient:    "An outage. No event fails; all stay queued. The call was not executed, and the service calls again with growing backoff.",
}

// byStatus is for codes whose meaning depends on the HTTP status.
const byStatus = "With 400, 413, 414 or 494 the request itself is refused, and the service queries the task's state. " + unproven

// unproven is for codes that do not prove whether the gateway forwarded the call.
const unproven = "With 500, 502 or 504 the call may have been executed: the answer counts as lost, and the service queries the task's state before it calls again. With 503 the service calls again later."

const (
	grant     = "Grant " + mpcclient.PermissionRetry + " and " + mpcclient.PermissionQuery + "."
	throttled = "Nothing, if it ends by itself. Otherwise lower MPC_REQUESTS_PER_MINUTE, or find out which other programs use the tenant's quota."
	support   = "Nothing, if it ends by itself. Otherwise contact the vendor's support, with the request id."
	account   = "Check whether the account is frozen, restricted or not yet verified."
	altered   = "Check MPC_ENDPOINT, and any proxy that rewrites requests."
)

// answers lists the codes in answers to a call.
func answers() []Code {
	list := []Code{
		{Code: "MPC.10202", Class: mpcclient.InvalidTask, Meaning: "A parameter of the request is invalid."},
		{Code: "MPC.10203", Class: mpcclient.Operator, Meaning: "MPC could not authenticate the caller.", Advice: "Check the credentials and their expiry."},
		{Code: "MPC.10204", Class: mpcclient.Operator, Meaning: "The request's method is wrong; the service always sends the same.", Advice: altered},
		{Code: "MPC.10205", Class: mpcclient.Operator, Meaning: "The request's content type is wrong; the service always sends the same.", Advice: altered},
		{Code: "MPC.10206", Class: mpcclient.Operator, Meaning: "The account's state does not allow the call.", Advice: account},
		{Code: "MPC.10207", Class: mpcclient.Operator, Meaning: "The account's state does not allow the call.", Advice: account},
		{Code: "MPC.10208", Class: mpcclient.Operator, Meaning: "MPC could not verify the tenant.", Advice: "Check that MPC_PROJECT_ID belongs to the account of the credentials."},
		{Code: "MPC.10209", Class: mpcclient.InvalidTask, Meaning: "A path in the object storage is not valid.", Advice: "Create a new task with the right path."},
		{Code: "MPC.10210", Class: mpcclient.InvalidTask, Meaning: "The input cannot be read.", Advice: "Check that the input exists and that MPC may read its bucket; then create a new task."},
		{Code: "MPC.10211", Class: mpcclient.TaskNotFound, Meaning: "The task does not exist.", Advice: "Check the task's id, MPC_PROJECT_ID and the region."},
		{Code: "MPC.10212", Class: mpcclient.Ambiguous, Meaning: "The operation failed. MPC gives no details."},
		{Code: "MPC.10213", Class: mpcclient.Ambiguous, Meaning: "The task is not in a state from which it can be retried: it is in progress, or has succeeded."},
		{Code: "MPC.10218", Class: mpcclient.Ambiguous, Meaning: "The task has completed."},
		{Code: "MPC.10224", Class: mpcclient.Operator, Meaning: "The agency that lets MPC read and write the buckets has been deleted.", Advice: "Authorize MPC again in its console."},
		{Code: "MPC.10234", Class: mpcclient.Operator, Meaning: "MPC has disabled this function for a while.", Advice: "See the vendor's notices, or contact its support."},
		{Code: "MPC.10235", Class: mpcclient.Operator, Meaning: "MPC could not authenticate the caller.", Advice: "Check the credentials and their expiry."},
		{Code: "MPC.10237", Class: mpcclient.Throttled, Meaning: "Too many requests: MPC's own limit is reached.", Advice: throttled},
		{Code: "MPC.10244", Class: mpcclient.Operator, Meaning: "The account's balance is too low.", Advice: "Top up the account."},

		{Code: "MPC.10089", Class: mpcclient.Refused, Meaning: "The template file does not exist.", Advice: "Check the template that the task was created with; then create a new task."},
		{Code: "MPC.10090", Class: mpcclient.Refused, Meaning: "The template file does not exist.", Advice: "Check the template that the task was created with; then create a new task."},
		{Code: "MPC.10091", Class: mpcclient.Refused, Meaning: "The template's name is already in use. The code belongs to an operation that this service does not use."},
		{Code: "MPC.10223", Class: mpcclient.Refused, Meaning: "The agency exists already. The code belongs to an operation that this service does not use."},
		{Code: "MPC.10230", Class: mpcclient.Refused, Meaning: "The template group exists already. The code belongs to an operation that this service does not use."},
		{Code: "MPC.10231", Class: mpcclient.Refused, Meaning: "The template group does not exist. The code belongs to an operation that this service does not use."},

		{Code: "APIG.0101", Class: mpcclient.Operator, Meaning: "The gateway knows no such API, method or environment.", Advice: "Check MPC_ENDPOINT, and any proxy that rewrites requests."},
		{Code: "APIG.0103", Class: mpcclient.Transient, Meaning: "The gateway found no back end for the API.", Advice: support},
		{Code: "APIG.0104", Class: mpcclient.Transient, Meaning: "The gateway found no plug-in configuration.", Advice: support},
		{Code: "APIG.0105", Class: mpcclient.Transient, Meaning: "The gateway found no back-end configuration.", Advice: support},
		{Code: "APIG.0106", Class: mpcclient.Operator, Meaning: "The gateway could not map the request to its back end.", Advice: "Contact the vendor's support, with the request id."},
		{Code: "APIG.0107", Meaning: "A script inside the gateway failed.", Service: unproven, Advice: support},
		{Code: "APIG.0201", Meaning: "The gateway could not accept the request, or got no answer to it. The HTTP status shows which.", Service: byStatus},
		{Code: "APIG.0202", Meaning: "The back end is not available.", Service: unproven},
		{Code: "APIG.0203", Meaning: "The back end did not answer in time.", Service: unproven},
		{Code: "APIG.0204", Class: mpcclient.Operator, Meaning: "The gateway does not support the TLS version of the connection.", Advice: "Check for a proxy that terminates TLS."},
		{Code: "APIG.0301", Class: mpcclient.Operator, Meaning: "The authentication information is wrong.", Advice: "Check the credentials; with AK/SK also this machine's clock, which must be within 15 minutes of the API's."},
		{Code: "APIG.0302", Class: mpcclient.Operator, Meaning: "The IAM user is not allowed to call this API.", Advice: grant},
		{Code: "APIG.0303", Class: mpcclient.Operator, Meaning: "The authentication information of an app (a client of the gateway) is wrong.", Advice: "Check the credentials, and MPC_ENDPOINT."},
		{Code: "APIG.0304", Class: mpcclient.Operator, Meaning: "The app that signed the request is not allowed to call this API.", Advice: grant},
		{Code: "APIG.0305", Class: mpcclient.Operator, Meaning: "The authentication information is wrong.", Advice: "Check the credentials."},
		{Code: "APIG.0306", Class: mpcclient.Operator, Meaning: "The gateway denies access to this API.", Advice: grant},
		{Code: "APIG.0307", Class: mpcclient.Operator, Meaning: "The user token must be renewed.", Advice: "With an IAM user the service renews it by itself; an MPC_AUTH_TOKEN must be replaced. The token may also be for another region: check MPC_ENDPOINT."},
		{Code: "APIG.0308", Class: mpcclient.Throttled, Meaning: "Too many requests: the gateway's quota is used up.", Advice: throttled},
		{Code: "APIG.0310", Class: mpcclient.Operator, Meaning: "The project does not belong to these credentials.", Advice: "Set MPC_PROJECT_ID to the project's id, not its name, in this region."},
		{Code: "APIG.0311", Class: mpcclient.Operator, Meaning: "The authentication information of a debugging call is wrong.", Advice: "Check the credentials, and MPC_ENDPOINT."},
		{Code: "APIG.0401", Class: mpcclient.Operator, Meaning: "The gateway refuses this machine's address.", Advice: "Add the address to the allow list of the IAM access control."},
		{Code: "APIG.0402", Class: mpcclient.Operator, Meaning: "The gateway refuses this machine's address.", Advice: "Add the address to the allow list of the IAM access control."},
		{Code: "APIG.0404", Class: mpcclient.Operator, Meaning: "The gateway denies access to the back end.", Advice: "Contact the vendor's support, with the request id."},
		{Code: "APIG.0501", Class: mpcclient.Operator, Meaning: "The quota of calls that was bought at the gateway is used up.", Advice: "Raise the quota."},
		{Code: "APIG.0502", Class: mpcclient.Operator, Meaning: "The account is frozen, or its balance is too low.", Advice: "Top up the account."},
		{Code: "APIG.0601", Meaning: "An internal error of the gateway or of the back end.", Service: unproven, Advice: support},
		{Code: "APIG.0605", Class: mpcclient.Transient, Meaning: "The gateway could not resolve the back end's name."},
		{Code: "APIG.0606", Class: mpcclient.Transient, Meaning: "The gateway has not loaded the API's configuration."},
		{Code: "APIG.0607", Class: mpcclient.Operator, Meaning: "The gateway does not accept the protocol of the call.", Advice: "MPC_ENDPOINT must begin with https."},
		{Code: "APIG.0608", Class: mpcclient.Transient, Meaning: "The gateway could not read the tenant's data."},
		{Code: "APIG.0609", Class: mpcclient.Transient, Meaning: "The gateway found no back end in the private network."},
		{Code: "APIG.0610", Class: mpcclient.Transient, Meaning: "The gateway has no back end that is available."},
		{Code: "APIG.0611", Class: mpcclient.Transient, Meaning: "The gateway found no port of the back end."},
		{Code: "APIG.0612", Class: mpcclient.Operator, Meaning: "The gateway detected a request loop.", Advice: "Check MPC_ENDPOINT, and contact the vendor's support with the request id."},
		{Code: "APIG.0613", Class: mpcclient.Transient, Meaning: "IAM is not available to the gateway."},
		{Code: "APIG.0705", Class: mpcclient.Transient, Meaning: "The gateway could not sign the call to the back end."},
		{Code: "APIG.0801", Class: mpcclient.Operator, Meaning: "The service cannot be called in this region.", Advice: "Check MPC_REGION and MPC_ENDPOINT."},
		{Code: "APIG.0802", Class: mpcclient.Operator, Meaning: "The key or the user is disabled, or not allowed in this region.", Advice: "Check it in IAM."},
		{Code: "APIG.1009", Class: mpcclient.Operator, Meaning: "The key or the secret of an app is wrong.", Advice: "Check the credentials, and MPC_ENDPOINT."},
	}
	for i := range list {
		c := &list[i]
		c.Place = Answer
		if c.Class != 0 {
			c.Service = does[c.Class]
		}
	}
	return list
}
