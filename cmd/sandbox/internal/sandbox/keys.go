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

// readKeys calls press for each key until the reader ends. Keys without a character,
// such as arrows, arrive as one sequence that begins with an escape; they are ignored.
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

// pressed carries out a key's command.
func (s *sandbox) pressed(key rune) {
	switch key {
	case 'q':
		s.cancel()
	case ctrlC:
		s.tty.interrupt()
	case 'n':
		s.active.toggle(nil)
	case '?':
		s.printer.write(s.keyList())
	default:
		if chosen := faultBy(func(f fault) bool { return f.key == key }); chosen != nil {
			s.active.toggle(chosen)
		}
	}
}

func (s *sandbox) keyList() string {
	var b strings.Builder
	line := func(key rune, name, what string) {
		b.WriteString("  " + s.printer.paint(bold, string(key)) + "  " + pad(name, 13) + s.printer.paint(dim, what) + "\n")
	}
	for _, f := range catalogue {
		line(f.key, f.name, "MPC "+f.what)
	}
	line('n', "normal", "MPC is healthy; a fault's own key does the same")
	line('q', "quit", "stop cleanly, like Ctrl-C; a second Ctrl-C ends at once")
	line('?', "keys", "this list")
	return b.String()
}

// keyHelp returns the keys for -h.
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
