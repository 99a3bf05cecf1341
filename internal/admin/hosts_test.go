package admin

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// A foreign web page may let its own name resolve to our address, and would count as the
// same origin. It could then read every path.
func TestAHostThatIsNotOursIsRefusedOnEveryPath(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	loopback := handler(t, Config{Page: echo})
	everywhere := handler(t, Config{Page: echo})
	everywhere.hosts = ownHosts("retrier.internal:8080", &net.TCPAddr{IP: net.IPv4zero, Port: 8080}, []string{"proxy.example.com", "*.ops.example.com"})
	for host, want := range map[string]struct{ loopback, everywhere bool }{
		"localhost": {true, true}, "LOCALHOST:8080": {true, true}, "localhost.:8080": {true, true}, "127.0.0.1": {true, true},
		"127.0.0.1:8080": {true, true}, "127.9.9.9:1": {true, true}, "[::1]:8080": {true, true}, "[::1]": {true, true}, "": {true, true},
		name + ":8080": {true, true},
		// Prometheus and the kubelet use the pod's address, others a node's.
		"10.0.0.1": {false, true}, "10.0.0.1:8080": {false, true}, "[fd00::1]:8080": {false, true}, "[fe80::1%eth0]:8080": {false, true},
		"retrier.internal:8080": {false, true}, "proxy.example.com": {false, true}, "Proxy.Example.com:443": {false, true},
		"a.ops.example.com": {false, true}, "a.b.ops.example.com": {false, true},
		"evil.example": {}, "evil.example:8080": {}, "localhost.evil.example": {}, "127.0.0.1.evil.example": {}, name + ".evil.example": {},
		"example.com": {}, "evilops.example.com": {}, "ops.example.com": {}, "xproxy.example.com": {}, "::1.evil.example": {}, "%00": {},
	} {
		for _, path := range []string{"/", "/api/status", "/healthz", "/readyz", "/metrics"} {
			for server, want := range map[*Server]bool{loopback: want.loopback, everywhere: want.everywhere} {
				r := httptest.NewRequest("GET", path, nil)
				r.Host = host
				w := httptest.NewRecorder()
				server.ServeHTTP(w, r)
				if (w.Code != http.StatusMisdirectedRequest) != want {
					t.Errorf("%q %s, on loopback alone %v: %d", host, path, server == loopback, w.Code)
				}
			}
		}
	}
}

func TestAPodsFullNameIsInItsHostsFile(t *testing.T) {
	own := []net.Addr{&net.IPNet{IP: net.IPv4(10, 0, 0, 7)}}
	const file = "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n10.0.0.7\tr-0.r.media.svc.cluster.local\tr-0 # us\n10.0.0.8 other\n10.0.0.7\n"
	got := namesOf(file, own)
	if len(got) != 2 || got[0] != "r-0.r.media.svc.cluster.local" || got[1] != "r-0" {
		t.Errorf("%q", got)
	}
}

func TestAnyHostIsAllowedWhereThatIsAskedFor(t *testing.T) {
	if h := ownHosts(":0", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, []string{"*"}); !h.match("whatever.example") {
		t.Error("refused")
	}
}
