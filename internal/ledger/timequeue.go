package ledger

// timeQueue orders decisions by time, the oldest first, in a binary heap. Each decision
// knows its position, so that it can be removed from the middle.
type timeQueue struct {
	entries []entry
	moved   func(decision uint32, position int)
}

type entry struct {
	at       int64 // Unix milliseconds
	decision uint32
}

func (q *timeQueue) len() int { return len(q.entries) }

func (q *timeQueue) push(e entry) {
	q.entries = append(q.entries, e)
	q.up(len(q.entries) - 1)
}

// remove removes the entry at a position; the oldest is at 0.
func (q *timeQueue) remove(i int) entry {
	e, last := q.entries[i], len(q.entries)-1
	q.entries[i] = q.entries[last]
	q.entries = q.entries[:last]
	if i < last {
		q.up(i)
		q.down(i)
	}
	return e
}

// up and down move the entry at i to its place, and report its position even if it stays.
func (q *timeQueue) up(i int) {
	e := q.entries[i]
	for i > 0 {
		parent := (i - 1) / 2
		if q.entries[parent].at <= e.at {
			break
		}
		q.set(i, q.entries[parent])
		i = parent
	}
	q.set(i, e)
}

func (q *timeQueue) down(i int) {
	e := q.entries[i]
	for {
		child := 2*i + 1
		if child >= len(q.entries) {
			break
		}
		if right := child + 1; right < len(q.entries) && q.entries[right].at < q.entries[child].at {
			child = right
		}
		if e.at <= q.entries[child].at {
			break
		}
		q.set(i, q.entries[child])
		i = child
	}
	q.set(i, e)
}

func (q *timeQueue) set(i int, e entry) {
	q.entries[i] = e
	q.moved(e.decision, i)
}
