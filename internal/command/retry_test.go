package command

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// accepted are the times of retries accepted at these hours.
func accepted(hours ...int) (at []time.Time) {
	for _, n := range hours {
		at = append(at, time.Unix(0, 0).Add(time.Duration(n)*time.Hour))
	}
	return at
}

func TestASpentBudgetSaysWhenItIsThereAgain(t *testing.T) {
	for name, c := range map[string]struct {
		hours  []int
		budget int
		says   string
	}{
		"not spent":           {[]int{1}, 2, ""},
		"just spent":          {[]int{1, 2}, 2, "again after 1970-01-02T01:00:00Z"},
		"and forced one more": {[]int{1, 2, 3}, 2, "again after 1970-01-02T02:00:00Z"},
	} {
		err := budgetError(accepted(c.hours...), c.budget, 24*time.Hour)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestATaskIsAskedForOnce(t *testing.T) {
	if got := once([]string{"9", "8", "9", "9"}); !slices.Equal(got, []string{"9", "8"}) {
		t.Error(got)
	}
}

func TestAnInterruptedRetrySaysWhatIsNotAskedFor(t *testing.T) {
	for name, c := range map[string]struct {
		atSecond error // what asking for "2" gives, while it is interrupted
		says     string
	}{
		"before it was written":      {context.Canceled, "interrupted; not asked for: 2 3\n"},
		"after it was written":       {nil, "interrupted; not asked for: 3\n"},
		"while it was being written": {unsure{errors.New("who knows")}, "2: who knows\ninterrupted; not asked for: 3\n"},
	} {
		var out, err bytes.Buffer
		ctx, cancel := context.WithCancel(context.Background())
		code := askAll(ctx, Env{Stdout: &out, Stderr: &err}, []string{"1", "2", "3"}, retryOptions{}, &progress{err: &err, next: time.Now().Add(time.Hour)}, func(_ context.Context, id string) (string, error) {
			if id != "2" {
				return "there", nil
			}
			cancel()
			return "there", c.atSecond
		})
		if code != exitFailed || err.String() != c.says || !strings.HasPrefix(out.String(), "1\tthere\n") || strings.Contains(out.String(), "3") {
			t.Errorf("%s: exit code %d, %q, %q", name, code, out.String(), err.String())
		}
	}
}

// Each task would wait for the same brokers again.
func TestAnErrorOfKafkaEndsTheRetriesAndIsPrintedOnce(t *testing.T) {
	away := errors.New("no broker can be reached")
	for name, c := range map[string]struct {
		atSecond error
		says     string
	}{
		"before it was written":      {kafkaError{away}, "stopped: no broker can be reached; not asked for: 2 3 4\n"},
		"while it was being written": {unsure{away}, "2: no broker can be reached\nstopped; not asked for: 3 4\n"},
		"a task alone":               {errors.New("no budget"), "2: not asked for: no budget\n"},
	} {
		var out, err bytes.Buffer
		code := askAll(context.Background(), Env{Stdout: &out, Stderr: &err}, []string{"1", "2", "3", "4"}, retryOptions{}, &progress{err: &err, next: time.Now().Add(time.Hour)}, func(_ context.Context, id string) (string, error) {
			if id != "2" {
				return "there", nil
			}
			return "", c.atSecond
		})
		if code != exitFailed || err.String() != c.says {
			t.Errorf("%s: exit code %d, %q, %q", name, code, out.String(), err.String())
		}
		if strings.Contains(out.String(), "4\tthere") != (name == "a task alone") {
			t.Errorf("%s: %q", name, out.String())
		}
	}
}

// hanging is a Kafka that does not answer: looked up or not.
type hanging struct{ lookedUp bool }

func (k hanging) PartitionFor(ctx context.Context, _ string, _ []byte) (int, error) {
	if k.lookedUp {
		return 0, nil
	}
	<-ctx.Done()
	return 0, ctx.Err()
}

func (k hanging) Produce(ctx context.Context, _ string, _ int, _ []consumer.Message) (int64, error) {
	<-ctx.Done()
	return 0, ctx.Err()
}

func TestAWriteToSilentBrokersEndsWithin10Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, lookedUp := range []bool{false, true} {
			began := time.Now()
			_, err := publish(context.Background(), hanging{lookedUp}, "remux.failed", events.Message{})
			if took := time.Since(began); took > 10*time.Second || errors.As(err, new(unsure)) != lookedUp || errors.As(err, new(kafkaError)) == lookedUp {
				t.Errorf("%v after %v", err, took)
			}
		}
	})
}

// topics is a Kafka that has these topics, and answers or not.
type topics struct {
	names []string
	hangs bool
}

func (k topics) Partitions(ctx context.Context, topic string) (int, error) {
	switch {
	case k.hangs:
		<-ctx.Done()
		return 0, ctx.Err()
	case !slices.Contains(k.names, topic):
		return 0, consumer.ErrUnknownTopic
	}
	return 1, nil
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	if err := reach(ctx, topics{names: []string{"a", "b"}}, "a", "b"); err != nil {
		t.Error(err)
	}
	if err := reach(ctx, topics{names: []string{"a"}}, "a", "b"); err == nil || !strings.HasPrefix(err.Error(), "topic b does not exist: create it") {
		t.Error(err)
	}
	cancel()
	if err := reach(ctx, topics{hangs: true}, "a"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestSilentBrokersAreNotWaitedForForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if err := reach(context.Background(), topics{hangs: true}, "a"); err == nil || !strings.HasPrefix(err.Error(), "no broker answers within 5s") {
			t.Error(err)
		}
	})
}
