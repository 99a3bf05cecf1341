package mpcclient

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Every documented code, with every documented or plausible status: the code decides.
func TestEveryDocumentedCodeHasItsClass(t *testing.T) {
	tests := []struct {
		codes    string
		statuses []int
		want     Class
	}{
		{"MPC.10212 MPC.10213 MPC.10218", []int{400, 403, 404, 500, 502}, Ambiguous},
		{"MPC.10211", []int{400, 403, 404}, TaskNotFound},
		{"MPC.10202 MPC.10209 MPC.10210", []int{400, 403}, InvalidTask},
		{"MPC.10237", []int{406, 403, 429}, Throttled},
		{"MPC.10203 MPC.10204 MPC.10205 MPC.10206 MPC.10207 MPC.10208", []int{400, 401, 403}, Operator},
		{"MPC.10224 MPC.10234 MPC.10235 MPC.10244", []int{400, 403, 406}, Operator},
		// Codes of other operations, or inside a failed task: as an answer they are a
		// refusal like any other.
		{"MPC.10069 MPC.10089 MPC.10090 MPC.10091 MPC.10126 MPC.10155 MPC.10156", []int{400, 403, 406}, Refused},
		{"MPC.10223 MPC.10230 MPC.10231 MPC.19999", []int{400, 403, 404, 406, 409}, Refused},
		{"MPC.19999", []int{401}, Operator},
		{"MPC.19999", []int{429}, Throttled},
		{"MPC.19999", []int{408, 425, 503}, Transient},
		{"MPC.19999", []int{500, 502, 504}, Lost},
		{"MPC.10212 MPC.10211 MPC.10237 MPC.10244", []int{504}, Lost},
		{"MPC.10212 MPC.10211", []int{200, 201}, Lost},

		{"0308", []int{429, 403, 504}, Throttled},
		{"0308", []int{200, 201}, Lost},
		{"0301 0303 0305 0307 0311 1009", []int{401, 403}, Operator},
		{"0302 0304 0306 0310 0401 0402 0404 0801 0802", []int{403, 400}, Operator},
		{"0101 0106 0204 0607", []int{404, 400}, Operator},
		{"0501 0502", []int{405, 403}, Operator},
		{"0612", []int{500, 400}, Operator},
		// The gateway did not forward the call, whatever status it returns.
		{"0103 0104 0105 0605 0606 0608 0609 0610 0611 0613 0705", []int{400, 404, 500, 502, 503, 504}, Transient},
		{"0201", []int{400, 413, 414, 494}, Refused},
		// It may have: neither code nor status tells.
		{"0107 0201 0202 0203 0601 9999", []int{500, 502, 504}, Lost},
		{"0201 0601 9999", []int{503}, Transient},
		{"0601 0602 9999", []int{400, 403, 404}, Operator},
		{"OTHER.0001", []int{400, 403, 404}, Operator},
		{"OTHER.0001", []int{500, 502, 504}, Lost},
	}
	for _, test := range tests {
		for _, code := range spelled(test.codes) {
			for _, status := range test.statuses {
				t.Run(fmt.Sprintf("%s_%d", code, status), func(t *testing.T) {
					api := newRecorder(t, answering(status, `{"error_code":"`+code+`","error_msg":"Says no.","request_id":"r-1"}`))
					e := failure(t, newClient(t, api.URL).Retry(t.Context(), "538526"), test.want)
					if e.Operation != OperationRetry || e.Status != status || e.Code != code || e.Message != "Says no." || e.RequestID != "r-1" {
						t.Errorf("details are missing: %+v", *e)
					}
					if (e.Class == Operator) != (e.Advice != "") {
						t.Errorf("%s with advice %q", e.Class, e.Advice)
					}
				})
			}
		}
	}
}

// spelled returns codes as they occur: a bare number is the gateway's, old or new.
func spelled(codes string) []string {
	var all []string
	for _, code := range strings.Fields(codes) {
		if strings.Contains(code, ".") {
			all = append(all, code)
		} else {
			all = append(all, "APIG."+code, "APIGW."+code)
		}
	}
	return all
}

