package story

import (
	"slices"
	"time"
	"unsafe"
)

// A story has at most maxSteps. Of more, the firstSteps and the latest are kept.
const (
	maxSteps   = 32
	firstSteps = 12
	usualSteps = 8 // received, two waits, call, accepted, answered, published, and one spare
)

// minWait: shorter waits are left out.
const minWait = 10 * time.Millisecond

// Approximate sizes in memory.
const (
	stepBytes  = int(unsafe.Sizeof(Step{}))
	storyBytes = int(unsafe.Sizeof(Record{}))
)

// add appends a step, or counts it with an earlier one that is the same: an event that
// waits for days is called and refused again and again.
func (r *Record) add(step Step) {
	steps := r.story.Steps
	if n := len(steps) - 1; n >= 0 && steps[n].Kind.Waits() && step.At.Sub(steps[n].At) < minWait {
		steps = steps[:n]
	}
	if i := repeated(steps, &step); i >= 0 {
		steps[i].Times = max(steps[i].Times, 1) + 1
		steps[i].Last, steps[i].Detail, steps[i].Error = step.At, step.Detail, step.Error
		r.story.Steps = steps[:i+1]
		return
	}
	steps = append(steps, step)
	if len(steps) > maxSteps {
		steps = skip(steps)
	}
	r.story.Steps = steps
}

// repeated returns the index of the earlier result that this step repeats, if there is
// only one more attempt between them; else -1.
func repeated(steps []Step, step *Step) int {
	if step.Kind != Refused && step.Kind != State {
		return -1
	}
	for i := len(steps) - 1; i >= 0; i-- {
		switch s := &steps[i]; {
		case s.Kind == step.Kind:
			if s.State == step.State && alike(s, step) {
				return i
			}
			return -1
		case s.Kind.Waits(), s.Kind == Call, s.Kind == Query, s.Kind == Doubt:
		default:
			return -1
		}
	}
	return -1
}

// alike compares two errors without messages and request ids, which differ in each
// answer.
func alike(a, b *Step) bool {
	if a.Error == nil || b.Error == nil {
		return a.Error == b.Error
	}
	return a.Error.Status == b.Error.Status && a.Error.Code == b.Error.Code
}

// skip removes one step from the middle and counts it.
func skip(steps []Step) []Step {
	middle := &steps[firstSteps]
	if middle.Kind != Skipped {
		*middle = Step{At: middle.At, Kind: Skipped, Times: max(middle.Times, 1)}
	}
	out := steps[firstSteps+1]
	middle.Times += max(out.Times, 1)
	if middle.Last = out.At; !out.Last.IsZero() {
		middle.Last = out.Last
	}
	return slices.Delete(steps, firstSteps+1, firstSteps+2)
}

// weigh updates the story's size in memory.
func (r *Record) weigh() {
	bytes := storyBytes + cap(r.story.Steps)*stepBytes + len(r.story.TaskID) + len(r.story.Failure.ErrorCode) +
		len(r.story.Failure.Description) + len(r.story.Failure.UserData) + len(r.story.Failure.ID) + len(r.story.Failure.Traceparent)
	for i := range r.story.Steps {
		s := &r.story.Steps[i]
		if bytes += len(s.Detail) + len(s.State); s.Error != nil {
			bytes += int(unsafe.Sizeof(*s.Error)) + len(s.Error.Code) + len(s.Error.Message) + len(s.Error.RequestID)
		}
	}
	if r.story.Outcome != nil {
		bytes += int(unsafe.Sizeof(*r.story.Outcome))
	}
	r.store.bytes += bytes - r.bytes
	r.bytes = bytes
}
