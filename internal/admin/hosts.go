package admin

import (
	"net"
	"os"
	"slices"
	"strings"
)

// hosts are the names in a request's Host that mean this server. Somebody's web
// page can give its own name this server's address (DNS rebinding), through a
// port-forward even, and would then count as the same origin; the name still
// stands in Host. An address stands for itself: nobody can give it to another.
type hosts struct {
	names []string // in lower case; *.example.com for all below a domain, * for any
	// loopback: the server listens there alone, and other addresses than those of
	// the loopback interface mean another server.
	loopback bool
}

// ownHosts are this machine's names, those that addr listens on, and more.
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
	if file, err := os.ReadFile("/etc/hosts"); err == nil { // where Kubernetes writes a pod's full name
		h.names = append(h.names, namesOf(string(file), own)...)
	}
	for i, name := range h.names {
		h.names[i] = strings.ToLower(strings.TrimSuffix(name, "."))
	}
	return h
}

// namesOf are the names that a hosts file gives to these addresses.
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

// mean tells whether a request with this Host is for this server. HTTP/1.0, which
// some health checks speak, has none; browsers always send one.
func (h hosts) mean(host string) bool {
	if host == "" {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	address, _, _ := strings.Cut(host, "%") // a zone is not the address's
	if ip := net.ParseIP(address); ip != nil {
		return ip.IsLoopback() || !h.loopback || slices.Contains(h.names, host)
	}
	return slices.ContainsFunc(h.names, func(name string) bool {
		domain, below := strings.CutPrefix(name, "*")
		return name == host || below && strings.HasSuffix(host, domain)
	})
}
