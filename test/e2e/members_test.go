//go:build kafka

package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// consoleConsumer runs Kafka's console consumer as a member of the rig's group
// until stop is called.
func (r *rig) consoleConsumer(more ...string) (stop func()) {
	r.t.Helper()
	cmd := exec.CommandContext(r.ctx, "java", append([]string{
		"-Xmx64m", "-cp", kafkaJars(r.t), "org.apache.kafka.tools.consumer.ConsoleConsumer",
		"--bootstrap-server", strings.Join(r.brokers, ","), "--topic", r.failed, "--group", r.group,
	}, more...)...)
	out := &output{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // a signal ends it
		close(ended)
	}()
	r.t.Cleanup(func() {
		if r.t.Failed() {
			r.t.Logf("--- output of the console consumer\n%s", out)
		}
	})
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it leaves the group, or has already ended
		<-ended
	}
}

// After they have left, the work goes on without a restart.
func TestMembersOfOtherProgramsAreNamedWithWhatToDo(t *testing.T) {
	t.Parallel()
	newProtocol := func(join func(r *rig) (stop func())) func(r *rig) (*service, func()) {
		return func(r *rig) (*service, func()) {
			stop := join(r)
			waitFor(r.t, 30*time.Second, "the other program to be a member", func() (bool, string) {
				groups, err := r.admin.ListGroups(r.ctx)
				return groups[r.group].State == "Stable", fmt.Sprint(groups[r.group], err)
			})
			return r.start(), stop
		}
	}
	const newGroup = "has members of the new group protocol (group.protocol=consumer), which this service does not support: stop them first"
	for name, way := range map[string]struct {
		join func(r *rig) (*service, func())
		says string
	}{
		"a classic Java client": {func(r *rig) (*service, func()) {
			s := r.start().ready()
			return s, r.consoleConsumer()
		}, "belongs to another program, and this service cannot assign partitions to it: stop it first"},
		"a Java client of the new protocol": {newProtocol(func(r *rig) func() {
			return r.consoleConsumer("--consumer-property", "group.protocol=consumer")
		}), newGroup},
		"a client of the new protocol": {newProtocol(func(r *rig) func() {
			cl := r.newClient(kgo.ConsumerGroup(r.group), kgo.ConsumeTopics(r.failed), kgo.ServerSideBalancer())
			go cl.PollFetches(r.ctx)
			return cl.Close
		}), newGroup},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, options{partitions: 2})
			s, stop := way.join(r)
			defer stop()
			s.waitForLog(way.says)
			s.waitFor(20*time.Second, "to show it in /readyz", func() (bool, string) {
				status, body := s.get("/readyz")
				return status == 503 && strings.Contains(body, way.says), body
			})
			if way.says == newGroup {
				r.command(nil, "check").want(t, 1, "FAIL  group", newGroup)
			}
			stop()
			r.load("after", 20)
			s.ready()
			r.finishWithoutRepeats(60 * time.Second)
			if text := s.out.String(); strings.Contains(text, "%!") || strings.Contains(text, "[-1] Unknown") {
				t.Error("the log has a formatting error of a library")
			}
		})
	}
}
