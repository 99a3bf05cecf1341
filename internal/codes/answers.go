package codes

import "remux-retrier/mpcclient"

// What the service does about a class of answers, in the words of a person.
var does = map[mpcclient.Class]string{
	mpcclient.Ambiguous:    "The refusal has several possible reasons, so the task's state is asked for: FAILED leads to rejected; INIT, WAITING, PROCESSING and SUCCEED to already_running; CANCELED to not_retryable; a task that MPC does not know to task_not_found. Where the state may not be asked for, MPC.10213 counts as already_running and MPC.10212 as rejected.",
	mpcclient.TaskNotFound: "The failure event is answered retry_failed, task_not_found. It is not called again.",
	mpcclient.InvalidTask:  "The failure event is answered retry_failed, invalid_task. It is not called again.",
	mpcclient.Throttled:    "An outage, which decides nothing: the event waits, and the service slows down until hardly a call is refused.",
	mpcclient.Operator:     "An outage that somebody must end, which decides nothing: events wait, one probe a second at most finds out when calls succeed again. The log and /readyz say what to do.",
	mpcclient.Transient:    "An outage, which decides nothing: the event waits and is called again, later and later.",
}

// byStatus stands for codes that mean whatever the HTTP status means.
const byStatus = "With 400, 413 or 414 the request itself is refused, and the task's state is asked for; with 500 or 502 the event waits and is called again; with 504 the answer is lost, and the state is asked for before the event is called again."

// betweenGatewayAndBackEnd is all that an on-call person needs of several codes.
const betweenGatewayAndBackEnd = "An error inside the gateway, or between it and the back end."

// answers are the codes in answers to a call.
func answers() []Code {
	list := []Code{
		{Code: "MPC.10202", Class: mpcclient.InvalidTask, Meaning: "A parameter of the request is invalid."},
		{Code: "MPC.10203", Class: mpcclient.Operator, Meaning: "MPC could not authenticate the caller.", Operator: "Check the credentials and their expiry."},
		{Code: "MPC.10206", Class: mpcclient.Operator, Meaning: "The account's state does not allow the call.", Operator: "Check whether the account is frozen, restricted or not yet verified."},
		{Code: "MPC.10207", Class: mpcclient.Operator, Meaning: "The account's state does not allow the call.", Operator: "Check whether the account is frozen, restricted or not yet verified."},
		{Code: "MPC.10208", Class: mpcclient.Operator, Meaning: "MPC could not verify the tenant.", Operator: "Check that MPC_PROJECT_ID belongs to the account of the credentials."},
		{Code: "MPC.10209", Class: mpcclient.InvalidTask, Meaning: "A path in the object storage is not valid.", Operator: "Create a new task with the right path."},
		{Code: "MPC.10210", Class: mpcclient.InvalidTask, Meaning: "The input cannot be read.", Operator: "Check that the input exists and that MPC may read its bucket; then create a new task."},
		{Code: "MPC.10211", Class: mpcclient.TaskNotFound, Meaning: "The task does not exist.", Operator: "Check the task's id, MPC_PROJECT_ID and the region."},
		{Code: "MPC.10212", Class: mpcclient.Ambiguous, Meaning: "The operation failed. MPC says no more."},
		{Code: "MPC.10213", Class: mpcclient.Ambiguous, Meaning: "The task is not in a state from which it can be retried: it is in progress, or has ended well."},
		{Code: "MPC.10237", Class: mpcclient.Throttled, Meaning: "Too many requests: MPC's own limit is reached.", Operator: "Nothing, if it passes. Otherwise lower MPC_REQUESTS_PER_MINUTE, or see who else uses the tenant's quota."},
		{Code: "MPC.10244", Class: mpcclient.Operator, Meaning: "The account's balance does not suffice.", Operator: "Top up the account."},

		{Code: "APIG.0201", Meaning: "The gateway could not take the request, or had no answer for it: which, the HTTP status says.", Service: byStatus},
		{Code: "APIG.0301", Class: mpcclient.Operator, Meaning: "The authentication information is wrong.", Operator: "Check the credentials; with AK/SK also this machine's clock, which must be within 15 minutes of the API's."},
		{Code: "APIG.0302", Class: mpcclient.Operator, Meaning: "The IAM user is not allowed to call this API.", Operator: "Grant mpc:remuxTsk:retry and mpc:remuxTsk:list."},
		{Code: "APIG.0306", Class: mpcclient.Operator, Meaning: "The gateway denies access to this API.", Operator: "Grant mpc:remuxTsk:retry and mpc:remuxTsk:list."},
		{Code: "APIG.0307", Class: mpcclient.Operator, Meaning: "The user token must be renewed.", Operator: "With an IAM user the service renews it by itself; an MPC_AUTH_TOKEN must be replaced."},
		{Code: "APIG.0308", Class: mpcclient.Throttled, Meaning: "Too many requests: the gateway's quota is used up.", Operator: "Nothing, if it passes. Otherwise lower MPC_REQUESTS_PER_MINUTE, or see who else uses the tenant's quota."},
		{Code: "APIG.0310", Class: mpcclient.Operator, Meaning: "The project is not one of these credentials'.", Operator: "Set MPC_PROJECT_ID to the project's id, not its name, in this region."},
		{Code: "APIG.0401", Class: mpcclient.Operator, Meaning: "The gateway refuses this machine's address.", Operator: "Add the address to the white list of the IAM access control."},
		{Code: "APIG.0402", Class: mpcclient.Operator, Meaning: "The gateway refuses this machine's address.", Operator: "Add the address to the white list of the IAM access control."},
		{Code: "APIG.0404", Class: mpcclient.Operator, Meaning: "The gateway denies access to the back end.", Operator: "Contact the vendor's support, with the request id."},
		{Code: "APIG.0802", Class: mpcclient.Operator, Meaning: "The key or the user is disabled, or not allowed in this region.", Operator: "Check it in IAM."},
		{Code: "APIG.0601", Class: mpcclient.Transient, Meaning: "An error inside the gateway."},
		{Code: "APIG.0605", Class: mpcclient.Transient, Meaning: "The gateway could not resolve the back end's name."},
		{Code: "APIG.0606", Class: mpcclient.Transient, Meaning: betweenGatewayAndBackEnd},
		{Code: "APIG.0608", Class: mpcclient.Transient, Meaning: betweenGatewayAndBackEnd},
		{Code: "APIG.0609", Class: mpcclient.Transient, Meaning: betweenGatewayAndBackEnd},
		{Code: "APIG.0610", Class: mpcclient.Transient, Meaning: betweenGatewayAndBackEnd},
		{Code: "APIG.0611", Class: mpcclient.Transient, Meaning: betweenGatewayAndBackEnd},
		{Code: "APIG.0613", Class: mpcclient.Transient, Meaning: betweenGatewayAndBackEnd},
		{Code: "APIG.0705", Class: mpcclient.Transient, Meaning: betweenGatewayAndBackEnd},
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
