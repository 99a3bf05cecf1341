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

// secret keeps a credential out of everything that is printed. The value is in a function
// because fmt does not call methods of unexported fields, but prints a function as an
// address. It returns the current credential and the previous one, which answers may still
// quote.
type secret struct {
	value func() (now, before *credential)
}

// credential is a credential as a header's value, so that a request takes it without a
// copy.
type credential struct {
	header []string
	blocks func() map[string][]int // positions of each of its blocks
}

func newCredential(s string) *credential {
	return &credential{[]string{s}, sync.OnceValue(func() map[string][]int { return blocksOf(s) })}
}

func newSecret(s string) secret {
	now := newCredential(s)
	return secret{func() (*credential, *credential) { return now, nil }}
}

// secretOf is a secret that changes.
func secretOf(current func() string) secret {
	var (
		mu          sync.Mutex
		now, before *credential
	)
	return secret{func() (*credential, *credential) {
		v := current()
		mu.Lock()
		defer mu.Unlock()
		if now == nil || now.header[0] != v {
			now, before = newCredential(v), now
		}
		return now, before
	}}
}

// header is for requests; their headers are never changed.
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

func (s secret) redact(text string) string {
	if s.value == nil {
		return text
	}
	now, before := s.value()
	return before.redact(now.redact(text))
}

// redact replaces the credential in text, and any part of it that is longer than longest: a
// gateway's error_msg may quote the access key that it rejects, or the start of a token. A
// text that contains it in another encoding, even nested, is redacted completely. Only the
// start of a long text is kept.
func (h *credential) redact(text string) string {
	if h == nil || h.header[0] == "" {
		return text
	}
	v := h.header[0]
	text = strings.ReplaceAll(cut(text, maxRedacted), v, redacted)
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
	return h.replace(text) // last: a part of a secret in another encoding would not be recognized
}

// maxRedacted bounds the work on a text of which at most maxMessage is shown.
const maxRedacted = 4 * maxMessage

// unescapes decode the escapes of JSON strings, HTML, URLs and forms anywhere in a text.
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

// unBase64 decodes a word from each possible start of its encoding: what precedes it may
// look like a part of it.
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

// replacing replaces matches by their meaning, if they have one.
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
