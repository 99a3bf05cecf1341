package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const canary = "c4n4ry-5ecret"

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// secretModes has every secret variable in a valid configuration.
var secretModes = map[string][]string{
	"KAFKA_SASL_PASSWORD": {"KAFKA_SASL_MECHANISM", "PLAIN", "KAFKA_SASL_USERNAME", "u"},
	"MPC_AUTH_TOKEN":      {},
	"MPC_ACCESS_KEY":      {"MPC_AUTH_TOKEN", "", "MPC_SECRET_KEY", "sk"},
	"MPC_SECRET_KEY":      {"MPC_AUTH_TOKEN", "", "MPC_ACCESS_KEY", "ak"},
	"MPC_SECURITY_TOKEN":  {"MPC_AUTH_TOKEN", "", "MPC_ACCESS_KEY", "ak", "MPC_SECRET_KEY", "sk"},
	"IAM_PASSWORD":        {"MPC_AUTH_TOKEN", "", "IAM_DOMAIN", "d", "IAM_USERNAME", "u"},
}

func (c Config) secret(name string) Secret {
	if name == "KAFKA_SASL_PASSWORD" {
		return c.Kafka.SASL.Password
	}
	a := c.MPC.Auth
	return map[string]Secret{"MPC_AUTH_TOKEN": a.Token, "MPC_ACCESS_KEY": a.AccessKey, "MPC_SECRET_KEY": a.SecretKey,
		"MPC_SECURITY_TOKEN": a.SecurityToken, "IAM_PASSWORD": a.IAM.Password}[name]
}

func TestEverySecretOfTheTableIsTested(t *testing.T) {
	for _, row := range Table() {
		_, tested := secretModes[row.Name]
		if documented := strings.Contains(row.Description, row.Name+fileSuffix); documented != tested {
			t.Errorf("%s: documented as a secret %v, tested as one %v", row.Name, documented, tested)
		}
	}
}

func TestNoSecretIsEverPrinted(t *testing.T) {
	for name, changes := range secretModes {
		c := load(t, append(changes, name, canary)...)
		if c.secret(name).Reveal() != canary {
			t.Fatalf("%s was not read", name)
		}
		hidden := struct{ config Config }{c}
		direct := c.secret(name)
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			for _, value := range []any{c, &c, hidden, &hidden, direct, &direct, []Secret{direct}} {
				shown := fmt.Sprintf(format, value)
				if strings.Contains(shown, canary) || strings.Contains(strings.ToLower(shown), fmt.Sprintf("%x", canary)) {
					t.Errorf("%s is in %s of %T", name, format, value)
				}
			}
		}
		text, err := json.Marshal(c)
		if err != nil || strings.Contains(string(text), canary) || !strings.Contains(string(text), redacted) {
			t.Errorf("%s: %v %s", name, err, text)
		}
		key, err := json.Marshal(map[Secret]int{direct: 1})
		if err != nil || strings.Contains(string(key), canary) {
			t.Errorf("%s as a key: %v %s", name, err, key)
		}
	}
}

func TestNoSecretIsInAnError(t *testing.T) {
	for name, changes := range secretModes {
		for what, more := range map[string][]string{
			"other problems":   {name, canary, "KAFKA_BROKERS", "", "LOG_LEVEL", "loud"},
			"incomplete modes": {name, canary, "MPC_AUTH_TOKEN", canary, "MPC_ACCESS_KEY", canary, "IAM_PASSWORD", canary},
			"line break":       {name, canary + "\n" + canary},
			"both":             {name, canary, name + fileSuffix, file(t, canary)},
			"control in file":  {name, "", name + fileSuffix, file(t, canary+"\n"+canary)},
			"not UTF-8":        {name, canary + "\xe4"},
			"other encoding":   {name, "", name + fileSuffix, file(t, canary+"\xe4")},
			"byte order mark":  {name, "\uFEFF" + canary},
			"mark in file":     {name, "", name + fileSuffix, file(t, "\uFEFF"+canary+"\n")},
			"as file's name":   {name, "", name + fileSuffix, canary},
			"with slashes":     {name, "", name + fileSuffix, "a/" + canary + "\n"},
			"misspelt":         {name, canary, "KAFKA_BROKERS", "", name + "X", canary},
		} {
			environment(t, with(append(changes, more...)...))
			c, err := Load()
			if err == nil {
				t.Errorf("%s, %s: accepted", name, what)
				continue
			}
			if all := fmt.Sprintf("%v %+v %#v %q", err, err, err, c.Warnings); strings.Contains(all, canary) {
				t.Errorf("%s, %s: shown in %s", name, what, all)
			}
		}
	}
}

