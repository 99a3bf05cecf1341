package testkafka

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

//go:embed pom.xml
var pom []byte

// newest is the default of TESTKAFKA_VERSION.
const newest = "4.3.1"

// Version returns the version of Kafka that Start runs. Versions before 3.0 run with
// ZooKeeper, from 3.5 on with KRaft. Those between do not work: their KRaft has no
// SCRAM.
func Version() string { return cmp.Or(os.Getenv("TESTKAFKA_VERSION"), newest) }

// ZooKeeper reports whether that version needs ZooKeeper.
func ZooKeeper() bool { return strings.HasPrefix(Version(), "2.") }

// Jars returns the folder of Kafka's jars. The first call on a machine fetches them.
// By default the folder is in the user's cache; REMUX_KAFKA_HOME names another one,
// which may be an unpacked Kafka release.
func Jars(ctx context.Context) (string, error) {
	home := os.Getenv("REMUX_KAFKA_HOME")
	if home == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find a folder for Kafka's jars (or set REMUX_KAFKA_HOME): %w", err)
		}
		home = filepath.Join(cache, "remux-retrier", "kafka-"+Version())
	}
	libs := filepath.Join(home, "libs")
	if _, err := os.Stat(libs); err == nil {
		return libs, nil
	}
	if err := os.MkdirAll(home, 0o755); err != nil {
		return "", err
	}
	// Several test binaries may call this at the same time. The lock ends when the
	// file is closed, or with the process.
	lock, err := os.OpenFile(filepath.Join(home, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", home, err)
	}
	if _, err := os.Stat(libs); err == nil {
		return libs, nil
	}
	if err := os.WriteFile(filepath.Join(home, "pom.xml"), pom, 0o644); err != nil {
		return "", err
	}
	part := libs + ".part"
	cmd := exec.CommandContext(ctx, "mvn", "-q", "-B", "-f", filepath.Join(home, "pom.xml"), "-Dkafka.version="+Version(),
		"dependency:copy-dependencies", "-DoutputDirectory="+part)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("fetch Kafka's jars with Maven (or set REMUX_KAFKA_HOME to an unpacked Kafka): %w\n%s", err, out)
	}
	// The folder gets its name only when it is complete.
	return libs, os.Rename(part, libs)
}
