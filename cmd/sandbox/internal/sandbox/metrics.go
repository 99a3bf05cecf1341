package sandbox

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// figures are the values that the status line needs of /metrics.
type figures struct {
	available bool
	// waiting counts the events that wait before a call, by what they wait for:
	// quota, backoff, outage, kafka.
	waiting map[string]int
	// perMinute is the current limit of requests a minute; +Inf: no limit.
	perMinute float64
}

func (f figures) waitingInAll() int {
	all := 0
	for _, n := range f.waiting {
		all += n
	}
	return all
}

// metricsReader reads /metrics over HTTP, as Prometheus does.
type metricsReader struct {
	address string
	http    http.Client
}

func newMetricsReader(address string) *metricsReader {
	return &metricsReader{address: address, http: http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
}

func (m *metricsReader) read(ctx context.Context) (figures, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.address+"/metrics", nil)
	if err != nil {
		return figures{}, fmt.Errorf("read the service's metrics: %w", err)
	}
	response, err := m.http.Do(request)
	if err != nil {
		return figures{}, fmt.Errorf("read the service's metrics: %w", err)
	}
	defer response.Body.Close()
	return parseFigures(response.Body)
}

// parseFigures reads Prometheus' text format: on each line a name with labels, a
// space and a value.
func parseFigures(r io.Reader) (figures, error) {
	f := figures{waiting: map[string]int{}, perMinute: math.NaN()}
	known := false
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), " ")
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			continue // a comment
		}
		switch name {
		case "remux_retrier_mpc_available":
			f.available, known = value == 1, true
		case "remux_retrier_quota_per_minute":
			f.perMinute = value
		default:
			if label, ok := strings.CutPrefix(name, `remux_retrier_waiting{for="`); ok {
				f.waiting[strings.TrimSuffix(label, `"}`)] = int(value)
			}
		}
	}
	if !known || math.IsNaN(f.perMinute) {
		return figures{}, fmt.Errorf("the service has no metrics yet")
	}
	return f, nil
}

// freeAddress returns an address with a free port. If another program takes the port before
// the service or receive listens on it, that one reports it.
func freeAddress(host string) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("find a free port on %s: %w", host, err)
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}