func TestSecretFromFile(t *testing.T) {
	for name, changes := range secretModes {
		for _, content := range []string{canary, canary + "\n", canary + "\r\n", canary + "\n\n"} {
			c := load(t, append(changes, name, "", name+fileSuffix, file(t, content))...)
			if got := c.secret(name).Reveal(); got != canary {
				t.Errorf("%s from a file with %q is %q", name, content, got)
			}
		}
	}
}

func TestSpacesBelongToASecret(t *testing.T) {
	const value = " pass word "
	sasl := []string{"KAFKA_SASL_MECHANISM", "PLAIN", "KAFKA_SASL_USERNAME", "u"}
	if got := load(t, append(sasl, "KAFKA_SASL_PASSWORD", value)...).Kafka.SASL.Password.Reveal(); got != value {
		t.Errorf("%q became %q", value, got)
	}
	if got := load(t, append(sasl, "KAFKA_SASL_PASSWORD_FILE", file(t, value+"\n"))...).Kafka.SASL.Password.Reveal(); got != value {
		t.Errorf("%q in a file became %q", value, got)
	}
}

// What a header cannot carry would fail at every call, hours later and without the
// variable's name.
func TestSecretThatNoHeaderCarriesIsAConfigurationError(t *testing.T) {
	for _, value := range []string{canary + " ", " " + canary, canary + "é", "a b"} {
		problem := refused(t, "MPC_AUTH_TOKEN", "MPC_AUTH_TOKEN", value)
		if !strings.Contains(problem, "copy it again") || strings.Contains(problem, canary) {
			t.Errorf("%q", problem)
		}
	}
}

// The SCRAM library's own error quotes the password.
func TestPasswordThatSCRAMCannotSendIsNotShown(t *testing.T) {
	problem := refused(t, "KAFKA_SASL_PASSWORD", "KAFKA_SASL_MECHANISM", "SCRAM-SHA-256", "KAFKA_SASL_USERNAME", "u", "KAFKA_SASL_PASSWORD", canary+"\u0221")
	if !strings.Contains(problem, "RFC 4013") || strings.Contains(problem, canary) {
		t.Errorf("%q", problem)
	}
}

// JSON would replace invalid UTF-8, and a wrong password locks the account.
func TestSecretInAnotherEncodingIsAConfigurationError(t *testing.T) {
	for name, changes := range secretModes {
		for value, says := range map[string]string{
			canary + "\xe4": "is not UTF-8", "\xff\xfep\x00": "is not UTF-8", "\uFEFF" + canary: "byte order mark",
		} {
			problem := refused(t, name, append(changes, name, "", name+fileSuffix, file(t, value+"\n"))...)
			if !strings.HasPrefix(problem, name+" ") || !strings.Contains(problem, says) || !strings.Contains(problem, name+fileSuffix) {
				t.Errorf("%q in a file: %q", value, problem)
			}
		}
		if problem := refused(t, name, append(changes, name, canary+"\xe4")...); !strings.Contains(problem, "is not UTF-8") {
			t.Errorf("%q", problem)
		}
	}
}

func TestAFilesNameCannotBreakTheLine(t *testing.T) {
	problem := refused(t, "MPC_AUTH_TOKEN", "MPC_AUTH_TOKEN", "", "MPC_AUTH_TOKEN_FILE", "/nowhere\nX")
	if strings.Contains(problem, "\n") || !strings.Contains(problem, `"/nowhere\nX": no such file`) {
		t.Errorf("%q", problem)
	}
}

func TestBadSecretFilesNameVariableAndPath(t *testing.T) {
	missing, empty := filepath.Join(t.TempDir(), "missing"), file(t, "\n")
	for path, says := range map[string]string{missing: "no such file", empty: "is empty", t.TempDir(): "is a directory"} {
		problem := refused(t, "MPC_AUTH_TOKEN", "MPC_AUTH_TOKEN", "", "MPC_AUTH_TOKEN_FILE", path)
		for _, part := range []string{"MPC_AUTH_TOKEN_FILE", path, says} {
			if !strings.Contains(problem, part) {
				t.Errorf("%q does not say %q", problem, part)
			}
		}
	}
	problem := refused(t, "MPC_AUTH_TOKEN", "MPC_AUTH_TOKEN_FILE", empty)
	if !strings.Contains(problem, "MPC_AUTH_TOKEN and MPC_AUTH_TOKEN_FILE are both set") {
		t.Error(problem)
	}
}

func TestUnsetSecretShowsItselfAsEmpty(t *testing.T) {
	if s := fmt.Sprintf("%v|%#v", Secret{}, Secret{}); s != `|config.Secret("")` {
		t.Error(s)
	}
}
