package mpcsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func listRequest(query string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/v1/p/remux?"+query, nil)
	r.Header.Set("X-Auth-Token", token)
	return r
}

// listed returns the ids of a page and the list's total.
func listed(t *testing.T, s *Simulator, query string) (ids []string, total int) {
	t.Helper()
	got := ask(s, listRequest(query))
	got.want(t, 200, "")
	var page struct {
		Total int
		Tasks []struct {
			ID string `json:"task_id"`
		}
	}
	must(t, json.Unmarshal([]byte(got.body), &page))
	for _, task := range page.Tasks {
		ids = append(ids, task.ID)
	}
	return ids, page.Total
}

func TestTheListIsCutIntoPagesTheNewestFirst(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now})
	for i := range 250 {
		must(t, s.SetTask(Task{ID: fmt.Sprintf("t%03d", i)}))
		now.advance(time.Second)
	}
	must(t, s.SetTask(Task{ID: "running", Status: StatusInit}))
	for page, want := range map[int]int{0: 100, 1: 100, 2: 50, 3: 0} {
		ids, total := listed(t, s, fmt.Sprintf("status=FAILED&size=100&page=%d", page))
		if total != 250 || len(ids) != want {
			t.Errorf("page %d: %d of %d", page, len(ids), total)
		}
	}
	if ids, _ := listed(t, s, "status=FAILED"); len(ids) != 10 || ids[0] != "t249" {
		t.Error(ids)
	}
	ids, total := listed(t, s, "start_time="+epoch.Add(5*time.Second).Format("20060102150405")+"&end_time="+epoch.Add(7*time.Second).Format("20060102150405"))
	if total != 3 || fmt.Sprint(ids) != "[t007 t006 t005]" {
		t.Error(ids, total)
	}
	if n := s.Counters().Lists; n != 6 {
		t.Errorf("%d lists were counted", n)
	}
}

func TestAListTellsOfTheFailureAndTheUserData(t *testing.T) {
	s := newSimulator(t, Config{Now: newClock().Now})
	must(t, s.SetTask(Task{ID: "538526", ErrorCode: "MPC.10052", Description: "no", UserData: "mine"}))
	want := `{"total":1,"tasks":[{"task_id":538526,"status":"FAILED","create_time":20261123080000,"start_time":20261123080000,"end_time":20261123080000,"error_code":"MPC.10052","description":"no","user_data":"mine"}]}`
	if got := ask(s, listRequest("status=FAILED&page=0&size=100")); got.body != want {
		t.Errorf("got  %s\nwant %s", got.body, want)
	}
}

func TestAListIsRefusedLikeAQuery(t *testing.T) {
	s := newSimulator(t, Config{})
	for _, query := range []string{"status=BROKEN", "size=0", "size=101", "page=-1", "page=x", "start_time=yesterday", "end_time=2026-11-23"} {
		ask(s, listRequest(query)).want(t, 400, "MPC.10202")
	}
	must(t, s.SetFaults(Faults{RefuseQueries: true}))
	ask(s, listRequest("")).want(t, 403, "APIGW.0302")
	must(t, s.SetFaults(Faults{PerMinute: 1}))
	ask(s, listRequest("")).want(t, 200, "")
	ask(s, listRequest("")).want(t, 429, "APIGW.0308")
}
