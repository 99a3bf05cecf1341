package app_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/cmd/sandbox/broker"
)

// The containers of docker-compose.yml, as processes with the environments that it gives
// them: a failure goes through SMN, receive, Kafka, the service and MPC, and comes out as
// a recovery.
func TestDockerComposeShowsTheWholePath(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	compose, dir := string(text), t.TempDir()
	topics := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^ +create (\S+)`).FindAllStringSubmatch(compose, -1) {
		topics[m[1]] = 8
	}
	kafka, err := broker.Start(broker.Config{Topics: topics})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kafka.Close)
	mpc, receive := freeAddress(t), freeAddress(t)
	here := strings.NewReplacer("kafka:19092", kafka.Addrs()[0], "mpcsim:9090", mpc, "mpcsim:9443", freeAddress(t),
		"receive:8443", receive, "0.0.0.0:8443", receive, "/smn/", dir+"/", "5s", "200ms")
	environment := func(container string) (env []string) {
		for name, value := range environmentOf(t, compose, container) {
			env = append(env, name+"="+here.Replace(value))
		}
		return env
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "remux-retrier", "remux-retrier/cmd/mpcsim")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	simulator := startProcess(t, filepath.Join(dir, "mpcsim"), append(environment("mpcsim"), "MPCSIM_ADDRESS="+mpc))
	await(t, simulator, "listening")
	startProcess(t, filepath.Join(dir, "remux-retrier"), append(environment("receive"), "HTTP_ADDR="+freeAddress(t)), "receive")
	startProcess(t, filepath.Join(dir, "remux-retrier"), append(environment("retrier"), "HTTP_ADDR="+freeAddress(t)))

	task := firstRecovery(t, kafka.Addrs())
	for _, status := range []string{"FAILED", "SUCCEED"} {
		await(t, simulator, "msg=notified task_id="+task+" task_status="+status)
	}
}

// environmentOf reads a container's environment; tools/compose_test.go reads the file as
// docker compose does.
func environmentOf(t *testing.T, compose, container string) map[string]string {
	t.Helper()
	_, text, found := strings.Cut(compose, "\n  "+container+":\n")
	text, _, _ = strings.Cut(text, "\n\n")
	_, text, hasEnvironment := strings.Cut(text, "\n    environment:\n")
	if !found || !hasEnvironment {
		t.Fatalf("docker-compose.yml has no environment of %s", container)
	}
	env := map[string]string{}
	for line := range strings.Lines(text) {
		m := regexp.MustCompile(`^      ([A-Z_]+): ("[^"]*"|\S+)`).FindStringSubmatch(line)
		if m == nil {
			break
		}
		if env[m[1]] = m[2]; m[2][0] == '"' {
			env[m[1]], _ = strconv.Unquote(m[2])
		}
	}
	return env
}

// startProcess runs a program until the end of the test, and then expects an orderly end.
func startProcess(t *testing.T, program string, env []string, args ...string) *safeBuffer {
	t.Helper()
	output := &safeBuffer{}
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s %v: %v", filepath.Base(program), args, err)
		}
		if t.Failed() {
			t.Logf("%s %v:\n%s", filepath.Base(program), args, output)
		}
	})
	return output
}

// firstRecovery returns the task of the first record in remux.recovered.
func firstRecovery(t *testing.T, brokers []string) (task string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ConsumeTopics("remux.recovered"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		records := client.PollFetches(ctx).Records()
		if len(records) == 0 {
			continue
		}
		var recovery struct {
			TaskID string `json:"task_id"`
		}
		if err := json.Unmarshal(records[0].Value, &recovery); err != nil {
			t.Fatal(err)
		}
		return recovery.TaskID
	}
	t.Fatal("nothing has recovered")
	return ""
}
