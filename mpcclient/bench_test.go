package mpcclient

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkRetry counts the server's allocations too, since it runs in the same process.
func BenchmarkRetry(b *testing.B) {
	for name, auth := range map[string]Auth{"token": Token("a-token"), "AKSK": AKSK("ak", "sk", "")} {
		b.Run(name, func(b *testing.B) {
			api := httptest.NewServer(answering(200, ""))
			defer api.Close()
			c := newClient(b, api.URL, func(cfg *Config) { cfg.Auth = auth })
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Retry(b.Context(), "538526"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
