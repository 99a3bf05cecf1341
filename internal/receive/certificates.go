package receive

import (
	"context"
	"crypto/x509"
	"sync"
	"time"

	"remux-retrier/internal/clock"
)

const (
	// fetchWithin bounds one fetch, whoever waits for it.
	fetchWithin = 3 * time.Second
	// A certificate is used for goodFor, and not beyond its own end. That it could
	// not be had is remembered for badFor, so that a flood of messages asks rarely.
	goodFor, badFor = 24 * time.Hour, 2 * time.Second
	// renewAfter is how old a certificate is before a message that it does not prove has
	// it fetched again: SMN may have replaced it, and a refused message is lost.
	renewAfter = time.Minute
	// maxKnown certificates and failures are kept, maxFetches are fetched at once:
	// messages name the URLs, and could name any number.
	maxKnown, maxFetches = 32, 4
)

// certificates are those that SMN signs with, by URL. Each is fetched once for all
// who wait for it.
type certificates struct {
	fetch func(ctx context.Context, address string) (*x509.Certificate, error)
	clock clock.Clock

	mu       sync.Mutex
	known    map[string]*known
	fetching int
}

// known is a certificate, or why there is none.
type known struct {
	done        chan struct{} // closed when the fetch has ended; the rest is set by then
	certificate *x509.Certificate
	err         error
	until, used time.Time
	fetched     time.Time // when the certificate came
	tried       time.Time // when it was asked for last
}

// at gives the certificate at a URL, which must have been checked. The error is a
// *refusal or a *trouble.
func (c *certificates) at(ctx context.Context, address string) (*x509.Certificate, error) {
	k := c.entry(address)
	if k == nil {
		return nil, &trouble{"certificate", "too many certificates are being fetched"}
	}
	if c.clock.Wait(ctx, k.done) != nil {
		return nil, &trouble{"certificate", "the certificate did not come in time"}
	}
	return k.certificate, k.err
}

// outdated has the certificate fetched again, and is true, if it may have been replaced
// at its URL.
func (c *certificates) outdated(address string, certificate *x509.Certificate) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	k := c.known[address]
	switch {
	case k == nil || k.certificate != certificate: // it has been fetched again
		return true
	case now.Sub(k.tried) < renewAfter:
		return false
	}
	k.until = now
	return true
}

// entry is what is known of the URL, or a fetch that has begun; nil if there is no
// room for one more.
func (c *certificates) entry(address string) *known {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	k := c.known[address]
	if k != nil && (k.until.IsZero() || now.Before(k.until)) {
		k.used = now
		return k
	}
	before := k
	good := before != nil && before.err == nil && now.Sub(before.fetched) < goodFor
	switch {
	case c.fetching >= maxFetches && good:
		return before
	case c.fetching >= maxFetches:
		return nil
	}
	delete(c.known, address)
	c.makeRoom()
	k = &known{done: make(chan struct{}), used: now}
	c.known[address] = k
	c.fetching++
	// It has its own time limit: a waiter that gives up must not end it for the others.
	c.clock.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), fetchWithin)
		defer cancel()
		certificate, err := c.fetch(ctx, address)
		c.mu.Lock()
		defer c.mu.Unlock()
		now := c.clock.Now()
		k.certificate, k.err, k.until, k.fetched, k.tried = certificate, err, now.Add(badFor), now, now
		switch {
		case err == nil:
			k.until = now.Add(max(badFor, min(goodFor, certificate.NotAfter.Sub(c.clock.Wall()))))
		case before != nil && before.err == nil && now.Sub(before.fetched) < goodFor:
			// Forged messages must not take away a certificate that is still good.
			k.certificate, k.err, k.until, k.fetched = before.certificate, nil, now.Add(renewAfter), before.fetched
		}
		c.fetching--
		close(k.done)
	})
	return k
}

// makeRoom forgets a failure, or else the certificate that was used longest ago.
func (c *certificates) makeRoom() {
	if len(c.known) < maxKnown {
		return
	}
	var victim string
	for address, k := range c.known {
		if k.until.IsZero() {
			continue // under way
		}
		v := c.known[victim]
		if v == nil || k.err != nil && v.err == nil || (k.err != nil) == (v.err != nil) && k.used.Before(v.used) {
			victim = address
		}
	}
	delete(c.known, victim)
}
