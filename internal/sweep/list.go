package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"remux-retrier/internal/backoff"
	"remux-retrier/internal/plain"
	"remux-retrier/mpcclient"
)

const (
	// maxPages and maxBytes bound the list: 100,000 tasks, and 64 MiB of their texts.
	maxPages = 1000
	maxBytes = 64 << 20
	// lead is how long before its failure a task may have been created: MPC may compare
	// the range with the time of creation.
	lead = 24 * time.Hour
	// tries is how often a page is requested while MPC does not serve.
	tries = 6
	// maxRetryAfter is the longest Retry-After that is waited for.
	maxRetryAfter = 5 * time.Minute
)

var errTooMany = errors.New("MPC lists more failed tasks than one sweep can hold: sweep a shorter range (--since, --until)")

// list returns the tasks that failed in the range, by id.
func (s *Sweep) list(ctx context.Context) (map[string]mpcclient.ListedTask, error) {
	failed := map[string]mpcclient.ListedTask{}
	seen := map[string]bool{} // also tasks outside the range
	first, got, bytes := 0, 0, 0
	for n := 0; ; n++ {
		if n == maxPages {
			return nil, errTooMany
		}
		page, err := s.page(ctx, n)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			first = page.Total
		}
		known := len(seen)
		for _, t := range page.Tasks {
			seen[t.ID] = true
			if t.Status != mpcclient.StatusFailed || !s.inRange(t.EndTime) {
				continue
			}
			if other, twice := failed[t.ID]; !twice || other.EndTime.Before(t.EndTime) {
				failed[t.ID] = shortened(t)
				bytes += len(t.ID) + len(failed[t.ID].Description) + len(failed[t.ID].UserData)
			}
		}
		if page.Odd > 0 {
			s.totals.Skipped += page.Odd
			s.cfg.Listener.Skipped("", fmt.Sprintf("page %d of MPC's list has %d entries that are not tasks", n, page.Odd))
		}
		size := len(page.Tasks) + page.Odd
		got += size
		s.cfg.Listener.Listed(got, max(got, page.Total))
		switch {
		case size == 0, size < mpcclient.PageSize && page.Total <= got:
			s.totals.Changed = got < first
			return failed, nil
		case len(seen) == known && len(page.Tasks) > 0:
			return nil, fmt.Errorf("page %d of MPC's list holds only tasks of earlier pages: the list would never end; sweep a shorter range, or try again", n)
		case bytes > maxBytes:
			return nil, errTooMany
		}
	}
}

// inRange reports whether a task that ended then failed in the range. Without an end time
// the range of MPC's list decides.
func (s *Sweep) inRange(ended time.Time) bool {
	return ended.IsZero() || !ended.Before(s.cfg.Since.Truncate(time.Second)) && (s.cfg.Until.IsZero() || !ended.After(s.cfg.Until))
}

// shortened returns a task without the data that its event would leave out.
func shortened(t mpcclient.ListedTask) mpcclient.ListedTask {
	const most = 4 << 10 // a longer user_data is left out completely
	if len(t.UserData) > most {
		t.UserData = ""
	}
	if len(t.Description) > most {
		t.Description = strings.Clone(t.Description[:most])
	}
	return t
}

// page requests one page, several times if MPC does not serve.
func (s *Sweep) page(ctx context.Context, n int) (mpcclient.TaskPage, error) {
	until := cmp.Or(s.cfg.Until, s.began).Add(margin)
	q := mpcclient.ListQuery{Status: mpcclient.StatusFailed, Since: s.cfg.Since.Add(-lead), Until: until, Page: n}
	wait := backoff.Backoff{Base: 2 * time.Second, Max: 30 * time.Second, Rand: s.cfg.Rand}
	for try := 1; ; try++ {
		if err := s.waitForQuota(ctx); err != nil {
			return mpcclient.TaskPage{}, err
		}
		page, err := s.cfg.API.List(ctx, q)
		var e *mpcclient.Error
		switch {
		case err == nil:
			return page, nil
		case ctx.Err() != nil:
			return page, context.Cause(ctx)
		case !errors.As(err, &e), !e.Outage(), e.Class == mpcclient.Operator, e.RetryAfter > maxRetryAfter, try == tries:
			return page, err
		}
		s.cfg.Listener.Trouble(plain.Text(err.Error()))
		if err := s.cfg.Clock.Sleep(ctx, max(e.RetryAfter, wait.Next())); err != nil {
			return page, err
		}
	}
}

// waitForQuota waits until the next request to MPC may be sent, and counts it.
func (s *Sweep) waitForQuota(ctx context.Context) error {
	now := s.cfg.Clock.Now()
	if err := s.cfg.Clock.Sleep(ctx, s.next.Sub(now)); err != nil {
		return err
	}
	s.next = s.cfg.Clock.Now().Add(s.cfg.Interval)
	s.totals.Requests++
	return nil
}
