package events_test

import (
	"io/fs"
	"strings"
	"testing"

	"remux-retrier/events"
	"remux-retrier/events/schema"
)

func TestAsyncAPINamesTheDefaultTopics(t *testing.T) {
	doc := document(t, "asyncapi.json")
	if version := at(t, doc, "asyncapi"); version != "3.0.0" {
		t.Errorf("version %v", version)
	}
	for channel, topic := range map[string]string{
		"failed":      "remux.failed",
		"retried":     events.Retried.Type(),
		"retryFailed": events.RetryFailed.Type(),
		"deadLetter":  "remux.failed.dlq",
		"recovered":   events.RecoveredType,
	} {
		if got := at(t, doc, "channels", channel, "address"); got != topic {
			t.Errorf("channel %s has address %v, want %s", channel, got, topic)
		}
	}
	if channels := at(t, doc, "channels").(map[string]any); len(channels) != 5 {
		t.Errorf("%d channels, want 5", len(channels))
	}
}

func TestAsyncAPIOperationsGoTheRightWay(t *testing.T) {
	operations := at(t, document(t, "asyncapi.json"), "operations").(map[string]any)
	for name, operation := range operations {
		want := "send"
		if at(t, operation, "channel", "$ref") == "#/channels/failed" {
			want = "receive"
		}
		if got := at(t, operation, "action"); got != want {
			t.Errorf("%s: action %v, want %s", name, got, want)
		}
	}
	if len(operations) != 5 {
		t.Errorf("%d operations, want 5", len(operations))
	}
}

// Every $ref, at any depth, refers to something that exists.
func TestAsyncAPIReferencesResolve(t *testing.T) {
	doc := document(t, "asyncapi.json")
	found := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			for name, value := range v {
				if ref, ok := value.(string); ok && name == "$ref" {
					found[ref] = true
					continue
				}
				walk(value)
			}
		}
	}
	walk(doc)
	for ref := range found {
		file, pointer, local := strings.Cut(ref, "#/")
		if local && file == "" {
			at(t, doc, strings.Split(pointer, "/")...)
		} else if _, err := fs.Stat(schema.Files, ref); err != nil {
			t.Errorf("%s: %v", ref, err)
		}
	}
	for _, payload := range []string{"failure.schema.json", "outcome.schema.json", "recovered.schema.json"} {
		if !found[payload] {
			t.Errorf("no message refers to %s", payload)
		}
	}
}
