package app

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/config"
	"remux-retrier/internal/testsecrets"
)

func TestAClientCertificateThatEndsSoonIsSaidOnceADay(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	now := time.Now()
	testsecrets.Certify(t, cert, key, now.Add(15*24*time.Hour))
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
	says(1*day+time.Hour, 2, "expires in 13 days, at ")
	says(10*day, 2, "expires in 4 days, at ")
	says(15*day, 1, "brokers reject it")
	if notes := strings.Join(f.notes(), ""); !strings.Contains(notes, "no restart is needed") {
		t.Error(notes)
	}
	testsecrets.Certify(t, cert, key, now.Add(100*24*time.Hour))
	cfg.Files.Reread()
	says(16*day, 1, "is valid until ")
	if notes := strings.Join(f.notes(), ""); notes != "" {
		t.Error(notes)
	}
}
