package app

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/config"
)

// certify writes a certificate that ends then, and its key.
func certify(t *testing.T, cert, key string, ends time.Time) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAClientCertificateThatEndsSoonIsSaidOnceADay(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	now := time.Now()
	certify(t, cert, key, now.Add(15*24*time.Hour))
	for variable, value := range map[string]string{
		"KAFKA_BROKERS": "127.0.0.1:1", "MPC_REGION": "cn-north-4", "MPC_PROJECT_ID": "p", "MPC_AUTH_TOKEN": "t",
		"KAFKA_TLS_ENABLED": "true", "KAFKA_TLS_CERT_FILE": cert, "KAFKA_TLS_KEY_FILE": key,
	} {
		t.Setenv(variable, value)
	}
	cfg, err := config.Load()
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	log := logrus.New()
	log.SetOutput(&said)
	f := newFiles(cfg, log)
	says := func(at time.Duration, lines int, words string) {
		t.Helper()
		said.Reset()
		for range 24 * 60 { // each minute of a day
			f.certificate(now.Add(at))
			at += time.Minute
		}
		if strings.Count(said.String(), "\n") > lines || !strings.Contains(said.String(), words) || words == "" && said.Len() > 0 {
			t.Errorf("after %v: %q", at, said.String())
		}
	}
	const day = 24 * time.Hour
	says(-day, 0, "")
	says(1*day+time.Hour, 2, "ends in 13 days, at ")
	says(10*day, 2, "ends in 4 days, at ")
	says(15*day, 1, "brokers refuse it")
	if notes := strings.Join(f.notes(), ""); !strings.Contains(notes, "no restart is needed") {
		t.Error(notes)
	}
	certify(t, cert, key, now.Add(100*24*time.Hour))
	cfg.Files.Reread()
	says(16*day, 1, "holds until ")
	if notes := strings.Join(f.notes(), ""); notes != "" {
		t.Error(notes)
	}
}

func TestAFileThatIsBrokenMeanwhileIsSaidAndNoted(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(token, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old-canary")
	env := environment(t, map[string]int{"remux.failed": 1, "remux.retried": 1, "remux.retry_failed": 1, "remux.failed.dlq": 1})
	env["MPC_AUTH_TOKEN"], env["MPC_AUTH_TOKEN_FILE"] = "", token
	output, stop := start(t, env)
	await(t, output, "starting")
	write("new\ncanary")
	await(t, output, "MPC_AUTH_TOKEN_FILE cannot be used as it is now, what was read before stays in use: has a line break")
	write("new-canary")
	await(t, output, "MPC_AUTH_TOKEN_FILE has changed")
	if code := stop(); code != 0 || strings.Contains(output.String(), "canary") {
		t.Errorf("exit code %d\n%s", code, output)
	}
}
