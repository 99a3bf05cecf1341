package mpcsim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

const token = "token-of-the-test"

var epoch = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// clock is a clock that only advance moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: epoch} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newSimulator adds a project and a token to cfg, and keeps the requests.
func newSimulator(t *testing.T, cfg Config) *Simulator {
	t.Helper()
	s, err := New(complete(cfg))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func complete(cfg Config) Config {
	cfg.ProjectID, cfg.KeepRequests = "p", true
	cfg.Tokens = []Secret{token}
	return cfg
}

func retryRequest(id string) *http.Request {
	body, _ := json.Marshal(map[string]string{"task_id": id})
	r := httptest.NewRequest(http.MethodPut, "/v1/p/remux", strings.NewReader(string(body)))
	r.Header.Set("X-Auth-Token", token)
	return r
}

func queryRequest(ids ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/v1/p/remux?task_id="+strings.Join(ids, "&task_id="), nil)
	r.Header.Set("X-Auth-Token", token)
	return r
}

type reply struct {
	status int
	code   string
	body   string
	header http.Header
	cut    bool // no answer: the connection was cut
}

// ask calls the handler directly, without a network.
func ask(h http.Handler, r *http.Request) (got reply) {
	defer func() {
		cause := recover()
		err, _ := cause.(error)
		if errors.Is(err, http.ErrAbortHandler) {
			got = reply{cut: true}
		} else if cause != nil {
			panic(cause)
		}
	}()
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return read(recorder.Result())
}

func read(response *http.Response) reply {
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	var shape struct {
		Code string `json:"error_code"`
	}
	_ = json.Unmarshal(body, &shape)
	return reply{status: response.StatusCode, code: shape.Code, body: string(body), header: response.Header}
}

func (r reply) want(t *testing.T, status int, code string) {
	t.Helper()
	if r.cut || r.status != status || r.code != code {
		t.Fatalf("answer: cut %v, status %d, code %q, body %q; want %d %q", r.cut, r.status, r.code, r.body, status, code)
	}
}

func statusOf(t *testing.T, s *Simulator, id string) Status {
	t.Helper()
	task, known := s.Task(id)
	if !known {
		t.Fatalf("task %s is unknown", id)
	}
	return task.Status
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start serves on its own port until the test ends. The client shares no connection
// with other tests.
func start(t *testing.T, cfg Config) (*Server, *http.Client) {
	t.Helper()
	server, err := Start(complete(cfg))
	must(t, err)
	t.Cleanup(server.Close)
	transport := &http.Transport{ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return server, &http.Client{Transport: transport}
}

// put sends a retry over the network.
func put(ctx context.Context, client *http.Client, server *Server, id string) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, server.URL()+"/v1/p/remux", strings.NewReader(`{"task_id":"`+id+`"}`))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("X-Auth-Token", token)
	response, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	return read(response), nil
}

var errUnexpectedAnswer = errors.New("an answer came")
