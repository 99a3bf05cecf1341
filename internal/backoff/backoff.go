// Package backoff spaces repeated attempts: exponential growth with equal jitter, so that
// callers that failed together do not retry together. (Marc Brooker, "Exponential Backoff
// And Jitter", AWS Architecture Blog, 2015.)
//
// It neither sleeps nor decides what is retried. Any package may import it.
package backoff

import "time"

// Backoff is one series of attempts. It is not safe for concurrent use.
type Backoff struct {
	// Base bounds the first wait, Max every wait.
	Base, Max time.Duration
	// Rand returns a number in [0, 1).
	Rand func() float64

	failures int
}

// Next returns how long to wait after one more failure. The bound doubles from Base to Max
// with each failure since the last Reset; the wait is a random time between half of the
// bound and the whole. The lower half is excluded because a broker or a topic is not back
// within microseconds.
func (b *Backoff) Next() time.Duration {
	bound := b.Max
	if b.Base < b.Max>>b.failures {
		bound = b.Base << b.failures
	}
	b.failures++
	return bound/2 + time.Duration(b.Rand()*float64(bound/2))
}

// Reset starts the series again, after a success.
func (b *Backoff) Reset() { b.failures = 0 }
