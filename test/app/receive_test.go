package app_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/smnsim"
	"remux-retrier/internal/testsecrets"
)

const smnTopic = "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:mpc"

func TestReceiveFollowsItsCertificate(t *testing.T) {
	smn, err := smnsim.New(smnsim.Config{Topic: smnTopic})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(smn.Close)
	dir := t.TempDir()
	ca, cert, key := filepath.Join(dir, "ca"), filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	if err := os.WriteFile(ca, smn.CA(), 0o600); err != nil {
		t.Fatal(err)
	}
	ends := time.Now().Add(24 * time.Hour)
	testsecrets.Certify(t, cert, key, ends)
	env, addr, health := environment(t, allTopics()), freeAddress(t), freeAddress(t)
	for name, value := range map[string]string{
		"HTTP_ADDR": health, "RECEIVE_ADDR": addr, "RECEIVE_TOPIC_URNS": smnTopic, "RECEIVE_CERT_HOSTS": smn.Host(), "RECEIVE_CA_FILE": ca,
		"RECEIVE_TLS_CERT_FILE": cert, "RECEIVE_TLS_KEY_FILE": key, "MPC_ENDPOINT": "", "MPC_PROJECT_ID": "", "MPC_AUTH_TOKEN": "",
	} {
		env[name] = value
	}
	output, stop := start(t, env, "receive")
	await(t, output, "receiving SMN's messages")

	// post sends a notification and returns when the server's certificate expires.
	post := func(task string) time.Time {
		t.Helper()
		m, err := smn.Message(smnsim.Notification, smnsim.TaskEnded(task, "FAILED", "MPC.10105", ""), nil)
		if err != nil {
			t.Fatal(err)
		}
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		resp, err := client.Post("https://"+addr+"/", "application/json", bytes.NewReader(m.Body()))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("%s: %d\n%s", task, resp.StatusCode, output)
		}
		return resp.TLS.PeerCertificates[0].NotAfter
	}
	if got := post("1"); got.Unix() != ends.Unix() {
		t.Errorf("served with a certificate until %v", got)
	}
	later := ends.Add(24 * time.Hour)
	testsecrets.Certify(t, cert, key, later)
	await(t, output, "RECEIVE_TLS_CERT_FILE and RECEIVE_TLS_KEY_FILE has changed")
	if got := post("2"); got.Unix() != later.Unix() {
		t.Errorf("served with a certificate until %v", got)
	}
	resp, err := http.Get("http://" + health + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	for _, line := range []string{
		"remux_retrier_receive_certificate_expiry_timestamp_seconds ", "remux_retrier_receive_ready 1",
		`remux_retrier_receive_messages_total{reason="failed",result="published"} 2`,
	} {
		if !strings.Contains(string(text), "\n"+line) {
			t.Errorf("the metrics do not say %q", line)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if code := stop(); code != 0 || !strings.Contains(output.String(), "stopped") {
		t.Errorf("exit code %d\n%s", code, output)
	}
}

func TestReceivesAddressThatIsTakenIsExitCode1(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, variable := range []string{"RECEIVE_ADDR", "HTTP_ADDR"} {
		env := environment(t, allTopics())
		env["RECEIVE_ADDR"], env["RECEIVE_TOPIC_URNS"] = freeAddress(t), smnTopic
		env[variable] = taken.Addr().String()
		output, stop := start(t, env, "receive")
		await(t, output, variable+` \"`+taken.Addr().String()+`\" cannot be listened on`)
		if code := stop(); code != 1 {
			t.Errorf("exit code %d", code)
		}
	}
}
