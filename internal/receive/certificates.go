package receive

import (
	"context"
	"crypto/x509"
	"sync"
	"time"

	"remux-retrier/internal/clock"
)

const (
	// fetchTimeout bounds one fetch, for all messages that wait for it.
	fetchTimeout = 3 * time.Second
	// A certificate is used for certificateMaxAge, but not after its own end. A failed fetch
	// is remembered for failureMaxAge, so that a flood of messages causes few fetches.
	certificateMaxAge, failureMaxAge = 24 * time.Hour, 2 * time.Second
	// renewAfter is the age from which a certificate that does not match a message is
	// fetched again before the message is refused: SMN may have replaced it.
	renewAfter = time.Minute
	// maxKnown certificates and failures are kept, and maxFetches are fetched at once from
	// addresses without a verified message. Messages can name any number of URLs.
	maxKnown, maxFetches = 32, 4
)

// certificates are SMN's signing certificates, by URL. Each is fetched once for all
// messages that wait for it.
//
// Anybody can name URLs in forged messages, but only SMN can sign a message. So a URL
// whose certificate has verified a message comes first: it is fetched also while many
// others are, and is forgotten last.
type certificates struct {
	fetch func(ctx context.Context, url string) (*x509.Certificate, error)
	clock clock.Clock

	mu       sync.Mutex
	known    map[string]*known
	fetching int
}

// known is the certificate at a URL, or why there is none.
type known struct {
	done        chan struct{} // closed at the end of the fetch, which sets what follows
	certificate *x509.Certificate
	err         error     // why there is no certificate
	renewal     error     // why the latest fetch failed; certificate is an earlier one
	fetchAgain  time.Time // when to fetch again; zero: a fetch is under way
	fetched     time.Time // when certificate was fetched
	fetchEnded  time.Time // when the latest fetch ended

	named    time.Time // when a message last named the URL
	verified time.Time // when the certificate last verified a message; zero: never
}

// usable reports whether the certificate may be used at this time if it cannot be renewed.
func (k *known) usable(now time.Time) bool {
	return k != nil && k.err == nil && now.Sub(k.fetched) < certificateMaxAge
}

// forgottenBefore is the order in which URLs are forgotten: by the time at which their
// certificate last verified a message. URLs whose certificate never did come first: of
// these, failures before certificates, and then those that were named longest ago.
func (k *known) forgottenBefore(other *known) bool {
	switch {
	case !k.verified.Equal(other.verified):
		return k.verified.Before(other.verified)
	case (k.err == nil) != (other.err == nil):
		return k.err != nil
	}
	return k.named.Before(other.named)
}

// get returns the certificate at a URL, whose host must have been checked. The error is a
// *refusal or a *trouble.
func (c *certificates) get(ctx context.Context, url string) (*x509.Certificate, error) {
	k := c.entry(url)
	if k == nil {
		return nil, &trouble{"certificate", "too many certificates are being fetched"}
	}
	if c.clock.Wait(ctx, k.done) != nil {
		return nil, &trouble{"certificate", "SMN's certificate did not arrive in time"}
	}
	return k.certificate, k.err
}

// refetchIfOld reports whether SMN may have replaced the certificate at its URL. If so, the
// next call of get fetches it again, unless that was done meanwhile.
func (c *certificates) refetchIfOld(url string, certificate *x509.Certificate) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	k := c.known[url]
	switch {
	case k == nil || k.certificate != certificate: // it was fetched again meanwhile
		return true
	case now.Sub(k.fetchEnded) < renewAfter:
		return false
	}
	k.fetchAgain = now
	return true
}

// troubleIfOld returns a *trouble unless the certificate was fetched less than renewAfter
// ago: if it does not match a message, SMN may have replaced it.
func (c *certificates) troubleIfOld(url string, certificate *x509.Certificate) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.known[url]
	switch {
	case k != nil && k.certificate == certificate && c.clock.Now().Sub(k.fetched) < renewAfter:
		return nil
	case k != nil && k.renewal != nil:
		return &trouble{"certificate", "it does not match a certificate that may be outdated: " + k.renewal.Error()}
	}
	return &trouble{"certificate", "it does not match a certificate that may be outdated"}
}

// hasVerified notes that the certificate at a URL has verified a message.
func (c *certificates) hasVerified(url string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.known[url]; k != nil {
		k.verified = c.clock.Now()
	}
}

// entry returns what is known of the URL, or begins a fetch; nil if there are too many.
func (c *certificates) entry(url string) *known {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	before := c.known[url]
	if before != nil && (before.fetchAgain.IsZero() || now.Before(before.fetchAgain)) {
		before.named = now
		return before
	}
	k := &known{done: make(chan struct{}), named: now}
	if before != nil {
		k.verified = before.verified
	}
	if k.verified.IsZero() && c.fetching >= maxFetches {
		if before.usable(now) {
			return before
		}
		return nil
	}
	delete(c.known, url)
	c.makeRoom()
	c.known[url] = k
	c.fetching++
	// The fetch has its own time limit: a waiter that gives up must not end it for the others.
	c.clock.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
		defer cancel()
		certificate, err := c.fetch(ctx, url)
		c.mu.Lock()
		defer c.mu.Unlock()
		k.end(before, certificate, err, c.clock.Now(), c.clock.Wall())
		c.fetching--
	})
	return k
}

// end sets the result of the fetch. before is what was known of the URL; it may be nil.
func (k *known) end(before *known, certificate *x509.Certificate, err error, now, wall time.Time) {
	k.fetchEnded = now
	switch {
	case err == nil:
		k.certificate, k.fetched = certificate, now
		k.fetchAgain = now.Add(max(failureMaxAge, min(certificateMaxAge, certificate.NotAfter.Sub(wall))))
	case before.usable(now): // forged messages must not take it away
		k.certificate, k.fetched = before.certificate, before.fetched
		k.renewal, k.fetchAgain = err, now.Add(renewAfter)
	case k.verified.IsZero():
		k.err, k.fetchAgain = err, now.Add(failureMaxAge)
	default: // SMN has used this URL, so the fault is its host's
		k.err, k.fetchAgain = &trouble{"certificate", err.Error()}, now.Add(failureMaxAge)
	}
	close(k.done)
}

// makeRoom forgets a URL if there are too many.
func (c *certificates) makeRoom() {
	if len(c.known) < maxKnown {
		return
	}
	var victim string
	for url, k := range c.known {
		if k.fetchAgain.IsZero() {
			continue // under way
		}
		if v := c.known[victim]; v == nil || k.forgottenBefore(v) {
			victim = url
		}
	}
	delete(c.known, victim)
}
