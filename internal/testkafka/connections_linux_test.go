package testkafka

import (
	"maps"
	"net"
	"os"
	"testing"
)

func TestConnectionsToTheseAddressesAreCounted(t *testing.T) {
	var addrs []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	for _, addr := range []string{addrs[0], addrs[0], addrs[1]} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	got, err := Connections(os.Getpid(), []string{addrs[0], addrs[2]})
	if want := map[string]int{addrs[0]: 2}; err != nil || !maps.Equal(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
