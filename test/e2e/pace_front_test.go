//go:build kafka

package e2e

import (
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
)

// gateway is a proxy before the API that answers a part of the requests with 503,
// like a gateway some of whose back ends are down.
type gateway struct {
	url    string
	rate   atomic.Int64 // 503s in 1,000 requests
	failed atomic.Int64
}

// newGateway answers the given part of the requests, from 0 to 1, with 503.
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
		// The client may have disconnected.
		_, _ = w.Write([]byte(`{"error_code":"APIGW.0613","error_msg":"The backend service is unavailable.","request_id":"r"}`))
	}))
	r.t.Cleanup(server.Close)
	g.url = server.URL
	return g
}
