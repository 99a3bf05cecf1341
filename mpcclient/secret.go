package mpcclient

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

const redacted = "[redacted]"

// secret keeps a credential out of everything that prints. The value sits behind a pointer because fmt does not call
// the methods of unexported fields, but prints a nested pointer as an address, and with an odd verb what it points to: so
// that is a function. It gives the value as it is now, and the one before, which answers may still quote.
type secret struct{ value *func() (now, before string) }

func newSecret(s string) secret { return secretOf(func() string { return s }) }

func secretOf(current func() string) secret {
	var (
		mu           sync.Mutex
		last, before string
	)
	value := func() (string, string) {
		v := current()
		mu.Lock()
		defer mu.Unlock()
		if v != last {
			last, before = v, last
		}
		return v, before
	}
	return secret{&value}
}

func (s secret) reveal() string {
	if s.value == nil {
		return ""
	}
	now, _ := (*s.value)()
	return now
}

// blank replaces every occurrence of the secret in text: a gateway's error_msg may quote the access key it refused. A
// text that holds it in another spelling, or in one within another, is blanked as a whole.
func (s secret) blank(text string) string {
	if s.value == nil {
		return text
	}
	now, before := (*s.value)()
	return blank(blank(text, now), before)
}

func blank(text, v string) string {
	if v == "" {
		return text
	}
	text = strings.ReplaceAll(text, v, redacted)
	for _, outer := range unescapes {
		once := outer(text)
		if once == text {
			continue
		}
		if strings.Contains(once, v) {
			return redacted
		}
		for _, inner := range unescapes {
			if strings.Contains(inner(once), v) {
				return redacted
			}
		}
	}
	return text
}

// unescapes undo the escapes of JSON strings, HTML, URLs and forms, wherever they stand in a text.
var unescapes = [...]func(string) string{
	replacing(`\\(?:u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*|.)`, func(escape string) (plain string, err error) {
		err = json.Unmarshal([]byte(`"`+escape+`"`), &plain)
		return plain, err
	}),
	html.UnescapeString,
	unescapeURL,
	func(text string) string { return unescapeURL(strings.ReplaceAll(text, "+", " ")) },
}

var unescapeURL = replacing(`%[0-9a-fA-F]{2}`, url.PathUnescape)

// replacing replaces what matches by what it means, if anything.
func replacing(pattern string, meaning func(string) (string, error)) func(string) string {
	escapes := regexp.MustCompile(pattern)
	return func(text string) string {
		return escapes.ReplaceAllStringFunc(text, func(escape string) string {
			if plain, err := meaning(escape); err == nil {
				return plain
			}
			return escape
		})
	}
}

func (secret) String() string               { return redacted }
func (secret) GoString() string             { return redacted }
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
