package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"remux-retrier/internal/check"
	"remux-retrier/internal/config"
)

var checkCommand = command{
	name: "check", takes: none,
	summary: "test brokers, topics, rights, authentication and one state query",
	more: `
A line for each: ok, warn or FAIL, and what to do about it. It writes nothing,
joins no group, and costs one or two requests of MPC's quota. Exit code 0 if
nothing failed, 1 if something did, 2 if the configuration is wrong.
`,
	prepare: func(*flag.FlagSet) func(context.Context, Env, []string) int {
		return func(ctx context.Context, env Env, _ []string) int { return runCheck(ctx, env) }
	},
}

func runCheck(ctx context.Context, env Env) int {
	cfg, err := config.Load()
	var wrong config.Errors
	switch {
	case errors.As(err, &wrong):
		for _, e := range wrong {
			fmt.Fprintf(env.Stdout, "FAIL  settings: %v\n", e)
		}
		for _, w := range cfg.Warnings {
			fmt.Fprintf(env.Stdout, "warn  settings: %s\n", w)
		}
		return exitUsage
	case err != nil:
		fmt.Fprintln(env.Stderr, err)
		return exitUsage
	}
	c, err := check.New(check.Config{Service: cfg, Kafka: env.Kafka, MPC: env.MPC, Now: time.Now, Out: env.Stdout})
	if err != nil {
		return fail(env, err)
	}
	failed := c.Run(ctx)
	switch {
	case ctx.Err() != nil:
		return fail(env, context.Cause(ctx))
	case failed > 0:
		fmt.Fprintf(env.Stderr, "checks that failed: %d\n", failed)
		return exitFailed
	}
	return exitDone
}
