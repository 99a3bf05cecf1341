//go:build kafka

package e2e

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
)

// gateway stands before the API and answers a part of the requests itself, as
// one does whose back ends are half gone.
type gateway struct {
	url    string
	rate   atomic.Int64 // of 1,000 requests
	failed atomic.Int64
}

func newGateway(r *rig, part float64) *gateway {
	g := &gateway{}
	g.rate.Store(int64(part * 1000))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if rand.Int64N(1000) >= g.rate.Load() {
			r.mpc.ServeHTTP(w, q)
			return
		}
		g.failed.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusServiceUnavailable)
		// A client that has gone misses nothing.
		_, _ = w.Write([]byte(`{"error_code":"APIGW.0613","error_msg":"The backend service is unavailable.","request_id":"r"}`))
	}))
	r.t.Cleanup(server.Close)
	g.url = server.URL
	return g
}
