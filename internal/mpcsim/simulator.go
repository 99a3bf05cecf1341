package mpcsim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Simulator is MPC and IAM behind one http.Handler. All its methods are safe
// for concurrent use.
//
// mu guards everything below it. It is held for the decision about a request,
// never while a request waits or an answer is written.
type Simulator struct {
	cfg     Config
	handler http.Handler

	mu     sync.Mutex
	faults Faults
	quota  quota
	random *rand.Rand
	tasks  map[string]*task
	steps  map[scriptKey][]Step
	iam    account
	ledger ledger
}

// New returns a simulator without tasks.
func New(cfg Config) (*Simulator, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		cfg:    cfg,
		random: rand.New(rand.NewPCG(cfg.Seed, 0)),
		tasks:  make(map[string]*task),
		steps:  make(map[scriptKey][]Step),
		iam:    account{tokens: make(map[Secret]time.Time)},
		ledger: newLedger(cfg.KeepLog),
	}
	s.setFaults(cfg.Faults)
	s.handler = s.routes()
	return s, nil
}

// ServeHTTP answers MPC's, IAM's and the control API's requests.
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

func (s *Simulator) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /v1/{project_id}/remux", s.serveRetry)
	mux.HandleFunc("GET /v1/{project_id}/remux", s.serveQuery)
	mux.HandleFunc("POST /v3/auth/tokens", s.serveLogin)
	s.controlRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.send(w, apiError(http.StatusNotFound, "APIGW.0101", "The API does not exist or has not been published."))
	})
	return mux
}

// decision is what becomes of a request: how its answer ends, and what the
// answer is. accepted is true when a retry or a login was carried out or a query
// was answered, whether or not its sender will learn of it.
type decision struct {
	step     Step
	answer   answer
	accepted bool
}

// serve takes one request through its life: arrive, decide, wait, leave, answer.
// decide runs under the lock.
//
// A request is carried out when it arrives and its waiting comes after, so that
// a client whose patience ends too early has had its retry accepted. It leaves
// the count of requests in flight before its answer is written: a client that
// reads the answer and calls again at once is not two calls in flight.
func (s *Simulator) serve(w http.ResponseWriter, r *http.Request, op Operation, ids []string, decide func(now time.Time) decision) {
	s.mu.Lock()
	now := s.cfg.Now()
	seen := s.ledger.arrive(now, op, ids)
	d := decide(now)
	wait := s.faults.Latency + d.step.Delay
	s.mu.Unlock()

	err := s.wait(r.Context(), wait, d.step.End)
	d.step.describe(&seen, d, err != nil)
	s.mu.Lock()
	s.ledger.leave(seen)
	s.mu.Unlock()
	if s.cfg.OnRequest != nil {
		s.cfg.OnRequest(seen)
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	switch d.step.End {
	case EndClose:
		panic(http.ErrAbortHandler)
	case EndReset:
		reset(w)
	default:
		s.send(w, d.answer)
	}
}

// wait returns an error when the client or the server went away meanwhile. A
// hanging request always ends so.
func (s *Simulator) wait(ctx context.Context, d time.Duration, end End) error {
	if d > 0 {
		if err := s.cfg.Sleep(ctx, d); err != nil {
			return fmt.Errorf("hold the answer back: %w", err)
		}
	}
	if end == EndHang {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}
