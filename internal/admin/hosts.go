package admin

import (
	"net"
	"os"
	"slices"
	"strings"
)

// hosts are the names in a request's Host that mean this server. A foreign web page can let
// its own name resolve to this server's address (DNS rebinding), even through a
// port-forward, and would then count as the same origin; but Host still has that name. An
// IP address in Host is safe: no one can redirect it.
type hosts struct {
	names []string // in lower case; *.example.com for all below a domain, * for any
	// loopback: the server listens only on the loopback interface, so other addresses mean
	// another server.
	loopback bool
}

// ownHosts returns this machine's names, the name in addr, and the names in more.
func ownHosts(addr string, listens net.Addr, more []string) hosts {
	h := hosts{names: append([]string{"localhost"}, more...)}
	if tcp, ok := listens.(*net.TCPAddr); ok {
		h.loopback = tcp.IP.IsLoopback()
	}
	if name, _, err := net.SplitHostPort(addr); err == nil {
		h.names = append(h.names, name)
	}
	if name, err := os.Hostname(); err == nil {
		h.names = append(h.names, name)
	}
	own, _ := net.InterfaceAddrs()
	if file, err := os.ReadFile("/etc/hosts"); err == nil { // Kubernetes writes a pod's full name there
		h.names = append(h.names, namesOf(string(file), own)...)
	}
	for i, name := range h.names {
		h.names[i] = strings.ToLower(strings.TrimSuffix(name, "."))
	}
	return h
}

// namesOf returns the names that a hosts file has for these addresses.
func namesOf(file string, own []net.Addr) (names []string) {
	for line := range strings.Lines(file) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		ip := net.ParseIP(fields[0])
		if slices.ContainsFunc(own, func(a net.Addr) bool {
			network, ok := a.(*net.IPNet)
			return ok && network.IP.Equal(ip)
		}) {
			names = append(names, fields[1:]...)
		}
	}
	return names
}

// match reports whether a request with this Host is for this server. HTTP/1.0, which some
// health checks use, has no Host; browsers always send one.
func (h hosts) match(host string) bool {
	if host == "" {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	address, _, _ := strings.Cut(host, "%") // without an IPv6 zone
	if ip := net.ParseIP(address); ip != nil {
		return ip.IsLoopback() || !h.loopback || slices.Contains(h.names, host)
	}
	return slices.ContainsFunc(h.names, func(name string) bool {
		domain, below := strings.CutPrefix(name, "*")
		return name == host || below && strings.HasSuffix(host, domain)
	})
}
