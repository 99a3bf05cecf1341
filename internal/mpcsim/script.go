package mpcsim

import "fmt"

type scriptKey struct {
	operation Operation
	task      string
}

// Script sets the answers to the next retries of a task, one step after the other.
// After them the task behaves as usual. It replaces the task's former script; without
// steps it removes it. Authentication, outages and quotas are checked first.
func (s *Simulator) Script(taskID string, steps ...Step) error {
	return s.script(Retry, taskID, steps)
}

// ScriptQuery does the same for queries that name the task. If several tasks of a query
// have a script, the step of the first of them answers the whole query.
func (s *Simulator) ScriptQuery(taskID string, steps ...Step) error {
	return s.script(Query, taskID, steps)
}

func (s *Simulator) script(op Operation, taskID string, steps []Step) error {
	for i, step := range steps {
		if err := step.validate(); err != nil {
			return fmt.Errorf("script of task %s: step %d: %w", taskID, i+1, err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := scriptKey{op, taskID}
	if len(steps) == 0 {
		delete(s.steps, key)
		return nil
	}
	s.steps[key] = append([]Step(nil), steps...) // a copy: nextStep changes Times
	return nil
}

// nextStep returns the script's step for this request, or the zero Step if there is
// none.
func (s *Simulator) nextStep(op Operation, ids []string) Step {
	for _, id := range ids {
		key := scriptKey{op, id}
		steps, scripted := s.steps[key]
		if !scripted {
			continue
		}
		step := steps[0]
		switch {
		case step.Times == Always:
		case step.Times > 1:
			steps[0].Times--
		case len(steps) == 1:
			delete(s.steps, key)
		default:
			s.steps[key] = steps[1:]
		}
		return step
	}
	return Step{}
}
