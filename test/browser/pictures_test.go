//go:build browser

package browser

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// terminal is a program on a terminal of its own.
type terminal struct {
	keys io.WriteCloser
	mu   sync.Mutex
	out  bytes.Buffer
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.Write(p)
}

func (t *terminal) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.out.String()
}

func (t *terminal) press(tb testing.TB, key string) {
	tb.Helper()
	if _, err := io.WriteString(t.keys, key); err != nil {
		tb.Fatal(err)
	}
}

// sandbox runs the real sandbox on a terminal (with script of Debian's bsdutils).
func sandbox(t *testing.T, arguments string) *terminal {
	t.Helper()
	program := filepath.Join(t.TempDir(), "sandbox")
	if out, err := exec.Command("go", "build", "-o", program, "../../cmd/sandbox").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	run := exec.Command("script", "-qefc", "stty cols 122 rows 40; exec "+program+" "+arguments, "/dev/null")
	run.Env = append(os.Environ(), "TERM=xterm-256color", "NO_COLOR=")
	keys, err := run.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{keys: keys}
	run.Stdout, run.Stderr = term, term
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		term.press(t, "q")
		if err := run.Wait(); err != nil {
			t.Errorf("the sandbox: %v\n%s", err, term)
		}
	})
	return term
}

// address returns the address of the page that the sandbox prints.
func (t *terminal) address(tb testing.TB) string {
	tb.Helper()
	for range 600 {
		if _, rest, ok := strings.Cut(t.String(), "Page   "); ok && strings.Contains(rest, "TIME") {
			url, _, _ := strings.Cut(rest, "/ ")
			return url
		}
		time.Sleep(100 * time.Millisecond)
	}
	tb.Fatalf("no address within a minute: %s", t)
	return ""
}

// TestTheRealThing opens the page of the real service in the sandbox, while MPC serves and
// in an outage. With PICTURES it saves the README's pictures in that directory, the first one
// after PICTURES_AFTER (default 8s), when the page has answers to show.
func TestTheRealThing(t *testing.T) {
	t.Parallel()
	dir, after := os.Getenv("PICTURES"), 8*time.Second
	if dir == "" {
		dir = t.TempDir()
	}
	if text := os.Getenv("PICTURES_AFTER"); text != "" {
		var err error
		if after, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	term := sandbox(t, "--quota 150 --http 127.0.0.1:0")
	url := term.address(t)
	time.Sleep(after) // answers accumulate

	desktop := open(t, url, size{"desktop", 1280, 1120, false}, "light")
	desktop.until(`['working', 'quota'].includes(document.getElementById('state').dataset.state) && document.querySelectorAll('#latest tr').length > 3`)
	desktop.picture(filepath.Join(dir, "page.png"), false)
	desktop.checkPage(url)

	// The task that was refused last, on a phone.
	const refused = `[...document.querySelectorAll('#latest tr')].find((r) => r.querySelector('[data-outcome=retry_failed]') && r.querySelector('a'))`
	desktop.until(refused)
	id := value[string](desktop, refused+`.querySelector('a').textContent`)
	phone := open(t, url+"/#task="+id, sizes[1], "light")
	phone.until(`document.getElementById('story').getAttribute('aria-busy') === 'false'`)
	if words := phone.text("#story"); !strings.Contains(words, "Not retried") || !strings.Contains(words, "Records in the topics") {
		t.Errorf("the story of %s: %s", id, words)
	}
	phone.do(chromedp.Evaluate[chromedp.Void](`document.getElementById('story').scrollIntoView()`))
	phone.picture(filepath.Join(dir, "phone.png"), false)
	phone.checkPage(url)

	term.press(t, "d")
	dark := open(t, url, size{"desktop", 1280, 1120, false}, "dark")
	dark.until(`document.getElementById('state').dataset.state === 'outage' && document.getElementById('state-error-text').textContent.includes('503')`)
	time.Sleep(min(after, 15*time.Second)) // events accumulate
	dark.picture(filepath.Join(dir, "page-dark.png"), false)
	dark.checkPage(url)
	shown := term.String()
	term.press(t, "d")
	dark.until(`['working', 'quota', 'idle'].includes(document.getElementById('state').dataset.state)`)
	time.Sleep(2 * time.Second) // the waiting events are answered
	if _, _, found := strings.Cut(term.String(), shown); !found {
		t.Error("the sandbox has stopped")
	}
	terminalPicture(t, term.String(), filepath.Join(dir, "sandbox.png"), 30)
	for _, name := range []string{"page.png", "page-dark.png", "phone.png", "sandbox.png"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() > 200_000 || info.Size() < 10_000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}
