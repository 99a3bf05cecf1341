package retrier

// queue holds tasks in order of arrival.
type queue struct {
	tasks []*task
	head  int
}

func (q *queue) push(t *task) { q.tasks = append(q.tasks, t) }

func (q *queue) len() int { return len(q.tasks) - q.head }

// take removes the first task, unless the queue is empty or its generation ends.
func (q *queue) take() *task {
	if q.len() == 0 {
		return nil
	}
	t := q.tasks[q.head]
	if t.waiting[0].Lease.Context().Err() != nil {
		return nil
	}
	q.tasks[q.head] = nil
	if q.head++; q.head == len(q.tasks) {
		q.tasks, q.head = q.tasks[:0], 0
	} else if q.head > 1024 && 2*q.head > len(q.tasks) {
		q.tasks, q.head = append(q.tasks[:0], q.tasks[q.head:]...), 0
	}
	return t
}

// timers is a heap of tasks for container/heap: the first one is due next.
type timers []*task

func (h timers) Len() int           { return len(h) }
func (h timers) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h timers) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *timers) Push(x any)        { *h = append(*h, x.(*task)) }
func (h *timers) Pop() any {
	last := len(*h) - 1
	t := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return t
}
