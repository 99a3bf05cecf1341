package mpcsim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Simulator is MPC and IAM as one http.Handler. Its methods are safe for concurrent
// use.
//
// mu guards the fields below it. It is held while a request is decided, never while
// one waits or an answer is written.
type Simulator struct {
	cfg     Config
	handler http.Handler

	mu       sync.Mutex
	tokens   []Secret // that never expire
	faults   Faults
	quota    quota
	random   *rand.Rand
	tasks    map[string]*task
	steps    map[scriptKey][]Step
	iam      account
	requests requestLog
}

// New returns a simulator without tasks.
func New(cfg Config) (*Simulator, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Simulator{
		cfg:      cfg,
		tokens:   cfg.Tokens,
		random:   rand.New(rand.NewPCG(cfg.Seed, 0)),
		tasks:    make(map[string]*task),
		steps:    make(map[scriptKey][]Step),
		iam:      account{tokens: make(map[Secret]time.Time)},
		requests: newRequestLog(cfg.KeepRequests),
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

// decision is the result of a request: its answer, and in step how the exchange ends.
// accepted is true if a retry or a login was carried out or a query was answered,
// also if the client does not get the answer.
type decision struct {
	step     Step
	answer   answer
	accepted bool
}

// serve handles one request: count its arrival, decide, wait, count its end, answer.
// decide runs under the lock.
//
// A request is carried out before it waits, so a client that times out may have had
// its retry accepted. Its end is counted before the answer is written, so a client
// that calls again after the answer never has two calls in flight.
func (s *Simulator) serve(w http.ResponseWriter, r *http.Request, op Operation, ids []string, decide func(now time.Time) decision) {
	s.mu.Lock()
	now := s.cfg.Now()
	seen := s.requests.arrive(now, op, ids)
	d := decide(now)
	wait := s.faults.Latency + d.step.Delay
	s.mu.Unlock()

	err := s.wait(r.Context(), wait, d.step.End)
	d.step.describe(&seen, d, err != nil)
	s.mu.Lock()
	s.requests.leave(seen)
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

// wait delays the answer. It returns an error if the client or the server closes the
// connection meanwhile; a hanging request always ends like this.
func (s *Simulator) wait(ctx context.Context, d time.Duration, end End) error {
	if d > 0 {
		if err := s.cfg.Sleep(ctx, d); err != nil {
			return fmt.Errorf("delay the answer: %w", err)
		}
	}
	if end == EndHang {
		<-ctx.Done()
		return ctx.Err()
	}
	return nil
}
