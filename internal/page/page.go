package page

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/history"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/story"
)

// Source is what the page needs from the service. Its methods may be called from any
// goroutine; those without a context return at once.
type Source interface {
	// Status leaves empty what the page fills in.
	Status() Status
	Totals() (metrics.Totals, error)
	// Stories, Latest, Earlier and Version are story.Store's.
	Stories(taskID string) []story.Story
	Latest() []story.Story
	Earlier(number uint64) []story.Story
	Version() uint64
	// Topics reads what the topics contain about a task, until the context ends. Then it
	// returns what it has read, and an error: history.ErrNoAnswer if the brokers did not
	// answer.
	Topics(ctx context.Context, taskID string) (history.History, error)
	// Home returns the partition that a failure event of the task is in if it is keyed by
	// the task id. Owner returns the instance that owns a partition; empty: none does.
	Home(ctx context.Context, taskID string) (int, error)
	Owner(ctx context.Context, partition int) (string, error)
	// Instances lists the members of the group.
	Instances(ctx context.Context) ([]Instance, error)
}

// refresh is how often a snapshot is made for all clients.
const refresh = time.Second

// Config of a Page. All fields are required.
type Config struct {
	Source Source
	Clock  clock.Clock
	Logger logrus.FieldLogger
}

// Page is the operator's page and its API. Run keeps it up to date.
type Page struct {
	cfg       Config
	files     map[string]file
	cache     *cache
	streams   atomic.Int64
	readings  *readings
	instances instances

	readWithin time.Duration

	present atomic.Pointer[Status]

	// Only Run uses these:
	hour    *hour
	minute  minute
	letters letters
	changes Changes
	version uint64 // of the stories, at the last snapshot
}

// New returns a page that shows the current state.
func New(cfg Config) (*Page, error) {
	if cfg.Source == nil || cfg.Clock == nil || cfg.Logger == nil {
		return nil, errors.New("page: Source, Clock and Logger are required")
	}
	files, err := load()
	if err != nil {
		return nil, err
	}
	p := &Page{cfg: cfg, files: files, cache: newCache(), readings: newReadings(), readWithin: readWithin}
	totals, err := cfg.Source.Totals()
	if err != nil {
		return nil, err
	}
	p.hour = newHour(cfg.Clock.Now(), totals)
	return p, errors.Join(p.cache.put(hourDoc, p.hour.Hour), p.putLatest(), p.snapshot())
}

// Run keeps the page up to date until the context ends.
func (p *Page) Run(ctx context.Context) {
	failed := ""
	for p.cfg.Clock.Sleep(ctx, refresh) == nil {
		err := p.snapshot()
		switch {
		case err == nil:
			failed = ""
		case err.Error() != failed: // once, and not each second
			failed = err.Error()
			p.cfg.Logger.WithError(err).Error("the operator's page cannot be brought up to date")
		}
	}
}

// snapshot takes a snapshot of the state and publishes the documents that have changed.
func (p *Page) snapshot() error {
	now := p.cfg.Clock.Now()
	totals, err := p.cfg.Source.Totals()
	if err != nil {
		return err
	}
	s := p.cfg.Source.Status()
	s.At = now
	p.minute.update(&s, totals.Events)
	p.letters.update(&s, totals.Events)
	s.State = judge(&s)
	if last := p.present.Load(); last != nil && last.State.Name == s.State.Name && last.State.Since.Before(s.State.Since) {
		s.State.Since = last.State.Since
	}
	p.present.Store(&s)
	if err := p.cache.put(statusDoc, s); err != nil {
		return err
	}
	if p.changes.take(now, s.State) {
		if err := p.cache.put(changesDoc, p.changes); err != nil {
			return err
		}
	}
	if p.hour.take(now, totals) {
		if err := p.cache.put(hourDoc, p.hour.Hour); err != nil {
			return err
		}
	}
	if p.cfg.Source.Version() == p.version {
		return nil
	}
	return p.putLatest()
}

func (p *Page) putLatest() error {
	p.version = p.cfg.Source.Version()
	return p.cache.put(latestDoc, latest(p.cfg.Source.Latest()))
}

// policy lets the page load only its own files.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// tasksPath is followed by the task id, percent-encoded, or by ?id= and the id: browsers
// and other clients treat the ids "." and ".." as parts of the path.
const tasksPath = "/api/tasks/"

// ServeHTTP answers GET and HEAD. The path is used as it was sent: an id may contain a
// slash or two dots.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", policy)
	path := r.URL.EscapedPath()
	f, isFile := p.files[path]
	doc := map[string]int{"/api/status": statusDoc, "/api/history": hourDoc, "/api/latest": latestDoc, "/api/changes": changesDoc}
	d, isDoc := doc[path]
	isTask := strings.HasPrefix(path, tasksPath)
	switch {
	case !isFile && !isDoc && !isTask && path != "/api/events" && path != "/api/instances":
		refuse(w, http.StatusNotFound, "not found: the page is at /, its data at /api/status, /api/history, /api/latest, /api/changes, /api/instances, /api/events and /api/tasks/{task_id}")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed, "only GET and HEAD: nothing here can be changed")
	case isFile:
		f.serve(w, r)
	case isDoc && d == latestDoc && r.URL.RawQuery != "":
		p.earlier(w, r)
	case isDoc:
		present, _ := p.cache.get()
		write(w, http.StatusOK, present[d].body)
	case path == "/api/instances":
		p.listInstances(w, r)
	case isTask:
		p.task(w, r, strings.TrimPrefix(path, tasksPath))
	default:
		p.stream(w, r)
	}
}

// task answers with a task's story. With ?topics=false the topics are not read, so the
// answer comes at once.
func (p *Page) task(w http.ResponseWriter, r *http.Request, escaped string) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	id := query.Get("id")
	if escaped != "" {
		id, err = url.PathUnescape(escaped)
	}
	if err == nil {
		err = events.CheckTaskID(id)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "this cannot be a task's id: "+err.Error())
		return
	}
	body, err := marshal(p.find(r.Context(), id, query.Get("topics") != "false"))
	if err != nil {
		refuse(w, http.StatusInternalServerError, "the story cannot be written as JSON: "+err.Error())
		return
	}
	write(w, http.StatusOK, append(body, '\n'))
}

// marshal encodes a document so that a terminal can show it, too.
func marshal(v any) ([]byte, error) {
	body, err := json.Marshal(v)
	return []byte(plain.Text(string(body))), err
}

func refuse(w http.ResponseWriter, status int, message string) {
	body, err := marshal(struct {
		Error string `json:"error"`
	}{message})
	if err != nil {
		body = []byte("{}")
	}
	write(w, status, append(body, '\n'))
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) //nolint:gosec // JSON with nosniff; the client has gone, so there is no one to report to
}
