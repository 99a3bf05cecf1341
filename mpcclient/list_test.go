package mpcclient

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAListIsAskedForPageByPageInUTC(t *testing.T) {
	api := newRecorder(t, answering(200, `{"total":0,"tasks":[]}`))
	east := time.FixedZone("east", 8*3600)
	_, err := newClient(t, api.URL).List(t.Context(), ListQuery{
		Status: StatusFailed, Page: 7,
		Since: time.Date(2026, 11, 23, 8, 0, 0, 5, east), Until: time.Date(2026, 11, 24, 8, 0, 0, 0, east),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "/v1/" + project + "/remux?end_time=20261124000000&page=7&size=100&start_time=20261123000000&status=FAILED"
	if got := api.seen(); len(got) != 1 || got[0].method != http.MethodGet || got[0].uri != want {
		t.Errorf("got %+v, want %s", got, want)
	}
}

func TestAPageIsReadExactlyAndOddTasksHideNoOther(t *testing.T) {
	ended := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	failed := func(id string, at time.Time, data string) ListedTask {
		return ListedTask{Task{id, StatusFailed, "MPC.10105", "no"}, at, data}
	}
	const long = "184467440737095516161234567890"
	for name, c := range map[string]struct {
		body string
		want []ListedTask
		odd  int
	}{
		"numbers":    {`{"task_id":` + long + `,"status":"FAILED","end_time":20261123080000,"error_code":"MPC.10105","description":"no","user_data":1795687}`, []ListedTask{failed(long, ended, "1795687")}, 0},
		"strings":    {`{"task_id":"a b","status":"FAILED","end_time":"20261123080000","error_code":"MPC.10105","description":"no","user_data":"x","input":{"object":[1]}}`, []ListedTask{failed("a b", ended, "x")}, 0},
		"no times":   {`{"task_id":"1","status":"FAILED","end_time":null,"error_code":"MPC.10105","description":"no"}`, []ListedTask{failed("1", time.Time{}, "")}, 0},
		"odd times":  {`{"task_id":"1","status":"FAILED","end_time":"yesterday","error_code":"MPC.10105","description":"no","user_data":null}`, []ListedTask{failed("1", time.Time{}, "")}, 0},
		"odd tasks":  {`null,{},{"task_id":null},{"task_id":{}},7,[],{"task_id":"1","status":"FAILED","error_code":"MPC.10105","description":"no"}`, []ListedTask{failed("1", time.Time{}, "")}, 6},
		"no failure": {`{"task_id":"1","status":"SUCCEEDED"}`, []ListedTask{{Task: Task{ID: "1", Status: StatusSucceeded}}}, 0},
	} {
		page, err := newClient(t, newRecorder(t, answering(200, `{"total":"1000","tasks":[`+c.body+`]}`)).URL).List(t.Context(), ListQuery{})
		if err != nil || !slices.Equal(page.Tasks, c.want) || page.Odd != c.odd || page.Total != 1000 {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}

// Taken for an empty page it would end the list, and tasks would be missed.
func TestAnAnswerThatIsNoPageIsAnError(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "html": "<html>", "array": "[]", "empty object": "{}", "error code": `{"error_code":"MPC.10202","total":0,"tasks":[]}`,
		"total no number": `{"total":-1,"tasks":[]}`, "more than asked for": `{"tasks":[` + strings.Repeat(`{},`, 100) + `{}]}`,
		"longer than anything": `{"total":0,"tasks":[],"x":"` + strings.Repeat("x", maxPage) + `"}`,
	} {
		_, err := newClient(t, newRecorder(t, answering(200, body)).URL).List(t.Context(), ListQuery{})
		var e *Error
		if !errors.As(err, &e) || e.Operation != OperationList || !e.Outage() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALongPageIsReadWhole(t *testing.T) {
	one := `{"task_id":"1","status":"FAILED","user_data":"` + strings.Repeat("x", 4<<10) + `"}`
	body := `{"tasks":[` + one + strings.Repeat(","+one, PageSize-1) + `]}`
	page, err := newClient(t, newRecorder(t, answering(200, body)).URL).List(t.Context(), ListQuery{})
	if err != nil || len(page.Tasks) != PageSize || page.Total != 0 {
		t.Errorf("%d tasks, %v", len(page.Tasks), err)
	}
}

func TestAListThatIsNotPermittedSaysWhichPermission(t *testing.T) {
	api := newRecorder(t, answering(403, `{"error_code":"APIGW.0302","error_msg":"Policy doesn't allow mpc:remuxTsk:view to be performed."}`))
	_, err := newClient(t, api.URL).List(t.Context(), ListQuery{})
	if e := failure(t, err, Operator); !e.Forbidden() || !strings.Contains(e.Error(), PermissionQuery) {
		t.Error(err)
	}
}
