package mpcclient

import (
	"net/http"
	"slices"
	"strings"
)

// verdict is what an answer means and what an operator can do about it.
type verdict struct {
	class  Class
	advice string
}

const (
	adviceRefused  = "refused" // stands for Auth.refusal, which knows the credentials in use
	adviceGrant    = "grant the IAM user the permission for this operation (mpc:remuxTsk:retry, mpc:remuxTsk:list)"
	adviceEndpoint = "something other than MPC answered: check MPC_ENDPOINT, MPC_PROJECT_ID and any proxy or firewall between"
)

// verdicts by error_code, from the vendor's error code tables of MPC and of the API gateway. The gateway's codes come as
// APIG.xxxx and, from older gateways, as APIGW.xxxx. APIG.0201 is missing: it means whatever its status means.
var verdicts = map[string]verdict{
	"MPC.10202": {InvalidTask, ""},
	"MPC.10203": {Operator, adviceRefused},
	"MPC.10206": {Operator, "check the state of the account: whether it is frozen, restricted or not yet verified"},
	"MPC.10207": {Operator, "check the state of the account: whether it is frozen, restricted or not yet verified"},
	"MPC.10208": {Operator, "MPC could not verify the tenant: check that MPC_PROJECT_ID belongs to the account of the credentials"},
	"MPC.10209": {InvalidTask, ""},
	"MPC.10210": {InvalidTask, ""},
	"MPC.10211": {TaskNotFound, ""},
	"MPC.10212": {Ambiguous, ""},
	"MPC.10213": {Ambiguous, ""},
	"MPC.10237": {Throttled, ""},
	"MPC.10244": {Operator, "check the balance of the account and top it up"},

	"APIG.0301": {Operator, adviceRefused},
	"APIG.0302": {Operator, adviceGrant},
	"APIG.0306": {Operator, "the gateway denies access to this API: " + adviceGrant},
	"APIG.0307": {Operator, adviceRefused},
	"APIG.0308": {Throttled, ""},
	"APIG.0310": {Operator, "MPC_PROJECT_ID is not a project of these credentials: set the project's id (not its name) in this region"},
	"APIG.0401": {Operator, "the gateway refuses this machine's address: add it to the white list of the IAM access control"},
	"APIG.0402": {Operator, "the gateway refuses this machine's address: add it to the white list of the IAM access control"},
	"APIG.0404": {Operator, "the gateway denies access to the back end: contact the vendor's support with the request id"},
	"APIG.0802": {Operator, "the key or user is disabled or not allowed in this region: check it in IAM"},

	"APIG.0601": {Transient, ""},
	"APIG.0605": {Transient, ""},
	"APIG.0606": {Transient, ""},
	"APIG.0608": {Transient, ""},
	"APIG.0609": {Transient, ""},
	"APIG.0610": {Transient, ""},
	"APIG.0611": {Transient, ""},
	"APIG.0613": {Transient, ""},
	"APIG.0705": {Transient, ""},
}

// gatewayCode gives a gateway's error code its newer spelling.
func gatewayCode(code string) string {
	if number, ok := strings.CutPrefix(code, "APIGW."); ok {
		return "APIG." + number
	}
	return code
}

// classify judges an answer that is no success: by error_code first, because the vendor's documents contradict each
// other on statuses, and by status second.
func classify(status int, code, message string) verdict {
	switch {
	case status == http.StatusGatewayTimeout:
		// The gateway had passed the call on and stopped waiting, whatever code it gives.
		return verdict{Lost, ""}
	case status/100 == 2 && code == "":
		return verdict{Lost, adviceEndpoint}
	case status/100 == 2: // a success that is no proof
		return verdict{Lost, ""}
	}
	code = gatewayCode(code)
	if v, ok := verdicts[code]; ok {
		return v
	}
	switch {
	case status == http.StatusTooManyRequests:
		return verdict{Throttled, ""}
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500 && status <= 599:
		return verdict{Transient, ""}
	case status == http.StatusUnauthorized:
		return verdict{Operator, adviceRefused}
	case status == http.StatusProxyAuthRequired:
		return verdict{Operator, "the proxy wants credentials: check HTTPS_PROXY"}
	case status == http.StatusForbidden && lacksPermission(code, message):
		return verdict{Operator, adviceGrant}
	case status >= 300 && status <= 399: // 303 is even how a server may say that it did as asked
		return verdict{Lost, "a redirect is never followed: " + adviceEndpoint}
	case status < 400 || status > 599:
		return verdict{Lost, adviceEndpoint}
	case code == "APIG.0201" && (status == 400 || status == 413 || status == 414):
		return verdict{Refused, ""}
	case strings.HasPrefix(code, "MPC."):
		return verdict{Refused, ""}
	}
	return verdict{Operator, adviceEndpoint}
}

// lacksPermission knows a refusal by IAM's policies, by its code or (services word them differently, under codes of
// their own) by its text. MPC's own codes need the very words of a policy: "not authorized" may also be said of the
// task's bucket, and that is the task's fault.
func lacksPermission(code, message string) bool {
	code = gatewayCode(code)
	switch code {
	case "":
		return false
	case "APIG.0302", "APIG.0304", "APIG.0306":
		return true
	}
	if _, known := verdicts[code]; known {
		return false
	}
	signs := []string{"policy", "permission", "authoriz", "access denied", "mpc:"}
	if strings.HasPrefix(code, "MPC.") {
		signs = []string{"policy doesn't allow", "policy does not allow", "mpc:remux"}
	}
	message = strings.ToLower(message)
	return slices.ContainsFunc(signs, func(sign string) bool { return strings.Contains(message, sign) })
}

// saysTokenRefused knows the answers that a new token may cure, and that prove that the call was not executed: the
// gateway's codes for it, and a 401 whose code means nothing else.
func saysTokenRefused(e *Error) bool {
	code := gatewayCode(e.Code)
	return classify(e.Status, e.Code, e.Message).advice == adviceRefused &&
		(e.Status == http.StatusUnauthorized || code == "APIG.0301" || code == "APIG.0307")
}
