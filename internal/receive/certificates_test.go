package receive

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/smnsim"
)

func TestACertificateIsFetchedOnceForAllWhoWait(t *testing.T) {
	asked, proceed := make(chan struct{}, 100), make(chan struct{})
	b := start(t, smnsim.Config{Serve: func(w http.ResponseWriter, r *http.Request, own http.Handler) {
		asked <- struct{}{}
		<-proceed
		own.ServeHTTP(w, r)
	}}, nil)
	var all sync.WaitGroup
	for i := range 30 {
		body := b.failure(fmt.Sprint(i)).Body()
		all.Go(func() { b.sends(200, "a notification", body) })
	}
	<-asked
	close(proceed)
	all.Wait()
	b.sends(200, "a later one", b.failure("x").Body())
	if n := b.smn.CertificateRequests(); n != 1 || len(b.kafka.published()) != 31 {
		t.Errorf("fetched %d times, %d records", n, len(b.kafka.published()))
	}
}

// A refused message is lost, and a 404 or a redirect may pass.
func TestACertificateHostThatFailsLosesNothing(t *testing.T) {
	var status atomic.Int32
	b := start(t, smnsim.Config{Serve: func(w http.ResponseWriter, r *http.Request, own http.Handler) {
		switch s := int(status.Load()); s {
		case 0:
		case 200:
			_, _ = w.Write([]byte("<html>We are back soon.</html>"))
			return
		default:
			w.Header().Set("Location", "https://example.com/")
			w.WriteHeader(s)
			return
		}
		own.ServeHTTP(w, r)
	}}, nil)
	for answer, elsewhere := range map[int]int{500: 503, 503: 503, 429: 503, 408: 503, 301: 403, 404: 403, 403: 403, 200: 403} {
		status.Store(int32(answer))
		from := func(url string) []byte {
			return b.message(smnsim.Notification, "{}", smnsim.Message{"signing_cert_url": fmt.Sprintf("%s?%d", url, answer)}).Body()
		}
		b.sends(503, fmt.Sprint(answer), from(b.smn.CertURL()))
		b.sends(elsewhere, fmt.Sprint(answer, " at a URL that SMN does not use"), from("https://"+b.smn.Host()+"/other.pem"))
	}
	status.Store(0)
	b.sends(200, "it answers again", b.failure("1").Body())
	if b.counted(unavailable, "certificate") != 12 || b.counted(refused, "certificate") != 4 {
		t.Error(b.lastLine())
	}
	if n := b.said("SMN's certificate cannot be fetched: "); n < 2 || n > 4 {
		t.Errorf("%d lines", n)
	}
}

// The vendor's other clouds may have other paths. A URL that SMN has used is one of SMN's.
func TestAURLThatHasVerifiedAMessageIsNeverTheMessagesFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := error(nil)
		c := fetcher(func(context.Context, string) (*x509.Certificate, error) { return lasting(), err })
		for _, url := range []string{"SMN's", "forged"} {
			_, _ = c.get(t.Context(), url)
		}
		c.hasVerified("SMN's")
		err = &refusal{"certificate", "its host answers 404"}
		for range 2 {
			time.Sleep(certificateMaxAge)
			if _, err := c.get(t.Context(), "SMN's"); !errors.As(err, new(*trouble)) {
				t.Errorf("%T", err)
			}
			if _, err := c.get(t.Context(), "forged"); !errors.As(err, new(*refusal)) {
				t.Errorf("%T", err)
			}
		}
	})
}

// SMN may have replaced it meanwhile.
func TestAMessageIsNotRefusedByACertificateThatCannotBeRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := error(nil)
		c := fetcher(func(context.Context, string) (*x509.Certificate, error) { return lasting(), err })
		old, _ := c.get(t.Context(), "a")
		if err := c.troubleIfOld("a", old); err != nil {
			t.Errorf("just fetched: %v", err)
		}
		time.Sleep(renewAfter)
		err = &trouble{"certificate", "its host answers 404"}
		if !c.refetchIfOld("a", old) {
			t.Error("not outdated after a minute")
		}
		certificate, _ := c.get(t.Context(), "a")
		if err := c.troubleIfOld("a", certificate); certificate != old || !errors.As(err, new(*trouble)) || !strings.Contains(err.Error(), "answers 404") {
			t.Errorf("not renewed: %v", err)
		}
		time.Sleep(renewAfter)
		err = nil
		certificate, _ = c.get(t.Context(), "a")
		if err := c.troubleIfOld("a", certificate); certificate == old || err != nil {
			t.Errorf("renewed: %v", err)
		}
	})
}

