package mpcsim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// controlRoutes adds the control API. It needs no credentials, because it is meant
// for demonstrations on loopback.
//
//	GET  /_sim/healthz          200 while it serves
//	GET  /_sim/faults           Faults
//	PUT  /_sim/faults           Faults; fields that are left out are off
//	GET  /_sim/tasks/{id}       Task
//	PUT  /_sim/tasks/{id}       TaskControl: registers or replaces the task
//	GET  /_sim/counters         Counters
//	GET  /_sim/requests?last=n  the last n Requests (default 100), with Config.KeepRequests
func (s *Simulator) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/healthz", func(w http.ResponseWriter, _ *http.Request) {
		s.send(w, answer{status: http.StatusOK, contentType: "text/plain", body: []byte("ok\n")})
	})
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.send(w, jsonAnswer(http.StatusOK, s.Faults()))
	})
	mux.HandleFunc("PUT /_sim/faults", s.controlFaults)
	mux.HandleFunc("GET /_sim/tasks/{id}", s.controlTask)
	mux.HandleFunc("PUT /_sim/tasks/{id}", s.controlSetTask)
	mux.HandleFunc("GET /_sim/counters", func(w http.ResponseWriter, _ *http.Request) {
		s.send(w, jsonAnswer(http.StatusOK, s.Counters()))
	})
	mux.HandleFunc("GET /_sim/requests", s.controlRequests)
}

// TaskControl is the body of PUT /_sim/tasks/{id}: a Task, and scripts for its
// retries and queries.
type TaskControl struct {
	Status      Status `json:"status"`
	ErrorCode   string `json:"error_code"`
	Description string `json:"description"`
	UserData    string `json:"user_data"`
	Then        Status `json:"then"`
	Script      []Step `json:"script"`
	QueryScript []Step `json:"query_script"`
}

func (s *Simulator) controlFaults(w http.ResponseWriter, r *http.Request) {
	var faults Faults
	if !s.readControl(w, r, &faults) {
		return
	}
	if err := s.SetFaults(faults); err != nil {
		s.refuseControl(w, err)
		return
	}
	s.send(w, jsonAnswer(http.StatusOK, faults))
}

func (s *Simulator) controlTask(w http.ResponseWriter, r *http.Request) {
	t, known := s.Task(r.PathValue("id"))
	if !known {
		s.send(w, jsonAnswer(http.StatusNotFound, map[string]string{"error": "no such task"}))
		return
	}
	s.send(w, jsonAnswer(http.StatusOK, t))
}

func (s *Simulator) controlSetTask(w http.ResponseWriter, r *http.Request) {
	var in TaskControl
	if !s.readControl(w, r, &in) {
		return
	}
	id := r.PathValue("id")
	err := s.SetTask(Task{ID: id, Status: in.Status, ErrorCode: in.ErrorCode, Description: in.Description, UserData: in.UserData, Then: in.Then})
	if err == nil {
		err = s.Script(id, in.Script...)
	}
	if err == nil {
		err = s.ScriptQuery(id, in.QueryScript...)
	}
	if err != nil {
		s.refuseControl(w, err)
		return
	}
	s.controlTask(w, r)
}

func (s *Simulator) controlRequests(w http.ResponseWriter, r *http.Request) {
	last := 100
	if text := r.URL.Query().Get("last"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			s.refuseControl(w, fmt.Errorf("last is %q: expected a number", text))
			return
		}
		last = n
	}
	requests := s.Requests()
	requests = requests[max(0, len(requests)-last):]
	s.send(w, jsonAnswer(http.StatusOK, struct {
		Requests    []Request `json:"requests"`
		MaxInMinute int       `json:"max_in_a_minute"`
	}{requests, s.MaxInWindow(time.Minute)}))
}

func (s *Simulator) readControl(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := readBody(w, r)
	if err == nil {
		err = strictJSON(body, into)
	}
	if err != nil {
		s.refuseControl(w, err)
		return false
	}
	return true
}

func (s *Simulator) refuseControl(w http.ResponseWriter, err error) {
	s.send(w, jsonAnswer(http.StatusBadRequest, map[string]string{"error": err.Error()}))
}
