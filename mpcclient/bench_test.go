package mpcclient

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkRetry includes the server's allocations: it runs in the same process.
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

// BenchmarkRefusal measures a call in an outage: reading, judging and redacting the answer.
func BenchmarkRefusal(b *testing.B) {
	api := httptest.NewServer(answering(429, `{"error_code":"APIG.0308","error_msg":"The throttling threshold has been reached.","request_id":"0123456789abcdef0123456789abcdef"}`))
	defer api.Close()
	c := newClient(b, api.URL, func(cfg *Config) {
		cfg.Auth = AKSK("an-access-key-1234", "a-secret-key-of-forty-characters-12345678", "")
	})
	b.ReportAllocs()
	for b.Loop() {
		_ = c.Retry(b.Context(), "538526")
	}
}