func TestACertificateHostThatNobodyVouchesForIsNotBelieved(t *testing.T) {
	b := start(t, smnsim.Config{}, func(c *Config) { c.Roots = func() *x509.CertPool { return x509.NewCertPool() } })
	b.sends(503, "an unknown authority", b.failure("1").Body())
	if b.said("unknown authority") != 1 {
		t.Error(b.lastLine())
	}
}

// fetcher returns certificates that fetch fetches.
func fetcher(fetch func(ctx context.Context, url string) (*x509.Certificate, error)) *certificates {
	return &certificates{fetch: fetch, clock: clock.System, known: map[string]*known{}}
}

func lasting() *x509.Certificate {
	return &x509.Certificate{NotAfter: time.Now().Add(365 * 24 * time.Hour)}
}

// SMN may put a new certificate at the URL of the old one. A message that is refused
// because of the old one is lost.
func TestAReplacedCertificateIsNoticedAndForgeriesTakeNoneAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		certificate, fetched, err := lasting(), 0, error(nil)
		c := fetcher(func(context.Context, string) (*x509.Certificate, error) { fetched++; return certificate, err })
		old := certificate
		_, _ = c.get(t.Context(), "a")
		for range 100 { // forgeries
			if c.refetchIfOld("a", old) {
				t.Fatal("it has just been fetched")
			}
		}
		time.Sleep(renewAfter)
		certificate = lasting()
		if !c.refetchIfOld("a", old) {
			t.Error("not asked for again")
		}
		if got, _ := c.get(t.Context(), "a"); got != certificate || fetched != 2 {
			t.Errorf("fetched %d times, the new one: %t", fetched, got == certificate)
		}
		if !c.refetchIfOld("a", old) || fetched != 2 {
			t.Error("a message that was checked by the old one is refused")
		}
		err = &trouble{"certificate", "away"}
		for range 5 {
			time.Sleep(renewAfter)
			c.refetchIfOld("a", certificate)
			if got, err := c.get(t.Context(), "a"); got != certificate || err != nil {
				t.Errorf("a forgery has taken the certificate away: %v", err)
			}
		}
		time.Sleep(certificateMaxAge)
		if _, err := c.get(t.Context(), "a"); err == nil {
			t.Error("used for longer than a day")
		}
	})
}

func TestACertificateIsFetchedAgainAtItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched := 0
		c := fetcher(func(context.Context, string) (*x509.Certificate, error) {
			fetched++
			return &x509.Certificate{NotAfter: time.Now().Add(time.Hour)}, nil
		})
		_, _ = c.get(t.Context(), "a")
		time.Sleep(time.Hour)
		_, _ = c.get(t.Context(), "a")
		if fetched != 2 {
			t.Errorf("fetched %d times", fetched)
		}
	})
}

func TestACertificateHostThatHangsHoldsNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fetcher(func(ctx context.Context, _ string) (*x509.Certificate, error) {
			<-ctx.Done()
			return nil, &trouble{"certificate", "hangs"}
		})
		began := time.Now()
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var later *trouble
		if _, err := c.get(hasty, "a"); !errors.As(err, &later) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, err := c.get(t.Context(), "a"); !errors.As(err, &later) || time.Since(began) != fetchTimeout {
			t.Errorf("%v after %v: one who gives up must not end the fetch", err, time.Since(began))
		}
	})
}

func TestFailuresAreForgottenSoonAndCertificatesAfterADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched, err := 0, error(&trouble{"certificate", "away"})
		c := fetcher(func(context.Context, string) (*x509.Certificate, error) { fetched++; return lasting(), err })
		at := func(want int) {
			t.Helper()
			_, _ = c.get(t.Context(), "a")
			if fetched != want {
				t.Errorf("fetched %d times, want %d", fetched, want)
			}
		}
		at(1)
		at(1)
		time.Sleep(failureMaxAge)
		err = nil
		at(2)
		time.Sleep(certificateMaxAge - time.Second)
		at(2)
		time.Sleep(time.Second)
		at(3)
	})
}
