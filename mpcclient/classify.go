package mpcclient

import (
	"net/http"
	"slices"
	"strings"
)

// gatewayCode converts a gateway's error code to its newer spelling.
func gatewayCode(code string) string {
	if number, ok := strings.CutPrefix(code, "APIGW."); ok {
		return "APIG." + number
	}
	return code
}

// classify judges an unsuccessful answer: by error_code first, because the vendor's
// documents contradict each other about statuses, and by status second.
//
// A 5xx other than 503 may be about a server behind the one that answers (RFC 9110, section
// 15.6): the call may have been executed, unless the code proves that it was not. MPC's
// own codes prove what they say, except with a 504: a gateway that timed out has not heard
// from MPC.
func classify(status int, code, message string) verdict {
	switch {
	case status/100 == 2 && code == "":
		return verdict{Lost, adviceEndpoint}
	case status/100 == 2: // a success without proof
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
		return verdict{Operator, "the proxy requires credentials: check HTTPS_PROXY"}
	}
	switch {
	case status == http.StatusForbidden && lacksPermission(code, message):
		return verdict{Operator, adviceGrant}
	case status >= 500 && status <= 599:
		return verdict{Lost, ""}
	case status >= 300 && status <= 399: // a server may even answer 303 to say that it did as asked
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

// statusHeadersTooLarge is a status that the gateway has from nginx.
const statusHeadersTooLarge = 494

// lacksPermission recognizes a refusal by IAM's policies by its code or by its text
// (services phrase it differently, with codes of their own). For MPC's own codes only the
// exact words of a policy count: "not authorized" may also be about the task's bucket,
// which is the task's fault.
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

// saysTokenRefused recognizes answers that a new token may fix and that prove that the call
// was not executed: the gateway's codes for it, and a 401 without another meaning.
func saysTokenRefused(e *Error) bool {
	code := gatewayCode(e.Code)
	return classify(e.Status, e.Code, e.Message).advice == adviceRefused &&
		(e.Status == http.StatusUnauthorized || code == "APIG.0301" || code == "APIG.0307")
}
