package main

import (
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// api replaces MPC: it answers every retry with 200 after the latency. It runs in this
// process and is the same for all contestants.
type api struct {
	url    string
	served atomic.Int64
	server *http.Server
}

func newAPI(latency time.Duration) (*api, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &api{url: "http://" + listener.Addr().String()}
	a.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(latency)
		a.served.Add(1)
		w.WriteHeader(http.StatusOK)
	})}
	go func() { _ = a.server.Serve(listener) }()
	return a, nil
}

func (a *api) Close() { _ = a.server.Close() }
