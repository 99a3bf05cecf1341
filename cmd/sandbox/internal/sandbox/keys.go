package sandbox

import (
	"io"
	"strings"
	"unicode"
)

const (
	escape = '\x1b'
	ctrlC  = '\x03'
)

// readKeys passes on each key that is pressed, until the reader ends. Keys that
// are no characters (arrows, for one) come as a sequence in one piece, which
// begins with an escape and is no command.
func readKeys(r io.Reader, press func(rune)) {
	buffer := make([]byte, 64)
	for {
		n, err := r.Read(buffer)
		if keys := string(buffer[:n]); !strings.HasPrefix(keys, string(escape)) {
			for _, key := range keys {
				press(unicode.ToLower(key))
			}
		}
		if err != nil {
			return
		}
	}
}

// pressed does what a key is for.
func (s *sandbox) pressed(key rune) {
	switch key {
	case 'q':
		s.leave()
	case ctrlC:
		s.tty.interrupt()
	case 'n':
		s.weather.toggle(nil)
	case '?':
		s.paper.write(s.keyList())
	default:
		if chosen := faultBy(func(f fault) bool { return f.key == key }); chosen != nil {
			s.weather.toggle(chosen)
		}
	}
}

func (s *sandbox) keyList() string {
	var b strings.Builder
	line := func(key rune, name, what string) {
		b.WriteString("  " + s.paper.paint(bold, string(key)) + "  " + pad(name, 13) + s.paper.paint(dim, what) + "\n")
	}
	for _, f := range catalogue {
		line(f.key, f.name, "MPC "+f.what)
	}
	line('n', "normal", "MPC is well; so it is when the same key is pressed again")
	line('q', "quit", "stop in good order, as Ctrl-C; a second Ctrl-C ends at once")
	line('?', "keys", "this list")
	return b.String()
}

// keyHelp is the list for -h.
func keyHelp() string {
	return "  " + strings.Join(wrap(keyWords(), 76), "\n  ") + "\n"
}

func keyWords() []string {
	var words []string
	for _, f := range catalogue {
		words = append(words, string(f.key)+" "+f.name)
	}
	return append(words, "n normal", "q quit", "? explains them")
}
