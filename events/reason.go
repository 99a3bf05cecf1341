package events

// Kind is the result for a failure event. Each kind has a topic of its own.
type Kind string

// The kinds of outcome.
const (
	// Retried: the task runs again, or has run again.
	Retried Kind = "retried"
	// RetryFailed: the task was not retried, and the service will not try again.
	RetryFailed Kind = "retry_failed"
)

// Type is the kind's CloudEvents type, remux.retried or remux.retry_failed. These are also
// the default topic names.
func (k Kind) Type() string { return "remux." + string(k) }

// Reason says why an outcome is what it is. The constants below are all reasons, so it can
// be a metric label.
type Reason string

// The reasons of kind Retried.
const (
	Accepted       Reason = "accepted"
	AlreadyRunning Reason = "already_running"
	// Covered has attempts 0. If the covering call was refused, the event gets the
	// refusal's reason instead.
	Covered Reason = "covered"
)

// The reasons of kind RetryFailed.
const (
	Rejected          Reason = "rejected"
	TaskNotFound      Reason = "task_not_found"
	InvalidTask       Reason = "invalid_task"
	NotRetryable      Reason = "not_retryable"
	BudgetExhausted   Reason = "budget_exhausted"
	AttemptsExhausted Reason = "attempts_exhausted"
	Expired           Reason = "expired"
)

// reasons describes each reason. The messages are for readers of an outcome without the
// documentation: what happened, and what to do.
var reasons = []struct {
	reason  Reason
	kind    Kind
	message string
}{
	{Accepted, Retried, "MPC accepted the retry."},
	{AlreadyRunning, Retried, "The task's state shows that a retry is in progress or has succeeded."},
	{Covered, Retried, "A retry of this task, sent after this failure was reported, has been accepted; it answers this failure too."},
	{Rejected, RetryFailed, "MPC refused the retry and, as far as its state is known, the task is still failed. The error says why; fix the cause before you retry."},
	{TaskNotFound, RetryFailed, "MPC does not know this task. Check the id, the project and the region."},
	{InvalidTask, RetryFailed, "MPC says that the task id or the task's parameters are invalid. Create a new task instead."},
	{NotRetryable, RetryFailed, "A retry cannot help: the task was cancelled, or failed for a cause that is configured as final."},
	{BudgetExhausted, RetryFailed, "The task has used all retries of the budget's window. Find out why it keeps failing."},
	{AttemptsExhausted, RetryFailed, "The calls for this task kept failing while MPC served others. Nothing proves that a retry was accepted."},
	{Expired, RetryFailed, "The failure event is older than the configured limit. No retry was requested."},
}

// Reasons returns every Reason.
func Reasons() []Reason {
	list := make([]Reason, len(reasons))
	for i, r := range reasons {
		list[i] = r.reason
	}
	return list
}

// Kind is the kind of outcomes with this reason; empty if it is not one of the constants.
func (r Reason) Kind() Kind {
	kind, _ := r.describe()
	return kind
}

// Message explains the reason to a person in one or two sentences; empty if it is not one
// of the constants.
func (r Reason) Message() string {
	_, message := r.describe()
	return message
}

func (r Reason) describe() (kind Kind, message string) {
	for i := range reasons {
		if reasons[i].reason == r {
			return reasons[i].kind, reasons[i].message
		}
	}
	return "", ""
}
