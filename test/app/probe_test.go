package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// A node that is being shut down answers 503 on connections that stay open. Once MPC's name
// resolves to another node the outage must end, however long it has lasted: no probe may
// use an old connection.
func TestEachProbeOfAnOutageOpensAConnection(t *testing.T) {
	var mu sync.Mutex
	var from []string
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		from = append(from, r.RemoteAddr)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer api.Close()
	env, client := traced(t, "")
	env["OTEL_EXPORTER_OTLP_ENDPOINT"], env["MPC_ENDPOINT"] = "", api.URL
	output, stop := start(t, env)
	for i := range 10 {
		produce(t, client, &kgo.Record{Topic: "remux.failed", Value: fmt.Appendf(nil, `{"task_id":"%d"}`, i)})
	}
	await(t, output, "MPC does not serve")
	mu.Lock()
	before := len(from)
	mu.Unlock()
	deadline := time.Now().Add(30 * time.Second)
	for probes := 0; probes < 5; { // the first may have been sent before
		if time.Now().After(deadline) {
			t.Fatalf("%d probes\n%s", probes, output)
		}
		time.Sleep(50 * time.Millisecond) // the service runs in real time
		mu.Lock()
		probes = len(from) - before
		mu.Unlock()
	}
	stop()
	probes := from[len(from)-3:]
	if slices.Sort(probes); len(slices.Compact(probes)) != 3 {
		t.Errorf("the last probes came from %s", strings.Join(from, " "))
	}
}
