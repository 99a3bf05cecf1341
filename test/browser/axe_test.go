//go:build browser

package browser

import (
	"os"
	"testing"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

// axeFile is fetched by `make axe`.
const axeFile = "node_modules/axe-core/axe.min.js"

// TestAxeFindsNothing runs axe-core on each state, in both colour schemes, and on a story.
func TestAxeFindsNothing(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v: run make axe", err)
	}
	check := func(t *testing.T, b *tab) {
		t.Helper()
		_ = value[bool](b, string(axe)+`; window.found = null; axe.run(document, { resultTypes: ['violations'] }).then((result) => { window.found = result.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ') + ' ' + n.failureSummary).join('; ')) }); true`)
		b.until(`window.found`)
		for _, violation := range value[[]string](b, `window.found`) {
			t.Error(violation)
		}
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, state := range states {
			t.Run(state.name+"/"+scheme, func(t *testing.T) {
				s := newService(state.set).withAnswers()
				url, _ := serve(t, s, s.clock, "")
				check(t, open(t, url, sizes[0], scheme))
			})
		}
		t.Run("story/"+scheme, func(t *testing.T) {
			s := newService(nil).withAnswers()
			refused := &events.APIError{Status: 503, Code: "APIG.0613", RequestID: "b0-17"}
			s.add("538526", "", nil, story.Step{Kind: story.Call}, story.Step{Kind: story.Refused, Error: refused}, story.Step{Kind: story.BackoffWait})
			url, _ := serve(t, s, s.clock, "")
			b := open(t, url+"/#task=538526", sizes[1], scheme)
			b.until(`document.getElementById('story').getAttribute('aria-busy') === 'false'`)
			check(t, b)
		})
	}
}
