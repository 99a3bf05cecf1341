package mpcclient

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"sync"
)

const redacted = "[redacted]"

// secret keeps a credential out of everything that prints. The value sits in a function because fmt does not call the
// methods of unexported fields, but prints a function as an address. It gives the credential as it is now, and the one
// before, which answers may still quote.
type secret struct{ value func() (now, before *held) }

// held is a credential in the form of a header's value, so that a request takes it without a copy.
type held struct {
	header []string
	blocks func() map[string][]int // where each of its blocks stands
}

func hold(s string) *held {
	return &held{[]string{s}, sync.OnceValue(func() map[string][]int { return blocksOf(s) })}
}

func newSecret(s string) secret {
	now := hold(s)
	return secret{func() (*held, *held) { return now, nil }}
}

// secretOf is a secret that changes.
func secretOf(current func() string) secret {
	var (
		mu          sync.Mutex
		now, before *held
	)
	return secret{func() (*held, *held) {
		v := current()
		mu.Lock()
		defer mu.Unlock()
		if now == nil || now.header[0] != v {
			now, before = hold(v), now
		}
		return now, before
	}}
}

// header is for requests, whose headers nobody changes.
func (s secret) header() []string {
	now, _ := s.value()
	return now.header
}

func (s secret) reveal() string {
	if s.value == nil {
		return ""
	}
	return s.header()[0]
}

func (s secret) blank(text string) string {
	if s.value == nil {
		return text
	}
	now, before := s.value()
	return before.blank(now.blank(text))
}

// blank replaces the credential in text, and any longer part of it: a gateway's error_msg may quote the access key that it
// refused, or the beginning of a token. A text that holds it in another spelling, or in one within another, is blanked as
// a whole. Only the beginning of a long text is kept.
func (h *held) blank(text string) string {
	if h == nil || h.header[0] == "" {
		return text
	}
	v := h.header[0]
	text = strings.ReplaceAll(cut(text, maxBlanked), v, redacted)
	for _, outer := range unescapes {
		once := outer(text)
		if once == text {
			continue
		}
		if h.isIn(once) {
			return redacted
		}
		for _, inner := range unescapes {
			if h.isIn(inner(once)) {
				return redacted
			}
		}
	}
	return h.replace(text) // last: what is left of a secret in another spelling would not be recognised
}

// maxBlanked bounds the work on a text of which in the end no more than maxMessage is shown.
const maxBlanked = 4 * maxMessage

// unescapes undo the escapes of JSON strings, HTML, URLs and forms, wherever they stand in a text.
var unescapes = [...]func(string) string{
	replacing(`\\(?:u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*|.)`, func(escape string) (plain string, err error) {
		err = json.Unmarshal([]byte(`"`+escape+`"`), &plain)
		return plain, err
	}),
	html.UnescapeString,
	unescapeURL,
	func(text string) string { return unescapeURL(strings.ReplaceAll(text, "+", " ")) },
	replacing(`[A-Za-z0-9+/_-]{12,}`, unBase64),
	replacing(`(?:[0-9a-fA-F]{2}){8,}`, func(digits string) (string, error) {
		plain, err := hex.DecodeString(digits)
		return string(plain), err
	}),
}

// unBase64 decodes a word from each place at which its encoding may begin: what stands before it may look like more.
func unBase64(word string) (string, error) {
	word = strings.NewReplacer("-", "+", "_", "/").Replace(word)
	var plain []byte
	for from := range 4 {
		part := word[from:]
		if len(part)%4 == 1 {
			part = part[:len(part)-1]
		}
		decoded, _ := base64.RawStdEncoding.DecodeString(part)
		plain = append(append(plain, decoded...), 0)
	}
	return string(plain), nil
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
