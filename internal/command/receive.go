package command

import (
	"context"
	"flag"
	"fmt"
	"strings"

	"remux-retrier/internal/config"
	"remux-retrier/internal/plain"
)

var receiveCommand = command{
	name: "receive", takes: none,
	summary: "run the HTTPS endpoint to which SMN sends MPC's notifications",
	more: `
Runs until SIGTERM or SIGINT. It checks each message of SMN (signature, certificate,
topic, age), publishes it to the failed topic and answers 200 when all in-sync
replicas have it; while Kafka is unreachable it answers 503, and SMN sends it again. It
confirms subscriptions of the listed topics by itself.

It reads the service's KAFKA_…, HTTP_…, LOG_… and SHUTDOWN_TIMEOUT, and needs no
MPC_… and no credentials of MPC. Beside them:

` + receiveVariables(),
	prepare: func(*flag.FlagSet) func(context.Context, Env, []string) int {
		return func(ctx context.Context, env Env, _ []string) int {
			cfg, err := config.LoadReceive()
			if err == nil {
				return env.Receive(ctx, cfg)
			}
			for _, warning := range cfg.Warnings {
				fmt.Fprintln(env.Stderr, "warning: "+warning)
			}
			fmt.Fprintln(env.Stderr, err)
			return exitUsage
		}
	},
}

func receiveVariables() string {
	var b strings.Builder
	for _, row := range config.ReceiveTable() {
		name := row.Name
		if row.Default != "" {
			name += " (" + row.Default + ")"
		}
		fmt.Fprintf(&b, "  %s\n%s\n", name, plain.Wrap(row.Description, "      ", plain.HelpWidth))
	}
	return b.String()
}
