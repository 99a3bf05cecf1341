package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"time"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/smnsim"
)

const usage = `mpcsim simulates retrying, querying and listing remux tasks of Huawei Cloud MPC, for
demonstrations.

A task id that is requested for the first time becomes a FAILED task. Its retry is
accepted, and the task succeeds after a while. Faults are switched on and off at run time:

  curl -X PUT http://127.0.0.1:9090/_sim/faults -d '{"outage":"down"}'
  curl -X PUT http://127.0.0.1:9090/_sim/faults -d '{"error_rate":0.2,"latency":"100ms"}'
  curl -X PUT http://127.0.0.1:9090/_sim/faults -d '{}'
  curl -X PUT http://127.0.0.1:9090/_sim/tasks/42 -d '{"script":[{"status":403,"code":"MPC.10212","times":-1}]}'
  curl http://127.0.0.1:9090/_sim/counters

Outages: down, broken, unauthorized, denied, firewall, resetting, hanging. The
control API needs no credentials.

With -notify it also simulates SMN. A new task fails every now and then (-fail-every).
Its failure, and the end of each task whose retry was accepted, is reported to that URL.
A separate HTTPS server serves the signing certificate.

Options. Those with a variable in brackets are also read from it, which is better for
secrets: other users can see the command line.
`

type options struct {
	simulator   mpcsim.Config
	notify      notifyOptions
	healthcheck string
}

// parse reads the options: args override getenv, which overrides the defaults. Help is
// written to help.
func parse(args []string, getenv func(string) string, help io.Writer) (options, error) {
	flags := flag.NewFlagSet("mpcsim", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var (
		address     = flags.String("address", "127.0.0.1:9090", "host:port to listen on [MPCSIM_ADDRESS]")
		project     = flags.String("project-id", "demo", "project id in the path [MPCSIM_PROJECT_ID]")
		token       = flags.String("token", "demo-token", "user token that is accepted [MPCSIM_TOKEN]")
		accessKey   = flags.String("access-key", "", "access key that may sign requests [MPCSIM_ACCESS_KEY]")
		secretKey   = flags.String("secret-key", "", "its secret key [MPCSIM_SECRET_KEY]")
		latency     = flags.Duration("latency", 0, "delay of every answer [MPCSIM_LATENCY]")
		processing  = flags.Duration("processing", 5*time.Second, "how long an accepted task is PROCESSING [MPCSIM_PROCESSING]")
		failures    = flags.Float64("failure-rate", 0, "probability (0 to 1) of a 500 answer [MPCSIM_FAILURE_RATE]")
		quota       = flags.Int("quota", 0, "requests in any minute, 0 for no limit [MPCSIM_QUOTA]")
		notify      = flags.String("notify", "", "URL of remux-retrier receive, which gets MPC's notifications; none without it [MPCSIM_NOTIFY]")
		failEvery   = flags.Duration("fail-every", 5*time.Second, "with -notify: how often a new task fails [MPCSIM_FAIL_EVERY]")
		smnAddress  = flags.String("smn-address", "127.0.0.1:9443", "with -notify: host:port of SMN's HTTPS server, as receive reaches it (RECEIVE_CERT_HOSTS) [MPCSIM_SMN_ADDRESS]")
		smnTopic    = flags.String("smn-topic", "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:mpc", "with -notify: URN of SMN's topic (RECEIVE_TOPIC_URNS) [MPCSIM_SMN_TOPIC]")
		smnCAFile   = flags.String("smn-ca-file", "", "with -notify: file to which the authority of SMN's server is written (RECEIVE_CA_FILE) [MPCSIM_SMN_CA_FILE]")
		healthcheck = flags.String("healthcheck", "", "request this URL (/_sim/healthz), exit 0 if it answers 200, and do nothing else")
	)
	for _, variable := range []struct{ env, flag string }{
		{"MPCSIM_ADDRESS", "address"}, {"MPCSIM_PROJECT_ID", "project-id"}, {"MPCSIM_TOKEN", "token"},
		{"MPCSIM_ACCESS_KEY", "access-key"}, {"MPCSIM_SECRET_KEY", "secret-key"}, {"MPCSIM_LATENCY", "latency"},
		{"MPCSIM_PROCESSING", "processing"}, {"MPCSIM_FAILURE_RATE", "failure-rate"}, {"MPCSIM_QUOTA", "quota"},
		{"MPCSIM_NOTIFY", "notify"}, {"MPCSIM_FAIL_EVERY", "fail-every"}, {"MPCSIM_SMN_ADDRESS", "smn-address"},
		{"MPCSIM_SMN_TOPIC", "smn-topic"}, {"MPCSIM_SMN_CA_FILE", "smn-ca-file"},
	} {
		if value := getenv(variable.env); value != "" {
			if err := flags.Set(variable.flag, value); err != nil {
				return options{}, fmt.Errorf("%s is %s: %w", variable.env, strconv.Quote(value), err)
			}
		}
	}
	flags.Usage = func() {} // would also be printed for mistakes, and hide their one line
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(help, usage)
			flags.SetOutput(help)
			flags.PrintDefaults()
		}
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	opts := options{healthcheck: *healthcheck, simulator: mpcsim.Config{
		Address:       *address,
		ProjectID:     *project,
		AccessKey:     mpcsim.Secret(*accessKey),
		SecretKey:     mpcsim.Secret(*secretKey),
		ProcessingFor: *processing,
		Faults:        mpcsim.Faults{Latency: *latency, ErrorRate: *failures, PerMinute: *quota},
	}}
	opts.notify = notifyOptions{endpoint: *notify, failEvery: *failEvery, caFile: *smnCAFile, smn: smnsim.Config{Address: *smnAddress, Topic: *smnTopic}}
	if *token != "" {
		opts.simulator.Tokens = []mpcsim.Secret{mpcsim.Secret(*token)}
	}
	if opts.healthcheck != "" {
		return opts, nil
	}
	return opts, errors.Join(opts.simulator.Validate(), opts.notify.validate())
}
