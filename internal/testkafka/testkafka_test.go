package testkafka

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

func TestBrokersOfTheUsersOwnAreUsedAndLeftAlone(t *testing.T) {
	t.Setenv("KAFKA_BROKERS", "one:9092,two:9092")
	c, err := Start(t.Context(), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Addrs(); !slices.Equal(got, []string{"one:9092", "two:9092"}) {
		t.Errorf("addresses %q", got)
	}
	for name, do := range map[string]func(int) error{"Kill": c.Kill, "Stop": c.Stop, "Pause": c.Pause, "Resume": c.Resume} {
		if err := do(0); !errors.Is(err, ErrExternal) {
			t.Errorf("%s: %v, want ErrExternal", name, err)
		}
	}
	for _, special := range []Config{{Secured: true}, {Brokers: 3}, {Port: 9092}, {Properties: map[string]string{"a": "b"}}} {
		if _, err := Start(t.Context(), special); !errors.Is(err, ErrExternal) {
			t.Errorf("%+v: %v, want ErrExternal", special, err)
		}
	}
}

func TestEveryListenerIsOnLoopbackWithAPortOfItsOwn(t *testing.T) {
	cfg := Config{Brokers: 3, Secured: true}
	nodes, err := newNodes(cfg)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i := range nodes {
		for line := range strings.Lines(serverProperties(cfg, nodes, i, "dir", Certificates{}, "")) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if key != "listeners" {
				continue
			}
			for _, at := range strings.Split(value, ",") {
				if !strings.Contains(at, "://127.0.0.1:") || seen[at] {
					t.Errorf("broker %d listens at %s (seen before: %v)", i, at, seen[at])
				}
				seen[at] = true
			}
		}
	}
	if want := 3 * len(protocols); len(seen) != want {
		t.Errorf("%d listeners, want %d", len(seen), want)
	}
}
