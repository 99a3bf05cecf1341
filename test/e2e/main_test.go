//go:build kafka

package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/testkafka"
)

// parallel is how many scenarios run at once. They mostly wait. Those that keep the machine
// busy do not call t.Parallel: they run before the others, one at a time, and so starve no
// other's brokers.
const parallel = "6"

var (
	binary string             // the service, see build
	shared *testkafka.Cluster // the broker that scenarios share
	admin  *kadm.Client       // for the shared broker
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", parallel); err != nil {
			return fail(err)
		}
	}
	dir, err := os.MkdirTemp("", "remux-e2e-")
	if err != nil {
		return fail(err)
	}
	defer os.RemoveAll(dir)
	if binary, err = build(dir); err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if shared, err = testkafka.Start(ctx, testkafka.Config{}); err != nil {
		return fail(err)
	}
	defer shared.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(shared.Addrs()...))
	if err != nil {
		return fail(err)
	}
	admin = kadm.NewClient(client)
	code := m.Run()
	if code != 0 {
		fmt.Fprintln(os.Stderr, shared.Tail())
	}
	admin.Close()
	shared.Close()
	if code == 0 {
		if err := goroutines.Left(); err != nil {
			return fail(err)
		}
	}
	return code
}

// build builds the service as a user does, with the race detector if there is a C
// compiler. It returns the program's path.
func build(dir string) (string, error) {
	program, err := buildWith(dir, "-race")
	if err != nil {
		var withoutRace error
		if program, withoutRace = buildWith(dir); withoutRace != nil {
			return "", errors.Join(withoutRace, err)
		}
	}
	return program, nil
}

func buildWith(dir string, flags ...string) (string, error) {
	out := filepath.Join(dir, "remux-retrier")
	args := append(append([]string{"build"}, flags...), "-o", out, "remux-retrier")
	if text, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the service: go %q: %w\n%s", args, err, text)
	}
	return out, nil
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
