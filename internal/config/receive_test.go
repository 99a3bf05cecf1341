package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const someURN = "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:mpc"

func loadReceive(t *testing.T, pairs ...string) (Receive, error) {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); prefixes.MatchString(name) {
			t.Setenv(name, "")
		}
	}
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
	return LoadReceive()
}

func TestReceiveNeedsNothingOfMPC(t *testing.T) {
	r, err := loadReceive(t, "KAFKA_BROKERS", "k:9092", "RECEIVE_TOPIC_URNS", someURN)
	if err != nil || len(r.Warnings) > 0 {
		t.Fatal(err, r.Warnings)
	}
	hosts := []string{"cn-north-4-console.huaweicloud.com:443", "console-intl.huaweicloud.com:443", "console.huaweicloud.com:443", "smn.cn-north-4.myhuaweicloud.com:443"}
	if r.Addr != ":8443" || !slices.Equal(r.TopicURNs, []string{someURN}) || !slices.Equal(r.CertHosts, hosts) ||
		r.MaxAge != 2*time.Hour || r.Certificate() != nil || r.Roots() != nil || r.Kafka.TopicFailed != "remux.failed" {
		t.Errorf("%+v", r)
	}
}

func TestReceivesValuesAreChecked(t *testing.T) {
	good := []string{"KAFKA_BROKERS", "k:9092", "RECEIVE_TOPIC_URNS", someURN}
	for _, c := range []struct{ name, value, says string }{
		{"RECEIVE_TOPIC_URNS", "", "RECEIVE_TOPIC_URNS is not set"},
		{"RECEIVE_TOPIC_URNS", "mpc", "RECEIVE_TOPIC_URNS has \"mpc\""},
		{"RECEIVE_TOPIC_URNS", someURN + ",urn:smn:a:b", "RECEIVE_TOPIC_URNS has"},
		{"RECEIVE_ADDR", "8443", "RECEIVE_ADDR is"},
		{"RECEIVE_CERT_HOSTS", "*", "RECEIVE_CERT_HOSTS has"},
		{"RECEIVE_CERT_HOSTS", "https://smn.example.com", "RECEIVE_CERT_HOSTS has"},
		{"RECEIVE_CERT_HOSTS", "smn.example.com/smn", "RECEIVE_CERT_HOSTS has"},
		{"RECEIVE_TLS_KEY_FILE", "/key", "RECEIVE_TLS_CERT_FILE is not set but RECEIVE_TLS_KEY_FILE is: TLS needs both"},
		{"RECEIVE_CA_FILE", "/nowhere", "RECEIVE_CA_FILE cannot be used"},
		{"RECEIVE_MAX_AGE", "1s", "RECEIVE_MAX_AGE is"},
		{"KAFKA_BROKERS", "k", "KAFKA_BROKERS has"},
	} {
		if _, err := loadReceive(t, append(slices.Clone(good), c.name, c.value)...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
	}
	r, err := loadReceive(t, append(slices.Clone(good), "RECEIVE_CERT_HOSTS", "SMN.example.com:8443, *.example.org,[::1]:1", "RECEIVE_MAXAGE", "1h")...)
	if err != nil || !slices.Equal(r.CertHosts, []string{"smn.example.com:8443", "*.example.org", "[::1]:1"}) {
		t.Errorf("%q, %v", r.CertHosts, err)
	}
	if len(r.Warnings) != 1 || !strings.HasSuffix(r.Warnings[0], "did you mean RECEIVE_MAX_AGE?") {
		t.Errorf("%q", r.Warnings)
	}
}

func TestADomainWithCustomersBucketsIsWarnedOf(t *testing.T) {
	for hosts, want := range map[string]int{
		"*.myhuaweicloud.com": 1, "*.OBS.cn-north-4.myhuaweicloud.com,smn.example.com": 1, "*.com:443": 1,
		"smn.cn-north-4.myhuaweicloud.com": 0, "*.example.com": 0, "*.notmyhuaweicloud.com": 0,
	} {
		r, err := loadReceive(t, "KAFKA_BROKERS", "k:9092", "RECEIVE_TOPIC_URNS", someURN, "RECEIVE_CERT_HOSTS", hosts)
		if err != nil || len(r.Warnings) != want {
			t.Errorf("%s: %v, %q", hosts, err, r.Warnings)
		}
	}
}

func TestReceiveServesWithTheCertificateOfItsFiles(t *testing.T) {
	cert, key := keyPair(t)
	certFile, keyFile := filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	for path, text := range map[string]string{certFile: cert, keyFile: key} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := loadReceive(t, "KAFKA_BROKERS", "k:9092", "RECEIVE_TOPIC_URNS", someURN, "RECEIVE_TLS_CERT_FILE", certFile, "RECEIVE_TLS_KEY_FILE", keyFile, "RECEIVE_CA_FILE", certFile)
	if err != nil || r.Certificate() == nil || len(r.Certificate()().Certificate) == 0 || r.Roots() == nil || r.Roots()() == nil {
		t.Errorf("%v", err)
	}
}
