//go:build browser

package browser

import (
	"testing"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

// copied presses the button and returns the contents of the clipboard.
func (b *tab) copied(label string) string {
	b.t.Helper()
	_ = value[bool](b, `(window.copied = '', document.querySelector('button[aria-label="`+label+`"]').click(), true)`)
	b.until(`window.copied !== ''`)
	return value[string](b, `window.copied`)
}

func TestIDsAndCommandsAreCopiedAsTheyAre(t *testing.T) {
	t.Parallel()
	const id = "it's\u202e$HOME"
	refused := &events.APIError{Status: 503, Code: "APIG.0613", RequestID: "b0-17"}
	s := newService(stateNamed("stuck"))
	s.add(id, "", nil, story.Step{Kind: story.Call}, story.Step{Kind: story.Refused, Error: refused}, story.Step{Kind: story.BackoffWait})
	url, _ := serve(t, s, s.clock, "")
	for name, clipboard := range map[string]string{
		"clipboard": `Object.defineProperty(navigator, 'clipboard', { value: { writeText: async (text) => { window.copied = text } } })`,
		// As on a page that was loaded by plain http from another machine.
		"no clipboard": `Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.execCommand = () => { window.copied = document.activeElement.value; return true }`,
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, url+"/#task=it's%E2%80%AE%24HOME", sizes[0], "light")
			b.until(`document.getElementById('story').getAttribute('aria-busy') === 'false'`)
			_ = value[bool](b, `(() => { `+clipboard+`; return true })()`)
			for label, want := range map[string]string{
				"Copy the id": id,
				"Copy the command that explains the task": `remux-retrier explain 'it'\''s` + "\u202e" + `$HOME'`,
				"Copy the command that requests a retry":  `remux-retrier retry 'it'\''s` + "\u202e" + `$HOME'`,
				"Copy the request id":                     "b0-17",
				"Copy the command":                        "kafka-configs.sh --bootstrap-server $KAFKA_BROKERS --alter --entity-type topics --entity-name remux.failed.dlq --add-config max.message.bytes=1114112",
			} {
				if got := b.copied(label); got != want {
					t.Errorf("%s: %q, want %q", label, got, want)
				}
			}
			b.keep("copy")
		})
	}
}
