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

// sideBySide is how many scenarios run at once. Most of their time is waiting.
const sideBySide = "5"

var (
	binary string             // the service, built with the race detector
	shared *testkafka.Cluster // the broker that scenarios share
	admin  *kadm.Client       // of the shared broker
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		if err := flag.Set("test.parallel", sideBySide); err != nil {
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

// build makes the service as a user would, but for the race detector, which is
// left out where there is no C compiler.
func build(dir string) (string, error) {
	program, err := buildWith(dir, "-race")
	if err != nil {
		var plainly error
		if program, plainly = buildWith(dir); plainly != nil {
			return "", errors.Join(plainly, err)
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
