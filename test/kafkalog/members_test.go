package kafkalog_test

import (
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"remux-retrier/consumer/kafkalog"
)

// named sets a member's client id, and a session that is longer than the test waits.
func named(id string) func(*kafkalog.Config) {
	return func(c *kafkalog.Config) { c.ClientID, c.SessionTimeout = id, 2*testTimeout }
}

func TestEvictFreesThePlaceOfACrashedSelfAtOnce(t *testing.T) {
	evict(t, fakeKafka(t).ListenAddrs())
}

func evict(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	ctx := soon(t)
	as := func(id string) []func(*kafkalog.Config) {
		return append([]func(*kafkalog.Config){named(id)}, change...)
	}
	again := member(t, brokers, as("pod-1")...)
	until(t, "no member is evicted from a group that does not exist", func() bool {
		n, err := again.Evict(ctx) // fails while a new broker makes its offsets topic
		if n != 0 {
			t.Fatalf("evicted %d", n)
		}
		return err == nil
	})
	crashed := member(t, brokers, as("pod-1")...)
	former := join(t, crashed) // it owns all partitions and never releases them
	for _, id := range []string{"pod-10", "pod", "POD-1", ""} {
		l := member(t, brokers, as(id)...)
		if n, err := l.Evict(ctx); n != 0 || err != nil {
			t.Errorf("%q evicted %d, %v", id, n, err)
		}
	}
	if n, err := again.Evict(ctx); n != 1 || err != nil {
		t.Fatalf("evicted %d, %v; want one", n, err)
	}
	select {
	case <-former.Ended():
	default:
		t.Error("the member was running, and does not know yet that it is removed: it would call for the same events as its successor")
	}
	if got := join(t, again).Assigned(); len(got) != 2 {
		t.Errorf("owns %v, want all", got)
	}
	if n, err := kadm.NewClient(other(t, brokers)).DescribeGroups(ctx, again.cfg.GroupID); err != nil || len(n[again.cfg.GroupID].Members) != 1 {
		t.Errorf("the group: %v, %v", n, err)
	}
}

func TestOnlyALivingMemberOfTheSameNameIsSeen(t *testing.T) {
	sameName(t, fakeKafka(t).ListenAddrs())
}

func sameName(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	ctx := soon(t)
	as := func(id string) []func(*kafkalog.Config) {
		return append([]func(*kafkalog.Config){named(id)}, change...)
	}
	a, b, c := member(t, brokers, as("pod-1")...), member(t, brokers, as("pod-1")...), member(t, brokers, as("pod-2")...)
	others := func(l *subject) int {
		hosts, err := l.SameNameHosts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return len(hosts)
	}
	live(t, b)
	until(t, "b is in the group", func() bool { g, err := a.DescribeGroup(ctx); return err == nil && len(g.Clients) == 1 })
	if n := others(a); n != 0 {
		t.Errorf("before its first generation a takes %d for others", n)
	}
	live(t, a)
	live(t, c)
	until(t, "a and b see each other", func() bool { return others(a) == 1 && others(b) == 1 })
	if n := others(c); n != 0 {
		t.Errorf("c has another name, and sees %d of its own", n)
	}
}

// live keeps a member in the group through its rebalances until it leaves.
func live(t *testing.T, l *subject) {
	ctx := soon(t)
	go func() {
		for ctx.Err() == nil {
			g, err := l.Join(ctx)
			if errors.Is(err, kafkalog.ErrLeft) {
				return
			}
			if err == nil {
				<-g.Ended()
				g.Release()
			}
		}
	}()
}

func TestTopicPolicyTellsHowLongRecordsAreKept(t *testing.T) {
	policies(t, fakeKafka(t).ListenAddrs())
}

func policies(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	l := member(t, brokers, change...)
	ctx := soon(t)
	admin := kadm.NewClient(other(t, brokers))
	for _, c := range []struct {
		settings  map[string]string
		policy    string
		retention time.Duration
	}{
		{map[string]string{"cleanup.policy": "delete", "retention.ms": "129600000"}, "delete", 36 * time.Hour},
		{map[string]string{"cleanup.policy": "compact", "retention.ms": "-1"}, "compact", 0},
		{map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "9223372036854775807"}, "compact,delete", 0},
	} {
		var alter []kadm.AlterConfig
		for name, value := range c.settings {
			alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
		}
		if res, err := admin.AlterTopicConfigs(ctx, alter, l.cfg.Topic); err != nil || res[0].Err != nil {
			t.Fatal(err, res)
		}
		until(t, "the settings are as altered", func() bool {
			policy, retention, known, err := l.TopicPolicy(ctx, l.cfg.Topic)
			return err == nil && known && policy == c.policy && retention == c.retention
		})
	}
	if _, _, known, err := l.TopicPolicy(ctx, l.cfg.Topic+"-missing"); known || err == nil {
		t.Error("a topic that does not exist has a policy")
	}
}
