package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A CronJob sees the exit code alone.
func TestASweepThatMayHaveMissedTasksIsExitCode1(t *testing.T) {
	for name, c := range map[string]struct {
		totals []int // as MPC's pages say
		code   int
	}{
		"the list stays":          {[]int{1}, 0},
		"the list became shorter": {[]int{2, 1}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			mpc := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var page int
				_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
				tasks := ""
				if page == 0 {
					tasks = fmt.Sprintf(`{"task_id":"538526","status":"FAILED","end_time":%q}`, time.Now().UTC().Format("20060102150405"))
				}
				fmt.Fprintf(w, `{"total":%d,"tasks":[%s]}`, c.totals[page], tasks)
			}))
			defer mpc.Close()
			env := environment(t, allTopics())
			env["MPC_ENDPOINT"], env["MPC_REQUESTS_PER_MINUTE"] = mpc.URL, "unlimited"
			for name, value := range env {
				t.Setenv(name, value)
			}
			said := perform(t, c.code, "sweep")
			expect(t, said, "538526\tremux.failed\tpartition ", "1 published, ")
			if c.code != 0 {
				expect(t, said, "MPC's list became shorter while it was read")
			}
		})
	}
}
