//go:build kafka

package e2e

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"remux-retrier/internal/testkafka"
)

// The rights that OPERATIONS lists for sweep, and for retry --reason, are enough. Without
// the right to read the group's offsets the command says what it does not know.
func TestCommandSweepNeedsNoMoreRightsThanAreListed(t *testing.T) {
	t.Parallel()
	c, o := ownCluster(t, testkafka.Config{Secured: true, Properties: map[string]string{"allow.everyone.if.no.acl.found": "false"}}, options{partitions: 2})
	r := newRig(t, o)
	login := []string{
		"KAFKA_BROKERS", c.AddrsOf(testkafka.SASLPlaintext)[0], "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512",
		"KAFKA_SASL_USERNAME", testkafka.User, "KAFKA_SASL_PASSWORD", testkafka.Password,
	}
	const unknown = "the positions of the group are not known"
	r.grant(right{kadm.OpRead, false, "remux.failed"}, right{kadm.OpWrite, false, "remux.failed"},
		right{kadm.OpRead, false, "remux.retried"}, right{kadm.OpRead, false, "remux.retry_failed"})
	r.fails("lost", 3)
	r.command(login, "sweep").want(t, 0, unknown, "3 published")
	r.grant(right{kadm.OpDescribe, true, "remux-retrier"})
	r.fails("more", 2)
	for _, args := range [][]string{{"sweep"}, {"retry", "--reason", "rejected", "--dry-run"}} {
		s := r.command(login, args...).want(t, 0, map[string]string{"sweep": "2 published, 3 known", "retry": "0 tasks found"}[args[0]])
		if strings.Contains(s.all(), unknown) {
			t.Error(s.all())
		}
	}
}
