package receive

import (
	"context"
	"crypto/x509"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

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
		_, _ = c.get(t.Context(), "good")
		for i := range 1000 {
			_, _ = c.get(t.Context(), fmt.Sprint(i))
		}
		if len(c.known) > maxKnown {
			t.Errorf("%d are kept", len(c.known))
		}
		for i := range 100 {
			go func() { _, _ = c.get(t.Context(), fmt.Sprint("h", i)) }()
		}
		synctest.Wait()
		if c.fetching != maxFetches {
			t.Errorf("%d are fetched at once", c.fetching)
		}
		if _, err := c.get(t.Context(), "good"); err != nil || good != 1 {
			t.Errorf("%v, fetched %d times", err, good)
		}
		time.Sleep(renewAfter)
		certificate, _ := c.get(t.Context(), "good")
		c.refetchIfOld("good", certificate) // by a forgery
		if _, err := c.get(t.Context(), "good"); err != nil || good != 1 {
			t.Errorf("%v, fetched %d times", err, good)
		}
		close(hang)
	})
}

// Forged messages may name many URLs that do have a certificate.
func TestURLsWithRealCertificatesPushOutNoneThatHasVerifiedAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched := map[string]int{}
		c := fetcher(func(_ context.Context, url string) (*x509.Certificate, error) { fetched[url]++; return lasting(), nil })
		for _, url := range []string{"SMN's", "SMN's other"} {
			_, _ = c.get(t.Context(), url)
			c.hasVerified(url)
			time.Sleep(time.Second)
		}
		for i := range 10 * maxKnown {
			_, _ = c.get(t.Context(), fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		if len(c.known) > maxKnown {
			t.Errorf("%d are kept", len(c.known))
		}
		for _, url := range []string{"SMN's", "SMN's other"} {
			if _, _ = c.get(t.Context(), url); fetched[url] != 1 {
				t.Errorf("%s: fetched %d times", url, fetched[url])
			}
		}
		// There must be room for a new one of SMN's, whatever has verified a message.
		for i := range maxKnown {
			url := fmt.Sprint("SMN's, number ", i)
			_, _ = c.get(t.Context(), url)
			c.hasVerified(url)
			time.Sleep(time.Second)
		}
		if c.known["SMN's"] != nil || c.known["SMN's, number 0"] == nil || len(c.known) > maxKnown {
			t.Errorf("%d are kept, and not the latest", len(c.known))
		}
	})
}

// Each day the certificate is fetched again.
func TestFetchesForForgedURLsHoldUpNoneForAURLThatHasVerifiedAMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		c := fetcher(func(_ context.Context, url string) (*x509.Certificate, error) {
			if url[0] == 'h' {
				<-hang
			}
			return lasting(), nil
		})
		_, _ = c.get(t.Context(), "SMN's")
		c.hasVerified("SMN's")
		time.Sleep(certificateMaxAge)
		for i := range 100 {
			go func() { _, _ = c.get(t.Context(), fmt.Sprint("h", i)) }()
		}
		synctest.Wait()
		if _, err := c.get(t.Context(), "SMN's"); err != nil {
			t.Error(err)
		}
		close(hang)
		synctest.Wait()
	})
}
