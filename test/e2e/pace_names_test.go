//go:build kafka

package e2e

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
)

// apiName is a host name for the API that only the test's name server knows.
const apiName = "mpc.e2e.test"

var discardLog = log.New(io.Discard, "", 0)

// dnsServer is a name server that resolves every name to 127.0.0.1, or no name
// while it is away.
type dnsServer struct {
	away atomic.Bool
}

// serveDNS makes the rig's services use the test's own name server, on a loopback
// address that nothing else uses. They run in a mount namespace with another
// /etc/resolv.conf. That and port 53 need root: without, the test is skipped.
func serveDNS(r *rig) *dnsServer {
	r.t.Helper()
	pid := os.Getpid() // the tests may run twice at the same time
	address := fmt.Sprintf("127.53.%d.%d", pid>>8&0xff, pid&0xff)
	socket, err := net.ListenPacket("udp", address+":53")
	if err != nil {
		r.t.Skipf("the test's name server needs port 53: %v", err)
	}
	n := &dnsServer{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.serve(socket)
	}()
	r.t.Cleanup(func() { _ = socket.Close(); <-done })

	dir := r.t.TempDir()
	resolver, program := filepath.Join(dir, "resolv.conf"), filepath.Join(dir, "service")
	must(r.t, os.WriteFile(resolver, []byte("nameserver "+address+"\n"), 0o644))
	script := fmt.Sprintf("#!/bin/sh\nexec unshare --mount sh -c 'mount --bind %q /etc/resolv.conf && exec %q'\n", resolver, r.program)
	must(r.t, os.WriteFile(program, []byte(script), 0o755))
	if text, err := exec.Command("unshare", "--mount", "true").CombinedOutput(); err != nil {
		r.t.Skipf("the service's own resolv.conf needs a mount namespace: %v: %s", err, text)
	}
	r.program = program
	return n
}

// serve answers queries until the socket is closed.
func (n *dnsServer) serve(socket net.PacketConn) {
	buffer := make([]byte, 1500)
	for {
		size, from, err := socket.ReadFrom(buffer)
		if err != nil {
			return
		}
		if reply := n.answer(buffer[:size]); reply != nil {
			_, _ = socket.WriteTo(reply, from) // after a lost datagram the client asks again
		}
	}
}

// answer returns a reply by RFC 1035: a copy of header and question, and 127.0.0.1
// for a question about an IPv4 address. While the server is away it is NXDOMAIN.
func (n *dnsServer) answer(query []byte) []byte {
	const header, typeA = 12, 1
	end := header
	for end < len(query) && query[end] != 0 {
		end += 1 + int(query[end])
	}
	end += 5 // the root label, type and class
	if end > len(query) {
		return nil
	}
	kind := query[end-3]
	reply := append([]byte{}, query[:end]...)
	copy(reply[2:header], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}) // a response, recursive
	switch {
	case n.away.Load():
		reply[3] |= 3 // NXDOMAIN
	case kind == typeA:
		reply[7] = 1
		reply = append(reply, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1)
	}
	return reply
}
