package mpcclient

import (
	"net/http"
	"slices"
	"strings"
)

// gatewayCode gives a gateway's error code its newer spelling.
func gatewayCode(code string) string {
	if number, ok := strings.CutPrefix(code, "APIGW."); ok {
		return "APIG." + number
	}
	return code
}

// classify judges an answer that is no success: by error_code first, because the vendor's documents contradict each
// other on statuses, and by status second.
//
// A 500, 502 or 504 tells of a server behind the one that answers (RFC 9110, section 15.6): the call may have been
// executed, unless the code proves that it was not passed on. MPC's own codes prove what they say too, but for a 504's:
// whoever gave up waiting has not heard of MPC.
func classify(status int, code, message string) verdict {
	switch {
	case status/100 == 2 && code == "":
		return verdict{Lost, adviceEndpoint}
	case status/100 == 2: // a success that is no proof
		return verdict{Lost, ""}
	}
	code = gatewayCode(code)
	if v, ok := verdicts[code]; ok && (status != http.StatusGatewayTimeout || strings.HasPrefix(code, "APIG.")) {
		return v
	}
	switch status {
	case http.StatusTooManyRequests:
		return verdict{Throttled, ""}
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusServiceUnavailable: // not executed, by definition
		return verdict{Transient, ""}
	case http.StatusUnauthorized:
		return verdict{Operator, adviceRefused}
	case http.StatusProxyAuthRequired:
		return verdict{Operator, "the proxy wants credentials: check HTTPS_PROXY"}
	}
	switch {
	case status == http.StatusForbidden && lacksPermission(code, message):
		return verdict{Operator, adviceGrant}
	case status >= 500 && status <= 599:
		return verdict{Lost, ""}
	case status >= 300 && status <= 399: // 303 is even how a server may say that it did as asked
		return verdict{Lost, "a redirect is never followed: " + adviceEndpoint}
	case status < 400 || status > 599:
		return verdict{Lost, adviceEndpoint}
	case code == "APIG.0201" && slices.Contains([]int{400, 413, 414, statusHeadersTooLarge}, status):
		return verdict{Refused, ""}
	case strings.HasPrefix(code, "MPC."):
		return verdict{Refused, ""}
	}
	return verdict{Operator, adviceEndpoint}
}

// statusHeadersTooLarge is the gateway's own status, as nginx has it.
const statusHeadersTooLarge = 494

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
