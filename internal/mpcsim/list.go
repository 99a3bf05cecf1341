package mpcsim

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const (
	defaultPageSize = 10
	maxPageSize     = 100
)

// listing has the parameters of a list without ids.
type listing struct {
	status       Status
	since, until time.Time // zero: no bound
	page, size   int
}

// readListing reads the parameters. It returns false if MPC would refuse them.
func readListing(values url.Values) (l listing, ok bool) {
	l.status, l.size, ok = Status(values.Get("status")), defaultPageSize, true
	ok = ok && (l.status == "" || l.status.known())
	for name, into := range map[string]*time.Time{"start_time": &l.since, "end_time": &l.until} {
		if text := values.Get(name); text != "" {
			at, err := time.Parse("20060102150405", text)
			*into, ok = at, ok && err == nil && len(text) == len("20060102150405")
		}
	}
	for name, into := range map[string]*int{"page": &l.page, "size": &l.size} {
		if text := values.Get(name); text != "" {
			n, err := strconv.Atoi(text)
			*into, ok = n, ok && err == nil
		}
	}
	return l, ok && l.page >= 0 && l.page <= 1<<20 && l.size >= 1 && l.size <= maxPageSize
}

func (s *Simulator) serveList(w http.ResponseWriter, r *http.Request, values url.Values, body []byte) {
	l, ok := readListing(values)
	s.serveMPC(w, r, List, nil, body, !ok, func(now time.Time) (answer, bool) { return s.list(l, now), true })
}

// list returns a page of the tasks, the newest first. The documentation does not say which
// time the range applies to; here it is the creation time.
func (s *Simulator) list(l listing, now time.Time) answer {
	var all []*task
	for _, t := range s.tasks {
		t.advance(now, &s.cfg)
		created := t.created.Truncate(time.Second)
		if (l.status == "" || t.Status == l.status) && !created.Before(l.since) && (l.until.IsZero() || !created.After(l.until)) {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b *task) int { return cmp.Or(b.created.Compare(a.created), cmp.Compare(a.ID, b.ID)) })
	from := min(l.page*l.size, len(all))
	tasks := []taskJSON{}
	for _, t := range all[from:min(from+l.size, len(all))] {
		tasks = append(tasks, t.wire())
	}
	return jsonAnswer(http.StatusOK, struct {
		Total int        `json:"total"`
		Tasks []taskJSON `json:"tasks"`
	}{len(all), tasks})
}
