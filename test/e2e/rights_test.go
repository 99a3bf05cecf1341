//go:build kafka

package e2e

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/testkafka"
)

// right is a Kafka permission that OPERATIONS lists.
type right struct {
	operation kadm.ACLOperation
	group     bool
	name      string // of the group or the topic, as in OPERATIONS
}

// listedRights returns the rights that the commands in OPERATIONS give.
func listedRights(t *testing.T) (rights []right) {
	t.Helper()
	guide, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]kadm.ACLOperation{"Read": kadm.OpRead, "Write": kadm.OpWrite, "DescribeConfigs": kadm.OpDescribeConfigs}
	for _, command := range regexp.MustCompile(`(?m)^ +acl (--operation .*) --(group|topic) (\S+)$`).FindAllStringSubmatch(string(guide), -1) {
		for _, operation := range strings.Split(command[1], "--operation ")[1:] {
			o, ok := operations[strings.TrimSpace(operation)]
			if !ok {
				t.Fatalf("%q: cannot read which right it gives", command[0])
			}
			rights = append(rights, right{o, command[2] == "group", command[3]})
		}
	}
	return rights
}

// in returns the group's or the topic's name in this rig.
func (g right) in(r *rig) string {
	return map[string]string{
		"remux-retrier": r.group, "remux-retrier.redrive": r.group + ".redrive", "remux.failed": r.failed, "remux.retried": r.retried,
		"remux.retry_failed": r.retryFailed, "remux.failed.dlq": r.deadLetter,
	}[g.name]
}

// grant gives rights to the service's user, and waits until the broker applies them.
func (r *rig) grant(rights ...right) {
	r.t.Helper()
	for _, g := range rights {
		b := kadm.NewACLs().Operations(g.operation).ResourcePatternType(kadm.ACLPatternLiteral).Allow("User:" + testkafka.User).AllowHosts("*")
		if g.group {
			b.Groups(g.in(r))
		} else {
			b.Topics(g.in(r))
		}
		if _, err := r.admin.CreateACLs(r.ctx, b); err != nil {
			r.t.Fatal(err)
		}
		waitFor(r.t, 10*time.Second, "the broker to know of a right", func() (bool, string) {
			found, err := r.admin.DescribeACLs(r.ctx, b)
			return err == nil && len(found) == 1 && len(found[0].Described) == 1, ""
		})
	}
}

// Each right that OPERATIONS lists is needed, and together they are enough.
func TestTheListedRightsAreNeededAndEnough(t *testing.T) {
	t.Parallel()
	c, o := ownCluster(t, testkafka.Config{Secured: true, Properties: map[string]string{"allow.everyone.if.no.acl.found": "false"}}, options{partitions: 1})
	login := []string{
		"KAFKA_BROKERS", c.AddrsOf(testkafka.SASLPlaintext)[0], "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512",
		"KAFKA_SASL_USERNAME", testkafka.User, "KAFKA_SASL_PASSWORD", testkafka.Password,
	}
	// work needs one answer on each topic.
	work := func(r *rig) {
		r.load("accepted", 5)
		must(r.t, r.mpc.Script("unknown", mpcsim.Fail(404, "MPC.10211").Repeat(mpcsim.Always)))
		r.publish(&kgo.Record{Key: []byte("unknown"), Value: []byte(`{"task_id":"unknown"}`)}, garbage())
	}
	rights := listedRights(t)
	if len(rights) != 11 {
		t.Fatalf("OPERATIONS lists %v", rights)
	}
	const refused = "the brokers' ACLs must allow "
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, o)
		r.grant(rights...)
		work(r)
		r.command(login, "check").want(t, 0)
		s := r.start(login...).ready()
		r.finishWithoutRepeats(30 * time.Second)
		if strings.Contains(s.out.String(), refused) {
			t.Error("a right is missing")
		}
	})
	t.Run("the page and the commands", func(t *testing.T) {
		t.Parallel()
		r := newRig(t, o)
		r.grant(rights...)
		work(r)
		toolsWithTheListedRights(t, r, login)
	})
	for i, missing := range rights {
		t.Run("without "+missing.operation.String()+" on "+missing.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, o)
			r.grant(slices.Delete(slices.Clone(rights), i, i+1)...)
			if missing.operation == kadm.OpRead && strings.HasPrefix(missing.name, "remux.retr") {
				// An instance does not read back its own outcomes.
				work(r)
				r.start(login...).ready()
				r.finishWithoutRepeats(30 * time.Second)
			}
			work(r)
			right := strings.ToUpper(missing.operation.String())
			if missing.operation == kadm.OpDescribeConfigs {
				// The service works without it, but cannot check the topic's settings.
				r.command(login, "check").want(t, 0, missing.in(r)+": its settings cannot be read: allow DESCRIBE_CONFIGS on it")
				return
			}
			r.command(login, "check").want(t, 1, missing.in(r), right)
			s := r.start(login...)
			s.waitFor(20*time.Second, "to name the right", func() (bool, string) {
				for line := range strings.Lines(s.out.String()) {
					if _, named, ok := strings.Cut(line, refused); ok && strings.Contains(named, missing.in(r)) {
						return true, ""
					}
				}
				return false, ""
			})
			if n := strings.Count(s.out.String(), refused); n > 6 {
				t.Errorf("it is logged %d times within seconds, want at most 6", n)
			}
			r.grant(missing)
			s.ready()
			r.finishWithoutRepeats(30 * time.Second)
		})
	}
}