func TestStatusDecidesWhereNoCodeDoes(t *testing.T) {
	const page = "<html><title>Blocked</title></html>"
	tests := []struct {
		status int
		want   Class
	}{
		{300, Lost}, {301, Lost}, {302, Lost}, {303, Lost}, {304, Lost}, {307, Lost}, {308, Lost},
		{400, Operator}, {401, Operator}, {403, Operator}, {404, Operator}, {405, Operator}, {407, Operator}, {413, Operator},
		{408, Transient}, {425, Transient}, {503, Transient},
		{429, Throttled},
		{500, Lost}, {501, Lost}, {502, Lost}, {504, Lost}, {507, Lost}, {520, Lost}, {599, Lost},
		{600, Lost}, {999, Lost},
	}
	for _, test := range tests {
		for _, body := range []string{"", page, `{"message":"no"}`, `["MPC.10212"]`} {
			t.Run(fmt.Sprintf("%d_%.5s", test.status, body), func(t *testing.T) {
				api := newRecorder(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Location", "/elsewhere")
					w.Header().Set("X-Request-Id", "r-2")
					answering(test.status, body)(w, r)
				})
				e := failure(t, newClient(t, api.URL).Retry(t.Context(), "1"), test.want)
				if e.RequestID != "r-2" || ((e.Class == Operator || e.Class == Lost && test.status/100 != 5) && e.Advice == "") {
					t.Errorf("details are missing: %+v", *e)
				}
				if n := len(api.seen()); n != 1 {
					t.Errorf("%d requests were sent", n)
				}
			})
		}
	}
}

func TestOutageIsWhatSaysNothingAboutTheTask(t *testing.T) {
	for class, want := range map[Class]bool{
		Ambiguous: false, TaskNotFound: false, InvalidTask: false, Refused: false,
		Throttled: true, Operator: true, Transient: true, Lost: true,
	} {
		if (&Error{Class: class}).Outage() != want {
			t.Errorf("%s: outage is not %t", class, want)
		}
		if strings.HasPrefix(class.String(), "class(") {
			t.Errorf("class %d has no name", int(class))
		}
	}
	if got := Class(0).String(); got != "class(0)" {
		t.Errorf("the zero class is called %q", got)
	}
}

func TestForbiddenIsAMissingPermissionAndNothingElse(t *testing.T) {
	tests := []struct {
		status        int
		code, message string
		want          bool
	}{
		{403, "APIG.0302", "The IAM user is not authorized to access the API.", true},
		{403, "APIGW.0302", "", true},
		{403, "APIG.0304", "", true},
		{403, "APIGW.0306", "", true},
		{403, "PAP5.0001", "access denied: mpc:remuxTsk:view", true},
		{403, "IAM.0001", "No permission for action.", true},
		{403, "MPC.10999", "Policy doesn't allow mpc:remuxTsk:view to be performed.", true},
		{403, "MPC.10999", "The bucket is not authorized.", false},
		{403, "MPC.10212", "Policy doesn't allow it.", false},
		{403, "APIG.0401", "access denied", false},
		{403, "APIG.0802", "The IAM user is forbidden.", false},
		{403, "", "Access Denied", false},
		{401, "APIG.0302", "", false},
	}
	for _, test := range tests {
		e := &Error{Status: test.status, Code: test.code, Message: test.message}
		if e.Forbidden() != test.want {
			t.Errorf("%d %s %q: Forbidden is not %t", test.status, test.code, test.message, test.want)
		}
	}
	if v := classify(403, "MPC.10999", "Policy doesn't allow mpc:remuxTsk:retry to be performed."); v.class != Operator {
		t.Errorf("a missing permission is %s: every event would be rejected for it", v.class)
	}
	if v := classify(403, "MPC.10999", "The bucket is not authorized."); v.class != Refused {
		t.Errorf("a task's own fault is %s: one event would stop all", v.class)
	}
}
