package mpcclient

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// Every documented code, at every status it is documented with or plausibly comes with: the code decides.
func TestEveryDocumentedCodeHasItsClass(t *testing.T) {
	tests := []struct {
		codes    string
		statuses []int
		want     Class
	}{
		{"MPC.10212 MPC.10213", []int{400, 403, 404, 500}, Ambiguous},
		{"MPC.10211", []int{400, 403, 404}, TaskNotFound},
		{"MPC.10202 MPC.10209 MPC.10210", []int{400, 403}, InvalidTask},
		{"MPC.10237", []int{406, 403, 429}, Throttled},
		{"APIG.0308 APIGW.0308", []int{429, 403}, Throttled},
		{"MPC.10203 MPC.10206 MPC.10207 MPC.10208 MPC.10244", []int{400, 401, 403}, Operator},
		{"APIG.0301 APIGW.0301 APIG.0307 APIGW.0307", []int{401, 403}, Operator},
		{"APIG.0302 APIG.0306 APIG.0310 APIG.0401 APIG.0402 APIG.0404 APIG.0802", []int{403, 400}, Operator},
		{"APIGW.0302 APIGW.0306 APIGW.0310 APIGW.0401 APIGW.0402 APIGW.0404 APIGW.0802", []int{403, 400}, Operator},
		{"APIG.0201 APIGW.0201", []int{400, 413, 414}, Refused},
		{"APIG.0201 APIGW.0201", []int{500, 502}, Transient},
		{"APIG.0201 APIGW.0201", []int{504}, Lost},
		{"APIG.0601 APIG.0605 APIG.0606 APIG.0608 APIG.0609 APIG.0611 APIG.0705", []int{500, 403}, Transient},
		{"APIGW.0601 APIGW.0605 APIGW.0606 APIGW.0608 APIGW.0609 APIGW.0611 APIGW.0705", []int{500, 403}, Transient},
		{"APIG.0610 APIGW.0610", []int{502}, Transient},
		{"APIG.0613 APIGW.0613", []int{503}, Transient},
		{"MPC.10212 MPC.10237 APIG.0308 APIG.0610", []int{504}, Lost},
		{"MPC.10212 MPC.10211 APIG.0308", []int{200, 201}, Lost},
		{"MPC.10204 MPC.19999", []int{400, 403, 404, 406, 409}, Refused},
		{"MPC.19999", []int{401}, Operator},
		{"MPC.19999", []int{429}, Throttled},
		{"MPC.19999", []int{408, 500, 503}, Transient},
		{"APIG.0101 OTHER.0001", []int{400, 403, 404}, Operator},
	}
	for _, test := range tests {
		for _, code := range strings.Fields(test.codes) {
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

func TestStatusDecidesWhereNoCodeDoes(t *testing.T) {
	const page = "<html><title>Blocked</title></html>"
	tests := []struct {
		status int
		want   Class
	}{
		{300, Lost}, {301, Lost}, {302, Lost}, {303, Lost}, {304, Lost}, {307, Lost}, {308, Lost},
		{400, Operator}, {401, Operator}, {403, Operator}, {404, Operator}, {405, Operator}, {407, Operator}, {413, Operator},
		{408, Transient}, {425, Transient}, {500, Transient}, {502, Transient}, {503, Transient}, {507, Transient},
		{429, Throttled},
		{504, Lost}, {600, Lost}, {999, Lost},
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
				if e.RequestID != "r-2" || ((e.Class == Operator || e.Class == Lost && test.status != 504) && e.Advice == "") {
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
		{403, "PAP5.0001", "access denied: mpc:remuxTsk:list", true},
		{403, "IAM.0001", "No permission for action.", true},
		{403, "MPC.10999", "Policy doesn't allow mpc:remuxTsk:list to be performed.", true},
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
