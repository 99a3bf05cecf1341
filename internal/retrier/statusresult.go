package retrier

import (
	"fmt"
	"slices"

	"remux-retrier/mpcclient"
)

// answerBatch answers the requests of a successful query, and returns those that must be
// queried again. Only an answer without the task's id says that MPC does not know the task.
// But an API that returns only the last of several tasks makes the others look unknown:
// before that is believed, one of them is queried alone.
func (b *statusBatcher) answerBatch(batch []*statusRequest, tasks map[string]mpcclient.Task) (again []*statusRequest) {
	var missing []*statusRequest
	for _, one := range batch {
		b.noteStatus(tasks[one.ev.Failure.TaskID].Status)
		switch s := stateOf(tasks, one.ev.Failure.TaskID); {
		case len(batch) == 1:
			return b.answerSingle(one, s)
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

// answerSingle answers a request that was queried alone, and those that depend on it: if
// its task is absent, theirs are too. If it is not, the API does not return all tasks of a
// query, and from now on each is queried alone.
func (b *statusBatcher) answerSingle(one *statusRequest, s state) (again []*statusRequest) {
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
		b.single.Problem("MPC's state query returns only one of several tasks: querying each task alone, which costs more of the quota")
	}
	return others
}

// noteStatus logs a status that MPC does not document.
func (b *statusBatcher) noteStatus(s mpcclient.Status) {
	if s != "" && !slices.Contains(documented, s) {
		b.unexpected.Problem(fmt.Sprintf("MPC reports a task in state %.40q, which this version does not know: the task is no longer FAILED, so it counts as retried", s))
	}
}
