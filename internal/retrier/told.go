package retrier

import (
	"fmt"
	"slices"

	"remux-retrier/mpcclient"
)

// told answers the questions of a request that was served, and returns those that
// must be asked again. Only an answer that lacks a task's id says that MPC does not
// know the task. But an API that keeps only the last of several ids looks as if the
// others did not exist: before that is believed, one of them is asked alone.
func (b *statusBatcher) told(batch []*statusRequest, tasks map[string]mpcclient.Task) (again []*statusRequest) {
	var missing []*statusRequest
	for _, one := range batch {
		b.noteStatus(tasks[one.ev.Failure.TaskID].Status)
		switch s := stateOf(tasks, one.ev.Failure.TaskID); {
		case len(batch) == 1:
			return b.toldAlone(one, s)
		case s == absent:
			missing = append(missing, one)
		default:
			one.answer(s)
		}
	}
	switch n := len(missing); {
	case n == 0:
		return nil
	case n == 1 && len(batch) > 2:
		missing[0].answer(absent)
		return nil
	}
	missing[0].alone, missing[0].others = true, missing[1:]
	return missing[:1]
}

// toldAlone answers a question that was asked alone, and those that it was asked
// for: they are as absent as it is. If it is not, the API knows tasks that it does
// not tell of together with others, and from now on each is asked alone.
func (b *statusBatcher) toldAlone(one *statusRequest, s state) (again []*statusRequest) {
	others := one.others
	one.others = nil
	one.answer(s)
	if s == absent {
		for _, other := range others {
			other.answer(absent)
		}
		return nil
	}
	if len(others) > 0 {
		b.mu.Lock()
		b.oneByOne = true
		b.mu.Unlock()
		b.single.Problem("MPC's state query tells of one task only where several are asked for: each is asked for by itself, which costs more of the quota")
	}
	return others
}

// noteStatus says that a task has a status which MPC does not document.
func (b *statusBatcher) noteStatus(s mpcclient.Status) {
	if s != "" && !slices.Contains(documented, s) {
		b.unexpected.Problem(fmt.Sprintf("MPC tells of a task in the state %.40q, which this version does not know: it is not FAILED any more, so the task counts as retried", s))
	}
}
