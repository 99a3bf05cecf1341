package testkafka

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
)

// Connections counts a process's established connections to each of these addresses, by
// Linux's /proc.
func Connections(pid int, addrs []string) (map[string]int, error) {
	own, err := sockets(pid)
	if err != nil {
		return nil, err
	}
	ports := map[string]string{} // addresses by port, as /proc writes it
	for _, addr := range addrs {
		_, text, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		port, err := strconv.Atoi(text)
		if err != nil {
			return nil, err
		}
		ports[fmt.Sprintf("%04X", port)] = addr
	}
	n := map[string]int{}
	for _, protocol := range []string{"tcp", "tcp6"} {
		err := count(n, fmt.Sprintf("/proc/%d/net/%s", pid, protocol), own, ports)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // without IPv6 there is no tcp6
			return nil, err
		}
	}
	return n, nil
}

// sockets returns the inodes of a process's sockets.
func sockets(pid int) (map[string]bool, error) {
	dir := fmt.Sprintf("/proc/%d/fd/", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for _, e := range entries {
		// One that has been closed since can no longer be read.
		if to, err := os.Readlink(dir + e.Name()); err == nil && strings.HasPrefix(to, "socket:[") {
			own[strings.Trim(to, "socket:[]")] = true
		}
	}
	return own, nil
}

// count adds to n what a table of sockets (proc_net_tcp(5)) has of the process's own
// connections to these ports.
func count(n map[string]int, table string, own map[string]bool, ports map[string]string) error {
	f, err := os.Open(table)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		const remote, state, inode, established = 2, 3, 9, "01"
		fields := strings.Fields(lines.Text())
		if len(fields) <= inode || fields[state] != established || !own[fields[inode]] {
			continue
		}
		_, port, _ := strings.Cut(fields[remote], ":")
		if addr, ok := ports[port]; ok {
			n[addr]++
		}
	}
	return lines.Err()
}
