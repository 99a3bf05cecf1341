package config

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
)

// keySpellings are how a private key could show itself.
func keySpellings(t *testing.T, key string) []string {
	t.Helper()
	block, _ := pem.Decode([]byte(key))
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := parsed.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return []string{
		base64.StdEncoding.EncodeToString(block.Bytes)[64:88], // a part of the PEM file's second line
		string(block.Bytes[40:60]), hex.EncodeToString(secret[8:]), strings.ToUpper(hex.EncodeToString(secret[8:])),
		strings.Trim(fmt.Sprintf("%d", secret[8:]), "[]"), new(big.Int).SetBytes(secret).String(),
	}
}

// A key file that is broken, at the start or later, is named and not quoted; one
// that is used is shown by no verb.
func TestNoPrivateKeyIsInAnErrorOrPrinted(t *testing.T) {
	cert, key := keyPair(t)
	otherCert, _ := keyPair(t)
	spellings := keySpellings(t, key)
	look := func(where, text string) {
		t.Helper()
		for _, spelling := range spellings {
			if strings.Contains(text, spelling) {
				t.Errorf("%s shows the key: %s", where, text)
			}
		}
	}
	lines := strings.SplitAfter(key, "\n")
	broken := map[string]string{
		"cut":               key[:len(key)/2],
		"without its end":   strings.Join(lines[:len(lines)-2], ""),
		"without its frame": strings.Join(lines[1:len(lines)-2], ""),
		"a broken line":     strings.Replace(key, lines[1][:9], "*********", 1),
		"in the frame":      "-----BEGIN " + lines[2][:48] + "-----\nAAAA\n-----END " + lines[2][:48] + "-----\n",
		"called something":  strings.ReplaceAll(key, "PRIVATE KEY", "SECRET"),
	}
	certFile := file(t, cert)
	for name, content := range broken {
		for where, files := range map[string][2]string{
			"in the key file": {certFile, file(t, content)}, "in both files": {file(t, content+cert), file(t, content)}, "instead of the files' names": {content, content},
		} {
			environment(t, with("KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CERT_FILE", files[0], "KAFKA_TLS_KEY_FILE", files[1]))
			_, err := Load()
			if err == nil {
				t.Errorf("%s, %s: is accepted", name, where)
				continue
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
				look(name+" by "+verb, fmt.Sprintf(verb, err))
			}
		}
	}
	keyFile := file(t, key)
	c := load(t, "KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CERT_FILE", certFile, "KAFKA_TLS_KEY_FILE", keyFile)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		for _, v := range []any{c, &c, c.Kafka, c.Kafka.TLS, *c.Kafka.TLS, struct{ hidden Config }{c}} {
			look(fmt.Sprintf("%s of %T", verb, v), fmt.Sprintf(verb, v))
		}
	}
	text, err := json.Marshal(c)
	look("JSON", string(text)+fmt.Sprint(err))
	for name, content := range broken {
		if err := errors.Join(os.WriteFile(keyFile, []byte(content), 0o600), os.WriteFile(certFile, []byte(otherCert), 0o600)); err != nil {
			t.Fatal(err)
		}
		c.Files.Reread()
		problems := c.Files.Problems()
		if len(problems) != 1 {
			t.Fatalf("%s: %d problems", name, len(problems))
		}
		look(name+", later", fmt.Sprintf("%+v %v", problems, problems[0].Problem))
	}
}
