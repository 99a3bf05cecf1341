package ledger

import "container/heap"

// timeQueue orders decisions by time, the oldest first. Each decision knows its position, so
// that it can be removed from the middle.
type timeQueue struct {
	entries []entry
	moved   func(decision uint32, position int)
}

type entry struct {
	at       int64 // Unix milliseconds
	decision uint32
}

func (q *timeQueue) push(e entry) { heap.Push(q, e) }

// remove removes the entry at a position; the oldest is at 0.
func (q *timeQueue) remove(i int) entry { return heap.Remove(q, i).(entry) }

// The methods of heap.Interface.

func (q *timeQueue) Len() int           { return len(q.entries) }
func (q *timeQueue) Less(i, j int) bool { return q.entries[i].at < q.entries[j].at }

func (q *timeQueue) Swap(i, j int) {
	q.entries[i], q.entries[j] = q.entries[j], q.entries[i]
	q.moved(q.entries[i].decision, i)
	q.moved(q.entries[j].decision, j)
}

func (q *timeQueue) Push(x any) {
	q.entries = append(q.entries, x.(entry))
	q.moved(x.(entry).decision, len(q.entries)-1)
}

func (q *timeQueue) Pop() any {
	last := len(q.entries) - 1
	e := q.entries[last]
	q.entries = q.entries[:last]
	return e
}
