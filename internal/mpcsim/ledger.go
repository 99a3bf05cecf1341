package mpcsim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Operation is what a request asks for.
type Operation string

const (
	Retry Operation = "retry"
	Query Operation = "query"
	List  Operation = "list"
	Login Operation = "login"
)

// Verdict is what became of a request.
type Verdict string

const (
	Pending  Verdict = "pending"  // still in flight
	Accepted Verdict = "accepted" // carried out, even where the answer was lost
	Refused  Verdict = "refused"  // not carried out: an error with a code says why
	Faulty   Verdict = "fault"    // not carried out: a 5xx, a page, a cut connection, silence
)

// Request is one request in the ledger.
type Request struct {
	Number    int       `json:"number"` // in the order of arrival, from 1
	At        time.Time `json:"at"`     // of arrival
	Operation Operation `json:"operation"`
	TaskIDs   []string  `json:"task_ids,omitempty"`
	Verdict   Verdict   `json:"verdict"`
	Status    int       `json:"status,omitempty"` // 0 where no answer was sent
	Code      string    `json:"code,omitempty"`
	Lost      bool      `json:"lost,omitempty"` // no answer was sent
}

// Counters sum the ledger up. They are kept whether or not the log is.
type Counters struct {
	Retries  int `json:"retries"`
	Queries  int `json:"queries"`
	Lists    int `json:"lists"`
	Logins   int `json:"logins"`
	Accepted int `json:"accepted"` // retries that were carried out
	Refused  int `json:"refused"`  // of any operation, as the next two
	Faulty   int `json:"faulty"`
	Lost     int `json:"lost"`

	// MaxInFlight is the most MPC requests in flight at once,
	// MaxInFlightPerTask the most retries of one task. A request whose client
	// has given up counts until its connection is seen to be closed.
	MaxInFlight        int `json:"max_in_flight"`
	MaxInFlightPerTask int `json:"max_in_flight_per_task"`

	// Codes counts error codes that were answered.
	Codes map[string]int `json:"codes,omitempty"`
}

// ledger is guarded by the simulator's lock.
type ledger struct {
	keep     bool
	requests []Request
	count    Counters
	total    int
	inFlight int
	retrying map[string]int // retries in flight by task, none at 0
	accepted map[string]int
	changed  chan struct{} // closed at the next arrival; nil while nobody waits
}

func newLedger(keep bool) ledger {
	return ledger{
		keep:     keep,
		count:    Counters{Codes: make(map[string]int)},
		retrying: make(map[string]int),
		accepted: make(map[string]int),
	}
}

func (l *ledger) arrive(now time.Time, op Operation, ids []string) Request {
	l.total++
	seen := Request{Number: l.total, At: now, Operation: op, TaskIDs: ids, Verdict: Pending}
	if l.keep {
		l.requests = append(l.requests, seen)
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

func (l *ledger) leave(seen Request) {
	if l.keep {
		l.requests[seen.Number-1] = seen
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

// accept counts a retry at the moment it is carried out: a query's answer must
// never be ahead of the ledger.
func (l *ledger) accept(id string) {
	l.count.Accepted++
	l.accepted[id]++
}

// Accepted is how many retries of the task were carried out.
func (s *Simulator) Accepted(taskID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.accepted[taskID]
}

// Counters returns the sums so far.
func (s *Simulator) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.ledger.count
	out.Codes = maps.Clone(out.Codes)
	return out
}

// Requests returns every request so far in the order of arrival; none without
// Config.KeepLog.
func (s *Simulator) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ledger.requests)
}

// MaxInWindow is the largest number of MPC requests, retries and queries alike
// and whatever their answer, that arrived in any window of length d (its end
// excluded). It is 0 without Config.KeepLog.
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

// Await waits until n requests of the operation have arrived, so that a test
// need not sleep until a call is surely under way.
func (s *Simulator) Await(ctx context.Context, op Operation, n int) error {
	for {
		s.mu.Lock()
		seen := map[Operation]int{Retry: s.ledger.count.Retries, Query: s.ledger.count.Queries, Login: s.ledger.count.Logins}[op]
		if s.ledger.changed == nil {
			s.ledger.changed = make(chan struct{})
		}
		changed := s.ledger.changed
		s.mu.Unlock()
		if seen >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("await %d requests to %s, %d came: %w", n, op, seen, ctx.Err())
		case <-changed:
		}
	}
}
