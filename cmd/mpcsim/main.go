// Command mpcsim runs the simulators of MPC and SMN as a server, for docker-compose and for
// trying the service by hand. The service does not need it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"remux-retrier/internal/mpcsim"
)

const (
	exitOK = iota
	exitFailed
	exitUsage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal stops the server cleanly. It also removes the handler, so that a
	// second one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run serves until ctx ends and returns the exit code.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	opts, err := parse(args, getenv, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		fmt.Fprintf(stderr, "mpcsim: %v\nRun mpcsim -h for the options.\n", err)
		return exitUsage
	}
	if opts.healthcheck != "" {
		err = healthcheck(ctx, opts.healthcheck)
	} else {
		err = serve(ctx, opts, slog.New(slog.NewTextHandler(stdout, nil)))
	}
	if err != nil {
		fmt.Fprintf(stderr, "mpcsim: %v\n", err)
		return exitFailed
	}
	return exitOK
}

func serve(ctx context.Context, opts options, log *slog.Logger) error {
	cfg := opts.simulator
	cfg.OnRequest = func(seen mpcsim.Request) { logRequest(log, seen) }
	var notify *notifier
	if opts.notify.endpoint != "" {
		var err error
		if notify, err = newNotifier(opts.notify, log); err != nil {
			return err
		}
		defer notify.smn.Close()
		cfg.OnRequest = func(seen mpcsim.Request) {
			logRequest(log, seen)
			notify.observe(ctx, seen)
		}
	}
	server, err := mpcsim.Start(cfg)
	if err != nil {
		return err
	}
	log.Info("listening", "url", server.URL(), "project_id", cfg.ProjectID)
	if host, _, err := net.SplitHostPort(server.Addr()); err == nil && !net.ParseIP(host).IsLoopback() {
		log.Warn("the control API under /_sim/ needs no credentials: keep this port on a trusted network")
	}
	if notify != nil {
		notify.run(ctx, server.Simulator)
	}
	<-ctx.Done()
	grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	server.Shutdown(grace)
	count := server.Counters()
	log.Info("stopped", "retries", count.Retries, "accepted", count.Accepted, "queries", count.Queries, "logins", count.Logins)
	return nil
}

// logRequest writes one line. The handler quotes ids that are not plain text, so that
// no caller can forge a line.
func logRequest(log *slog.Logger, seen mpcsim.Request) {
	attributes := []any{"verdict", seen.Verdict}
	if len(seen.TaskIDs) > 0 {
		attributes = append(attributes, "task_id", strings.Join(seen.TaskIDs, ","))
	}
	if seen.Lost {
		attributes = append(attributes, "answer", "none")
	} else {
		attributes = append(attributes, "status", seen.Status)
	}
	if seen.Code != "" {
		attributes = append(attributes, "code", seen.Code)
	}
	log.Info(string(seen.Operation), attributes...)
}

// healthcheck fails unless the URL answers 200. It is for containers without a shell.
func healthcheck(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("health check: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("health check: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // only its status matters
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health check: %s answers %s", url, response.Status)
	}
	return nil
}
