package page

import (
	"cmp"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

// Latest is the document of /api/latest and of the stream's event "latest": the events that
// this instance finished last, newest first, the last hundred of each outcome.
type Latest struct {
	Latest []Done `json:"latest"`
	// More: there are older ones. Only in answers to a request with a query, see earlier.
	More bool `json:"more,omitempty"`
}

// Done is a finished event.
type Done struct {
	At time.Time `json:"at"`
	// TaskID of an unreadable record is its key, if that can be a task id.
	TaskID    string `json:"task_id"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	// Outcome is retried, retry_failed, recovered, dead_letter, ignored, or given_up: the
	// partition's next owner handles the event.
	Outcome string        `json:"outcome"`
	Reason  events.Reason `json:"reason,omitempty"`
	// Text has details, if there are any.
	Text    string  `json:"text,omitempty"`
	Seconds float64 `json:"seconds"` // since its arrival
	// Number is 1 for the first event that the instance finished since its start, 2 for the
	// second, and so on.
	Number uint64 `json:"number"`
}

func latest(stories []story.Story) Latest {
	list := Latest{Latest: make([]Done, 0, len(stories))}
	for _, s := range stories {
		if len(s.Steps) > 0 {
			list.Latest = append(list.Latest, done(s))
		}
	}
	return list
}

func done(s story.Story) Done {
	last := s.Steps[len(s.Steps)-1]
	d := Done{
		At: last.At, TaskID: s.TaskID, Partition: s.Source.Partition, Offset: s.Source.Offset,
		Outcome: s.Became(), Seconds: last.At.Sub(s.Steps[0].At).Seconds(), Number: s.Number,
	}
	switch {
	case s.Outcome != nil:
		d.Reason = s.Outcome.Reason
		if s.Outcome.Error != nil {
			d.Text = story.Answer(*s.Outcome.Error)
		}
	default:
		d.Text = last.Detail
	}
	return d
}

// perPage is how many earlier events one answer has.
const perPage = 100

// earlier returns the events that were finished before the one with the given number,
// newest first, optionally only those with an outcome and with a text in them.
func (p *Page) earlier(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	below, err := strconv.ParseUint(cmp.Or(query.Get("below"), strconv.FormatUint(math.MaxUint64, 10)), 10, 64)
	if err != nil {
		refuse(w, http.StatusBadRequest, "below must be the number of an event, as in this list")
		return
	}
	outcome, text := query.Get("outcome"), strings.ToLower(query.Get("text"))
	page := Latest{Latest: []Done{}}
	for _, d := range latest(p.cfg.Source.Earlier(below)).Latest {
		switch {
		case outcome != "" && d.Outcome != outcome, !strings.Contains(strings.ToLower(d.TaskID+"\n"+string(d.Reason)+"\n"+d.Text+"\n"+d.Outcome), text):
		case len(page.Latest) == perPage:
			page.More = true
		default:
			page.Latest = append(page.Latest, d)
		}
	}
	body, err := marshal(page)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "the list cannot be written as JSON: "+err.Error())
		return
	}
	write(w, http.StatusOK, append(body, '\n'))
}
