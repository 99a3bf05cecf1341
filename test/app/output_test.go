package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	stdlog "log"
	"strings"
	"testing"

	"remux-retrier/internal/app"
)

// net/http logs what a server sends without a request, which may repeat our request's
// header.
func TestTheLibrarysLogIsTheServicesAndQuotesNothing(t *testing.T) {
	env := environment(t, allTopics())
	env["LOG_FORMAT"] = "json"
	output, _ := start(t, env)
	await(t, output, "starting")
	stdlog.Printf("Unsolicited response on idle HTTP channel starting with %q; err=%v", `HTTP/1.1 200 "CANARY`, nil)
	await(t, output, "Unsolicited response")
	for line := range strings.Lines(output.String()) {
		if !json.Valid([]byte(line)) || strings.Contains(line, "CANARY") {
			t.Error(line)
		}
	}
	var said bytes.Buffer
	stdlog.SetOutput(&said)
	if code := app.Run(context.Background(), []string{"explain", "MPC.10213"}, "v", io.Discard, io.Discard, nil); code != 0 {
		t.Errorf("exit code %d", code)
	}
	stdlog.Print("of a command's client")
	if said.Len() > 0 {
		t.Errorf("a command printed %q", said.String())
	}
}
