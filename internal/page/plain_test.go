package page

import (
	"strings"
	"testing"
	"unicode"

	"remux-retrier/internal/story"
)

// Who is on call asks with curl.
func TestATerminalShowsADocumentAsText(t *testing.T) {
	const hostile = "\x1b]0;pwned\x07\u009b1A\u202egpj\u2066\u200b"
	s := newSource()
	told := story.Story{TaskID: "7", EventID: hostile, Steps: []story.Step{{Kind: story.DeadLetterWait, Detail: hostile}}}
	told.Failure.TaskID, told.Failure.ErrorCode, told.Failure.Description = "7", hostile, hostile
	s.stories = []story.Story{told}
	s.status.Notes = []string{hostile}
	p := newPage(t, s)
	for _, path := range []string{"/api/tasks/7", "/api/status", "/api/latest"} {
		if text := get(p, path).Body.String(); strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' }) {
			t.Errorf("%s: %q", path, text)
		}
	}
	if got := decode[Task](t, get(p, "/api/tasks/7")); len(got.Stories) != 1 || got.Stories[0].Description != hostile {
		t.Errorf("a program does not get what is in it: %+v", got)
	}
}
