package mpcsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"
)

const (
	maxBody     = 64 << 10
	maxQueryIDs = 10
	maxTaskID   = 128
)

var badParameter = apiError(http.StatusBadRequest, "MPC.10202", "Invalid request parameter.")

func (s *Simulator) serveRetry(w http.ResponseWriter, r *http.Request) {
	var request struct {
		TaskID string `json:"task_id"`
	}
	body, err := readBody(w, r)
	var ids []string
	bad := err != nil || json.Unmarshal(body, &request) != nil || !plausible(request.TaskID)
	if !bad {
		ids = []string{request.TaskID}
	}
	s.serveMPC(w, r, Retry, ids, body, bad, func(now time.Time) (answer, bool) { return s.retry(ids[0], now) })
}

// serveQuery answers queries by id, without range and paging: MPC ignores both then.
// Without ids it answers with a list.
func (s *Simulator) serveQuery(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	values, queryErr := url.ParseQuery(r.URL.RawQuery)
	if err == nil && queryErr == nil && !values.Has("task_id") {
		s.serveList(w, r, values, body)
		return
	}
	var ids []string
	seen := make(map[string]bool)
	bad := err != nil || queryErr != nil
	for _, id := range values["task_id"] {
		bad = bad || !plausible(id)
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	s.serveMPC(w, r, Query, ids, body, bad || len(ids) == 0 || len(ids) > maxQueryIDs, func(now time.Time) (answer, bool) {
		return s.query(ids, now), true
	})
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
}

func plausible(id string) bool {
	return id != "" && len(id) <= maxTaskID && utf8.ValidString(id)
}

// serveMPC checks in the order of the real system: network and gateway,
// authentication, the tenant's quota, permissions, parameters, and MPC last, by carryOut.
func (s *Simulator) serveMPC(w http.ResponseWriter, r *http.Request, op Operation, ids []string, body []byte, bad bool, carryOut func(now time.Time) (answer, bool)) {
	refusal := s.authenticate(r, body)
	s.serve(w, r, op, ids, func(now time.Time) decision {
		if step, out := outageSteps[s.faults.Outage]; out {
			return decision{step: step, answer: step.replace(answer{})}
		}
		switch {
		case refusal != nil:
			return decision{answer: *refusal}
		case !s.quota.admit(now):
			return decision{answer: s.faults.throttled()}
		case op != Retry && s.faults.RefuseQueries:
			return decision{answer: apiError(http.StatusForbidden, "APIGW.0302", "Policy doesn't allow mpc:remuxTsk:view to be performed.")}
		case bad:
			return decision{answer: badParameter}
		case s.chance(s.faults.ErrorRate):
			step := outageSteps[Broken]
			return decision{step: step, answer: step.replace(answer{})}
		}
		return s.operate(op, ids, func() (answer, bool) { return carryOut(now) })
	})
}

// operate carries out the operation, as the tasks' scripts say.
func (s *Simulator) operate(op Operation, ids []string, carryOut func() (answer, bool)) decision {
	d := decision{step: s.nextStep(op, ids)}
	if d.step.ordinary() && s.chance(s.faults.LossRate) {
		delay := d.step.Delay
		d.step = Lose()
		d.step.Delay = delay
	}
	if d.step.executes() {
		d.answer, d.accepted = carryOut()
	}
	d.answer = d.step.replace(d.answer)
	return d
}

func (s *Simulator) retry(id string, now time.Time) (answer, bool) {
	t := s.findOrCreate(id, now)
	switch {
	case t == nil:
		return apiError(http.StatusNotFound, "MPC.10211", "The task does not exist."), false
	case t.Status != StatusFailed:
		return apiError(http.StatusForbidden, s.cfg.RefusalCode, "Operation failed."), false
	}
	t.retry(now, &s.cfg)
	s.requests.accept(id)
	return answer{status: http.StatusOK}, true
}

func (s *Simulator) query(ids []string, now time.Time) answer {
	found := []taskJSON{}
	for _, id := range ids {
		if t := s.findOrCreate(id, now); t != nil {
			found = append(found, t.wire())
		}
	}
	return jsonAnswer(http.StatusOK, struct {
		Total int        `json:"total"`
		Tasks []taskJSON `json:"tasks"`
	}{len(found), found})
}
