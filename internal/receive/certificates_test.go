package receive

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
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
	if n := b.smn.Asked(); n != 1 || len(b.kafka.published()) != 31 {
		t.Errorf("fetched %d times, %d records", n, len(b.kafka.published()))
	}
}

func TestACertificateHostThatFailsLosesNothing(t *testing.T) {
	var status atomic.Int32
	b := start(t, smnsim.Config{Serve: func(w http.ResponseWriter, r *http.Request, own http.Handler) {
		if s := int(status.Load()); s != 0 {
			w.Header().Set("Location", "https://example.com/")
			w.WriteHeader(s)
			return
		}
		own.ServeHTTP(w, r)
	}}, nil)
	for answer, want := range map[int]int{500: 503, 503: 503, 429: 503, 301: 403, 404: 403} {
		status.Store(int32(answer))
		m := b.message(smnsim.Notification, "{}", smnsim.Message{"signing_cert_url": fmt.Sprintf("%s?%d", b.smn.CertURL(), answer)})
		b.sends(want, fmt.Sprint(answer), m.Body())
	}
	status.Store(0)
	b.sends(200, "it answers again", b.failure("1").Body())
	if b.counted(unavailable, "certificate") != 3 || b.counted(refused, "certificate") != 2 {
		t.Error(b.lastLine())
	}
}

func TestACertificateHostThatNobodyVouchesForIsNotBelieved(t *testing.T) {
	b := start(t, smnsim.Config{}, func(c *Config) { c.Roots = func() *x509.CertPool { return x509.NewCertPool() } })
	b.sends(503, "an unknown authority", b.failure("1").Body())
	if b.said("unknown authority") != 1 {
		t.Error(b.lastLine())
	}
}

// fetcher is certificates with a source of the test's.
func fetcher(fetch func(ctx context.Context, url string) (*x509.Certificate, error)) *certificates {
	return &certificates{fetch: fetch, clock: clock.System, known: map[string]*known{}}
}

func lasting() *x509.Certificate {
	return &x509.Certificate{NotAfter: time.Now().Add(365 * 24 * time.Hour)}
}

// SMN may put a new certificate where the old one stood. A message that is refused
// because of the old one is lost.
func TestAReplacedCertificateIsNoticedAndForgeriesTakeNoneAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		certificate, fetched, err := lasting(), 0, error(nil)
		c := fetcher(func(context.Context, string) (*x509.Certificate, error) { fetched++; return certificate, err })
		old := certificate
		_, _ = c.at(t.Context(), "a")
		for range 100 { // forgeries
			if c.outdated("a", old) {
				t.Fatal("it has just been fetched")
			}
		}
		time.Sleep(renewAfter)
		certificate = lasting()
		if !c.outdated("a", old) {
			t.Error("not asked for again")
		}
		if got, _ := c.at(t.Context(), "a"); got != certificate || fetched != 2 {
			t.Errorf("fetched %d times, the new one: %t", fetched, got == certificate)
		}
		if !c.outdated("a", old) || fetched != 2 {
			t.Error("a message that was checked by the old one is refused")
		}
		err = &trouble{"certificate", "away"}
		for range 5 {
			time.Sleep(renewAfter)
			c.outdated("a", certificate)
			if got, err := c.at(t.Context(), "a"); got != certificate || err != nil {
				t.Errorf("a forgery has taken the certificate away: %v", err)
			}
		}
		time.Sleep(goodFor)
		if _, err := c.at(t.Context(), "a"); err == nil {
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
		_, _ = c.at(t.Context(), "a")
		time.Sleep(time.Hour)
		_, _ = c.at(t.Context(), "a")
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
		if _, err := c.at(hasty, "a"); !errors.As(err, &later) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if _, err := c.at(t.Context(), "a"); !errors.As(err, &later) || time.Since(began) != fetchWithin {
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
			_, _ = c.at(t.Context(), "a")
			if fetched != want {
				t.Errorf("fetched %d times, want %d", fetched, want)
			}
		}
		at(1)
		at(1)
		time.Sleep(badFor)
		err = nil
		at(2)
		time.Sleep(goodFor - time.Second)
		at(2)
		time.Sleep(time.Second)
		at(3)
	})
}

func TestURLsOfStrangersFillNoMemoryAndPushOutNoCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		good := 0
		c := fetcher(func(ctx context.Context, url string) (*x509.Certificate, error) {
			switch {
			case url == "good":
				good++
				return lasting(), nil
			case url[0] == 'h':
				<-hang
			}
			return nil, &refusal{"certificate", "none"}
		})
		_, _ = c.at(t.Context(), "good")
		for i := range 1000 {
			_, _ = c.at(t.Context(), fmt.Sprint(i))
		}
		if len(c.known) > maxKnown {
			t.Errorf("%d are kept", len(c.known))
		}
		for i := range 100 {
			go func() { _, _ = c.at(t.Context(), fmt.Sprint("h", i)) }()
		}
		synctest.Wait()
		if c.fetching != maxFetches {
			t.Errorf("%d are fetched at once", c.fetching)
		}
		if _, err := c.at(t.Context(), "good"); err != nil || good != 1 {
			t.Errorf("%v, fetched %d times", err, good)
		}
		time.Sleep(renewAfter)
		certificate, _ := c.at(t.Context(), "good")
		c.outdated("good", certificate) // by a forgery
		if _, err := c.at(t.Context(), "good"); err != nil || good != 1 {
			t.Errorf("%v, fetched %d times", err, good)
		}
		close(hang)
	})
}

func TestHostsAreComparedWhole(t *testing.T) {
	h := hosts{"smn.cn-north-4.myhuaweicloud.com:443", "*.example.com", "*.example.net:444", "127.0.0.1:8443", "localhost", "[::1]:443"}
	for url, ok := range map[string]bool{
		"https://smn.cn-north-4.myhuaweicloud.com/x.pem": true, "https://SMN.cn-north-4.myhuaweicloud.com:443/": true,
		"https://smn.cn-north-4.myhuaweicloud.com:8443/": false, "https://bucket.obs.cn-north-4.myhuaweicloud.com/": false,
		"https://a.example.com/": true, "https://example.com/": false, "https://.example.com/": false, "https://a.example.com.evil.org/": false,
		"https://a.example.net:444/": true, "https://a.example.net/": false, "https://example.net:444/": false, "https://.example.net:444/": false,
		"https://127.0.0.1:8443/": true, "https://127.0.0.1/": false, "https://localhost:1/": true, "https://[::1]/": true, "https://[::1]:8/": false,
		"https://localhost@evil.org/": false, "http://localhost/": false, "//localhost/": false, "https:///x": false, "https://%6cocalhost/": false, "https://localhost\\@evil.org/": false, "": false,
	} {
		if err := h.check(url); (err == nil) != ok {
			t.Errorf("%s: %v", url, err)
		}
	}
}
