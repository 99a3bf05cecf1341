package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

// output collects what the command writes while it runs.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan struct{}
}

func newOutput() *output { return &output{lines: make(chan struct{}, 1000)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines <- struct{}{}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestServesLogsOneLineARequestAndStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdout, stderr := newOutput(), newOutput()
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"-address", "127.0.0.1:0", "-processing", "0s"}, environment("MPCSIM_TOKEN", "token-canary"), stdout, stderr)
	}()
	<-stdout.lines
	url := regexp.MustCompile(`url=(\S+)`).FindStringSubmatch(stdout.String())[1]

	var out, errs bytes.Buffer
	if got := run(ctx, []string{"-healthcheck", url + "/_sim/healthz"}, environment(), &out, &errs); got != exitOK {
		t.Fatalf("health check: exit %d, %s", got, &errs)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url+"/v1/demo/remux", strings.NewReader(`{"task_id":"1\nforged=line"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Auth-Token", "token-canary")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
	cancel()
	if got := <-code; got != exitOK {
		t.Fatalf("exit %d, %s", got, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], `msg=retry verdict=accepted task_id="1\nforged=line" status=200`) || !strings.Contains(lines[2], "retries=1 accepted=1") {
		t.Fatalf("logged:\n%s", stdout)
	}
	if strings.Contains(stdout.String(), "canary") {
		t.Fatalf("the log shows the token:\n%s", stdout)
	}
}

func TestFlagsGoBeforeTheEnvironment(t *testing.T) {
	env := environment("MPCSIM_ADDRESS", "0.0.0.0:9090", "MPCSIM_PROJECT_ID", "p", "MPCSIM_ACCESS_KEY", "ak", "MPCSIM_SECRET_KEY", "sk",
		"MPCSIM_LATENCY", "10ms", "MPCSIM_PROCESSING", "1m", "MPCSIM_FAILURE_RATE", "0.5", "MPCSIM_QUOTA", "100")
	opts, err := parse([]string{"-latency", "20ms"}, env, nil)
	if err != nil {
		t.Fatal(err)
	}
	c := opts.simulator
	if c.Address != "0.0.0.0:9090" || c.ProjectID != "p" || c.AccessKey != "ak" || c.SecretKey != "sk" || string(c.Tokens[0]) != "demo-token" ||
		c.Faults.Latency != 20*time.Millisecond || c.ProcessingFor != time.Minute || c.Faults.ErrorRate != 0.5 || c.Faults.PerMinute != 100 {
		t.Fatalf("%+v", c)
	}
}

func TestUsageErrorsAreOneLineAndExitTwo(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		env  func(string) string
		want string
	}{
		"unknown flag":     {[]string{"-x"}, environment(), "-x"},
		"argument":         {[]string{"x"}, environment(), `unexpected argument "x"`},
		"bad variable":     {nil, environment("MPCSIM_LATENCY", "soon"), `MPCSIM_LATENCY is "soon"`},
		"bad probability":  {[]string{"-failure-rate", "2"}, environment(), "error_rate is 2"},
		"half a key pair":  {[]string{"-access-key", "x"}, environment(), "AccessKey and SecretKey"},
		"no caller":        {[]string{"-token", ""}, environment(), "no caller is allowed"},
		"negative latency": {[]string{"-latency", "-1s"}, environment(), "latency"},
		"no authority":     {[]string{"-notify", "http://127.0.0.1:1/"}, environment(), "-smn-ca-file"},
		"too many tasks":   {[]string{"-notify", "http://127.0.0.1:1/", "-smn-ca-file", "x", "-fail-every", "0s"}, environment(), "-fail-every is 0s"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), c.args, c.env, &stdout, &stderr); code != exitUsage || !strings.Contains(stderr.String(), c.want) || stdout.Len() > 0 {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", name, code, &stdout, &stderr)
		}
	}
}

func TestHelpNamesEveryVariable(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-h"}, environment("MPCSIM_SECRET_KEY", "canary"), &stdout, &stderr); code != exitOK || stderr.Len() > 0 {
		t.Fatalf("exit %d, stderr %q", code, &stderr)
	}
	for _, want := range []string{"MPCSIM_ADDRESS", "MPCSIM_PROJECT_ID", "MPCSIM_TOKEN", "MPCSIM_ACCESS_KEY", "MPCSIM_SECRET_KEY", "MPCSIM_LATENCY",
		"MPCSIM_PROCESSING", "MPCSIM_FAILURE_RATE", "MPCSIM_QUOTA", "MPCSIM_NOTIFY", "MPCSIM_FAIL_EVERY", "MPCSIM_SMN_ADDRESS", "MPCSIM_SMN_TOPIC",
		"MPCSIM_SMN_CA_FILE", "-healthcheck", "/_sim/faults"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("help lacks %s", want)
		}
	}
	if strings.Contains(stdout.String(), "canary") {
		t.Error("help shows a secret")
	}
}

func TestHealthcheckFailsForWhatIsNotWell(t *testing.T) {
	sick := httptest.NewServer(http.NotFoundHandler())
	for _, url := range []string{sick.URL, "http://127.0.0.1:1/", "::"} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), []string{"-healthcheck", url}, environment(), &stdout, &stderr); code != exitFailed || stderr.Len() == 0 {
			t.Errorf("%s: exit %d, stderr %q", url, code, &stderr)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	sick.Close()
}

func TestTakenAddressExitsOne(t *testing.T) {
	taken := httptest.NewServer(http.NotFoundHandler())
	defer taken.Close()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-address", taken.Listener.Addr().String()}, environment(), &stdout, &stderr); code != exitFailed {
		t.Fatalf("exit %d, %s", code, &stderr)
	}
}
