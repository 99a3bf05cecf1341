package mpcsim

import "fmt"

type scriptKey struct {
	operation Operation
	task      string
}

// Script decides how the next retries of a task are answered, one step after
// the other; then the task behaves as usual. It replaces the task's script; no
// steps remove it. Authentication, outages and quotas come before it.
func (s *Simulator) Script(taskID string, steps ...Step) error {
	return s.script(Retry, taskID, steps)
}

// ScriptQuery does the same for the queries that name the task. Where several
// of a query's tasks have a script, the first named decides for the batch.
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
	s.steps[key] = append([]Step(nil), steps...) // counted down in place
	return nil
}

// nextStep takes the step that answers this request, the zero Step where no
// script says anything.
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
