package mpcsim

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// BenchmarkRetry is the simulator's share of a call: it must stay far below
// what the service spends on one.
func BenchmarkRetry(b *testing.B) {
	for name, sign := range map[string]bool{"token": false, "signature": true} {
		b.Run(name, func(b *testing.B) {
			s, err := New(Config{ProjectID: "p", Tokens: []Secret{token}, AccessKey: accessKey, SecretKey: secretKey})
			if err != nil {
				b.Fatal(err)
			}
			var next atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					body := `{"task_id":"` + strconv.FormatInt(next.Add(1), 10) + `"}`
					r := httptest.NewRequest(http.MethodPut, "/v1/p/remux", strings.NewReader(body))
					r.Header.Set("X-Auth-Token", token)
					if sign {
						r.Header.Del("X-Auth-Token")
						r.Header.Set("X-Project-Id", "p")
						stamp := s.cfg.Now().UTC().Format(dateLayout)
						r.Header.Set("X-Sdk-Date", stamp)
						signed := []string{"x-project-id", "x-sdk-date"}
						canonical, _ := canonicalRequest(r, signed, []byte(body))
						r.Header.Set("Authorization", algorithm+" Access="+accessKey+", SignedHeaders="+strings.Join(signed, ";")+", Signature="+signWith(canonical, stamp))
					}
					w := httptest.NewRecorder()
					if s.ServeHTTP(w, r); w.Code != http.StatusOK {
						b.Errorf("answered %d", w.Code)
					}
				}
			})
		})
	}
}

func signWith(canonical, stamp string) string { return sign(secretKey, stamp, canonical) }
