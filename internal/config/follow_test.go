package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// replace changes a file's contents and has the change noticed.
func replace(t *testing.T, c Config, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	c.Files.Reread()
}

func TestEverySecretFollowsItsFile(t *testing.T) {
	for name, changes := range secretModes {
		path := file(t, canary+"\n")
		c := load(t, append(changes, name, "", name+fileSuffix, path)...)
		replace(t, c, path, "new-"+canary+"\r\n")
		if got := c.secret(name).Reveal(); got != "new-"+canary {
			t.Errorf("%s is still %q", name, got)
		}
	}
}

// Contents that would be rejected at the start are rejected later too, and not shown.
func TestASecretThatIsSpoiltLaterStaysAsItWas(t *testing.T) {
	for name, changes := range secretModes {
		for _, spoilt := range []string{"", "\n", "a\nb" + canary, "\xff" + canary, "\uFEFF" + canary} {
			path := file(t, "good")
			c := load(t, append(changes, name, "", name+fileSuffix, path)...)
			replace(t, c, path, spoilt)
			problems := c.Files.Problems()
			if c.secret(name).Reveal() != "good" || len(problems) != 1 || problems[0].Name != name+fileSuffix ||
				strings.Contains(problems[0].Problem.Error(), canary) {
				t.Errorf("%s with %q: %q, problems %v", name, spoilt, c.secret(name).Reveal(), problems)
			}
		}
	}
	path := file(t, "good")
	c := load(t, "KAFKA_SASL_MECHANISM", "SCRAM-SHA-256", "KAFKA_SASL_USERNAME", "u", "KAFKA_SASL_PASSWORD_FILE", path)
	replace(t, c, path, "\u0221")
	if got := c.Kafka.SASL.Password.Reveal(); got != "good" {
		t.Errorf("a password that SCRAM cannot send was taken: %q", got)
	}
}

func TestCertificatesFollowTheirFiles(t *testing.T) {
	cert, key := keyPair(t)
	newCert, newKey := keyPair(t)
	ca, certFile, keyFile, mpcCA := file(t, cert), file(t, cert), file(t, key), file(t, cert)
	c := load(t, "KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", ca, "KAFKA_TLS_CERT_FILE", certFile, "KAFKA_TLS_KEY_FILE", keyFile,
		"MPC_CA_FILE", mpcCA)
	before, mpcBefore := c.Kafka.TLS.Client(), c.MPC.Roots()
	replace(t, c, certFile, newCert) // the key is still the old one
	if got := c.Kafka.TLS.Client().Certificates[0].Leaf; !got.Equal(before.Certificates[0].Leaf) || len(c.Files.Problems()) != 1 {
		t.Errorf("half a pair was taken, or not told: %v", c.Files.Problems())
	}
	replace(t, c, keyFile, newKey)
	replace(t, c, ca, newCert)
	replace(t, c, mpcCA, newCert)
	after := c.Kafka.TLS.Client()
	if after.Certificates[0].Leaf.Equal(before.Certificates[0].Leaf) || len(c.Files.Problems()) != 0 {
		t.Errorf("the pair did not change: %v", c.Files.Problems())
	}
	if after.RootCAs.Equal(before.RootCAs) || c.MPC.Roots().Equal(mpcBefore) {
		t.Error("the authorities did not change")
	}
}

func TestWhenTheClientCertificateEndsIsKnown(t *testing.T) {
	cert, key := keyPair(t)
	c := load(t, "KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CERT_FILE", file(t, cert), "KAFKA_TLS_KEY_FILE", file(t, key))
	if left := time.Until(c.Kafka.TLS.CertificateEnds()); left <= 0 || left > time.Hour {
		t.Error(left)
	}
	if at := load(t, "KAFKA_TLS_ENABLED", "true").Kafka.TLS.CertificateEnds(); !at.IsZero() {
		t.Error("without a certificate:", at)
	}
	if at := load(t).Kafka.TLS.CertificateEnds(); !at.IsZero() {
		t.Error("without TLS:", at)
	}
}

// shake makes a client with c connect to a server with the certificate, under the name.
func shake(t *testing.T, c *tls.Config, cert, key, name string) error {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	server := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{pair}})
	go func() { _ = server.Handshake(); _ = theirs.Close() }()
	defer ours.Close()
	c.ServerName = name
	return tls.Client(ours, c).Handshake()
}

func TestWithoutTheNameTheAuthorityStillCounts(t *testing.T) {
	cert, key := keyPair(t)
	otherCert, otherKey := keyPair(t)
	named := load(t, "KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", file(t, cert)).Kafka.TLS
	c := load(t, "KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", file(t, cert), "KAFKA_TLS_VERIFY_HOSTNAME", "false")
	if err := shake(t, named.Client(), cert, key, "kafka.example.com"); !errors.As(err, &x509.HostnameError{}) {
		t.Errorf("any name was taken: %v", err)
	}
	if err := shake(t, c.Kafka.TLS.Client(), cert, key, "kafka.example.com"); err != nil {
		t.Errorf("the name was compared: %v", err)
	}
	if err := shake(t, c.Kafka.TLS.Client(), otherCert, otherKey, "kafka.example.com"); !errors.As(err, &x509.UnknownAuthorityError{}) {
		t.Errorf("any authority was taken: %v", err)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "KAFKA_TLS_VERIFY_HOSTNAME is false") {
		t.Errorf("%q", c.Warnings)
	}
	problem := refused(t, "KAFKA_TLS_CA_FILE", "KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_VERIFY_HOSTNAME", "false")
	if !strings.Contains(problem, "a server with any certificate") {
		t.Error(problem)
	}
}

func TestMPCsAuthoritiesAreBesideTheSystems(t *testing.T) {
	if c := load(t); c.MPC.Roots() != nil {
		t.Error("without a file they are not the system's")
	}
	if problem := refused(t, "MPC_CA_FILE", "MPC_CA_FILE", filepath.Join(t.TempDir(), "missing")); !strings.Contains(problem, "no such file") {
		t.Error(problem)
	}
	cert, _ := keyPair(t)
	system, err := x509.SystemCertPool()
	if err != nil {
		t.Skipf("this machine has no system certificates: %v", err)
	}
	system.AppendCertsFromPEM([]byte(cert))
	if c := load(t, "MPC_CA_FILE", file(t, cert)); !c.MPC.Roots().Equal(system) {
		t.Error("the system's are gone")
	}
}

func TestAllowedHosts(t *testing.T) {
	c := load(t, "HTTP_ALLOWED_HOSTS", "Retrier.Example.com, *.internal ,[::1],10.0.0.1,*")
	if got := strings.Join(c.HTTPAllowedHosts, " "); got != "retrier.example.com *.internal ::1 10.0.0.1 *" {
		t.Error(got)
	}
	for _, bad := range []string{"http://h", "h:8080", "a b", "*.*.h", "h/"} {
		if problem := refused(t, "HTTP_ALLOWED_HOSTS", "HTTP_ALLOWED_HOSTS", bad); !strings.Contains(problem, "without scheme and port") {
			t.Error(problem)
		}
	}
}

func TestThePathPrefixHasNoSlashAtItsEnd(t *testing.T) {
	for value, want := range map[string]string{"": "", "/": "", "/retrier": "/retrier", "/ops/retrier.v2/": "/ops/retrier.v2"} {
		if got := load(t, "HTTP_PATH_PREFIX", value).HTTPPathPrefix; got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}
