package mpcsim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Operation is the kind of a request.
type Operation string

const (
	Retry Operation = "retry"
	Query Operation = "query"
	List  Operation = "list"
	Login Operation = "login"
)

// Verdict is the result of a request.
type Verdict string

const (
	Pending  Verdict = "pending"  // still in flight
	Accepted Verdict = "accepted" // carried out, even if the answer was lost
	Refused  Verdict = "refused"  // not carried out, answered by an error with a code
	Faulty   Verdict = "fault"    // not carried out: a 5xx, an HTML page, a cut connection, no answer
)

// Request is one request that the simulator has received.
type Request struct {
	Number    int       `json:"number"` // in the order of arrival, from 1
	At        time.Time `json:"at"`     // of arrival
	Operation Operation `json:"operation"`
	TaskIDs   []string  `json:"task_ids,omitempty"`
	Verdict   Verdict   `json:"verdict"`
	Status    int       `json:"status,omitempty"` // 0 if no answer was sent
	Code      string    `json:"code,omitempty"`
	Lost      bool      `json:"lost,omitempty"` // no answer was sent
}

// Counters count the requests, also without Config.KeepRequests.
type Counters struct {
	Retries  int `json:"retries"`
	Queries  int `json:"queries"`
	Lists    int `json:"lists"`
	Logins   int `json:"logins"`
	Accepted int `json:"accepted"` // retries that were carried out
	Refused  int `json:"refused"`  // of any operation, as are the next two
	Faulty   int `json:"faulty"`
	Lost     int `json:"lost"`

	// MaxInFlight is the highest number of MPC requests in flight at once, and
	// MaxInFlightPerTask that of retries of one task. A request whose client has
	// given up counts until the simulator notices the closed connection.
	MaxInFlight        int `json:"max_in_flight"`
	MaxInFlightPerTask int `json:"max_in_flight_per_task"`

	// Codes counts the error codes in answers.
	Codes map[string]int `json:"codes,omitempty"`
}

// requestLog records and counts requests. It is guarded by the simulator's lock.
type requestLog struct {
	keep     bool
	kept     []Request
	count    Counters
	total    int
	inFlight int
	retrying map[string]int // retries in flight, by task; without zeros
	accepted map[string]int
	changed  chan struct{} // closed at the next arrival; nil if Await is not waiting
}

func newRequestLog(keep bool) requestLog {
	return requestLog{
		keep:     keep,
		count:    Counters{Codes: make(map[string]int)},
		retrying: make(map[string]int),
		accepted: make(map[string]int),
	}
}

func (l *requestLog) arrive(now time.Time, op Operation, ids []string) Request {
	l.total++
	seen := Request{Number: l.total, At: now, Operation: op, TaskIDs: ids, Verdict: Pending}
	if l.keep {
		l.kept = append(l.kept, seen)
	}
	switch op {
	case Login:
		l.count.Logins++
	case Query:
		l.count.Queries++
	case List:
		l.count.Lists++
	case Retry:
		l.count.Retries++
		for _, id := range ids {
			l.retrying[id]++
			l.count.MaxInFlightPerTask = max(l.count.MaxInFlightPerTask, l.retrying[id])
		}
	}
	if op != Login {
		l.inFlight++
		l.count.MaxInFlight = max(l.count.MaxInFlight, l.inFlight)
	}
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return seen
}

func (l *requestLog) leave(seen Request) {
	if l.keep {
		l.kept[seen.Number-1] = seen
	}
	if seen.Operation != Login {
		l.inFlight--
	}
	if seen.Operation == Retry {
		for _, id := range seen.TaskIDs {
			if l.retrying[id]--; l.retrying[id] == 0 {
				delete(l.retrying, id)
			}
		}
	}
	switch seen.Verdict {
	case Refused:
		l.count.Refused++
	case Faulty:
		l.count.Faulty++
	}
	if seen.Lost {
		l.count.Lost++
	}
	if seen.Code != "" {
		l.count.Codes[seen.Code]++
	}
}

// accept counts a retry at the moment when it is carried out, so that no state query
// shows a retry that is not counted yet.
func (l *requestLog) accept(id string) {
	l.count.Accepted++
	l.accepted[id]++
}

// Accepted returns how many retries of the task were carried out.
func (s *Simulator) Accepted(taskID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests.accepted[taskID]
}

// Counters returns the counts so far.
func (s *Simulator) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.requests.count
	out.Codes = maps.Clone(out.Codes)
	return out
}

// Requests returns every request so far in the order of arrival, or none without
// Config.KeepRequests.
func (s *Simulator) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests.kept)
}

// MaxInWindow returns the highest number of requests to MPC, whatever their
// answer, that arrived in any window of length d (its end excluded). Without
// Config.KeepRequests it is 0.
func (s *Simulator) MaxInWindow(d time.Duration) int {
	var times []time.Time
	for _, seen := range s.Requests() {
		if seen.Operation != Login {
			times = append(times, seen.At)
		}
	}
	most, first := 0, 0
	for last := range times {
		for times[last].Sub(times[first]) >= d {
			first++
		}
		most = max(most, last-first+1)
	}
	return most
}

// Await waits until n requests of the operation have arrived. Tests use it instead of
// sleeping until a call is in flight.
func (s *Simulator) Await(ctx context.Context, op Operation, n int) error {
	for {
		s.mu.Lock()
		seen := map[Operation]int{Retry: s.requests.count.Retries, Query: s.requests.count.Queries, List: s.requests.count.Lists, Login: s.requests.count.Logins}[op]
		if s.requests.changed == nil {
			s.requests.changed = make(chan struct{})
		}
		changed := s.requests.changed
		s.mu.Unlock()
		if seen >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("await %d requests to %s, %d arrived: %w", n, op, seen, ctx.Err())
		case <-changed:
		}
	}
}
