package admin

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoAsksWithoutPauseIsSlowedDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var served atomic.Int64
		s := &Server{config: Config{Page: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) })}}
		s.hosts = hosts{names: []string{"localhost"}}
		const clients, seconds = 400, 10
		var slowProbes, requests atomic.Int64
		var running sync.WaitGroup
		s.config.Loops = NewLoops(newManual())
		end := time.Now().Add(seconds * time.Second)
		for range clients {
			running.Go(func() {
				for time.Now().Before(end) {
					ask(s, "GET", "/api/tasks/1")
					requests.Add(1)
					time.Sleep(time.Microsecond)
				}
			})
		}
		running.Go(func() {
			for time.Now().Before(end) {
				if began := time.Now(); ask(s, "GET", "/healthz").Code != 200 || time.Since(began) > 0 {
					slowProbes.Add(1)
				}
				time.Sleep(time.Second)
			}
		})
		running.Wait()
		if most := int64(seconds+3) * int64(time.Second/requestEvery); served.Load() > most || served.Load() < most/2 {
			t.Errorf("%d requests were served in %d s, want about 100 a second", served.Load(), seconds)
		}
		if most := int64(clients * (seconds + 2)); requests.Load() > most {
			t.Errorf("%d requests of %d clients were answered: they wait for nothing", requests.Load(), clients)
		}
		if slowProbes.Load() > 0 {
			t.Error("the probe of health was slowed down, too")
		}
	})
}

// Slow loris: clients that connect and send one byte, or nothing.
func TestAProbeGetsThroughHoweverManyConnectionsAreHeld(t *testing.T) {
	for name, first := range map[string]string{"silent": "", "half a request": "GET /healthz HTTP/1.1\r\nHo"} {
		addr, stop := start(t, Config{})
		var held []net.Conn
		for range maxConns + 100 {
			conn := dial(t, addr)
			if first != "" {
				if _, err := io.WriteString(conn, first); err != nil {
					t.Fatal(err)
				}
			}
			held = append(held, conn)
		}
		probe := dial(t, addr)
		began := time.Now()
		send(t, probe, healthz)
		answer, err := http.ReadResponse(bufio.NewReader(probe), nil)
		if err != nil || answer.StatusCode != 200 || time.Since(began) > time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(began))
		}
		gone := 0
		for _, conn := range held {
			_ = conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, err := conn.Read(make([]byte, 1)); err != nil && !strings.Contains(err.Error(), "timeout") {
				gone++
			}
			conn.Close()
		}
		if gone < 100 {
			t.Errorf("%s: %d connections were closed, %d are too many", name, gone, 100)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}

// Clients that send headers without end.
func TestManyClientsWithEndlessHeadersTakeLittleMemory(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	addr, stop := start(t, Config{})
	before := heap()
	line := "X-Header: " + strings.Repeat("x", 1000) + "\r\n"
	var sending sync.WaitGroup
	var held []net.Conn
	for i := range maxConns + 100 {
		conn := dial(t, addr)
		held = append(held, conn)
		sending.Go(func() {
			_ = conn.SetWriteDeadline(time.Now().Add(2 * time.Second))
			_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n")
			for n := 0; n < 900 && (i%2 == 0 || n < 14); n++ { // half of them stay below the limit, and wait
				if _, err := io.WriteString(conn, line); err != nil {
					return
				}
			}
		})
	}
	sending.Wait()
	if used := int64(heap()) - int64(before); used > 40<<20 {
		t.Errorf("%d MiB for %d clients", used>>20, len(held))
	}
	probe := dial(t, addr)
	send(t, probe, healthz)
	if status, _ := receive(t, probe); status != 200 {
		t.Errorf("the probe gets %d", status)
	}
	for _, conn := range held {
		conn.Close()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
