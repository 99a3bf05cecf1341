package retrier

// queue holds tasks in order of arrival.
type queue []*task

// take removes the first task, unless the queue is empty or its generation ends.
func (q *queue) take() *task {
	if len(*q) == 0 || (*q)[0].waiting[0].Lease.Context().Err() != nil {
		return nil
	}
	t := (*q)[0]
	(*q)[0] = nil
	if len(*q) > 1 {
		*q = (*q)[1:]
	} else {
		*q = (*q)[:0] // the usual case: the next task needs no new array
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
