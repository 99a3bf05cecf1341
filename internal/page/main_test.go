package page

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/history"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/story"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// source is a Source whose answers a test sets.
type source struct {
	mu      sync.Mutex
	now     time.Time
	status  Status
	totals  metrics.Totals
	stories []story.Story
	asked   []string // the ids that were requested
	topics  func(ctx context.Context) (history.History, error)
	owner   string
	broken  error // of Totals and Instances
	members int   // how often the group was queried
}

func newSource() *source {
	return &source{now: noon, status: Status{Instance: "retrier-0", Topic: "remux.failed", Checks: []Check{}, Notes: []string{}, Partitions: []Partition{}}}
}

func (s *source) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *source) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

func (s *source) Totals() (metrics.Totals, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.totals, s.broken
}

func (s *source) Stories(id string) (found []story.Story) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, id)
	for _, one := range s.stories {
		if one.TaskID == id {
			found = append(found, one)
		}
	}
	return found
}

func (s *source) Latest() []story.Story {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stories
}

func (s *source) Earlier(number uint64) (list []story.Story) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range slices.Backward(s.stories) {
		if one.Number < number {
			list = append(list, one)
		}
	}
	return list
}

func (s *source) Version() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.stories))
}

func (s *source) Topics(ctx context.Context, id string) (history.History, error) {
	if s.topics == nil {
		return history.History{TaskID: id, Since: noon.Add(-24 * time.Hour), Complete: true}, nil
	}
	return s.topics(ctx)
}

func (s *source) Home(context.Context, string) (int, error) { return 6, nil }

func (s *source) Owner(context.Context, int) (string, error) {
	if s.owner == "" {
		return "", errors.New("the brokers do not answer")
	}
	return s.owner, nil
}

func (s *source) Instances(context.Context) ([]Instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members++
	return []Instance{{"retrier-0", []int{3}, true}, {"retrier-1", []int{6}, false}}, s.broken
}

// sourceClock shows the source's time. Nothing waits with it.
type sourceClock struct {
	clock.Clock
	*source
}

func (c sourceClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func newPage(t *testing.T, s *source) *Page {
	t.Helper()
	quiet, _ := test.NewNullLogger()
	p, err := New(Config{Source: s, Clock: sourceClock{clock.System, s}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// pass advances the clock by a second and takes a snapshot.
func pass(t *testing.T, p *Page, s *source) Status {
	t.Helper()
	s.change(func() { s.now = s.now.Add(refresh) })
	if err := p.snapshot(); err != nil {
		t.Fatal(err)
	}
	return *p.present.Load()
}

func get(p http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) (v T) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || w.Code != 200 {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return v
}
