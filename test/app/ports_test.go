package app_test

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
)

// greets listens on a port that sends a greeting first, and then only receives.
func greets(t *testing.T, greeting string) string {
	return port(t, func(conn net.Conn) {
		if _, err := io.WriteString(conn, greeting); err == nil {
			_, _ = io.Copy(io.Discard, conn)
		}
	})
}

// If a name in KAFKA_BROKERS leads to another service, its greeting, read as a length,
// announces more than 500 MB: neither the service nor `check` may allocate that.
func TestPortsOfOtherServicesBesideABrokerAreNamedAndHoldUpNothing(t *testing.T) {
	env := environment(t, allTopics())
	var others []string
	for _, says := range []string{"HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.9\r\n", "220 mail ESMTP\r\n", "-ERR unknown command\r\n"} {
		others = append(others, greets(t, says))
	}
	env["KAFKA_BROKERS"] = strings.Join(others, ",") + "," + env["KAFKA_BROKERS"]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	output, stop := start(t, env)
	await(t, output, "partitions assigned")
	if code := stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(output.String(), "is not a Kafka broker"); n > 2*len(others) {
		t.Errorf("it is said %d times:\n%s", n, output)
	}
	said := perform(t, 1, "check")
	for _, at := range others {
		if strings.Count(said, "FAIL  broker "+at+": ") != 1 || !strings.Contains(said, at+" is not a Kafka broker") {
			t.Errorf("%s is not named once:\n%s", at, said)
		}
	}
	expect(t, said, "ok    authentication")
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 500<<20 { // each of them announces more
		t.Errorf("%d MiB were allocated", used>>20)
	}
}
