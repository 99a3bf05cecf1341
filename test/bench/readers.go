package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// read makes a number of clients request stories without pause, each for another task,
// until stop is called.
func (c *child) read(clients int) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	transport := &http.Transport{MaxIdleConnsPerHost: clients}
	var running sync.WaitGroup
	for client := range clients {
		running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("%s/api/tasks/%d-%d", c.http, client, n), nil)
				if err != nil {
					return
				}
				res, err := transport.RoundTrip(r)
				if err != nil {
					continue // a connection was refused, or the run ends
				}
				_, _ = io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
	return func() {
		cancel()
		running.Wait()
		transport.CloseIdleConnections()
	}
}
