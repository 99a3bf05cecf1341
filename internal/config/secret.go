package config

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	fileSuffix = "_FILE"
	redacted   = "[redacted]"
)

// Secret is a value that shows itself only to who asks for it by Reveal. An
// empty one shows itself as empty, so that a log tells set from unset. The value
// stands behind a pointer because fmt calls no method of a Secret that lies in
// an unexported field, but prints a nested pointer as an address.
type Secret struct{ value *string }

// NewSecret keeps value out of sight.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal is the value itself, for the one place that sends it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// String hides the value.
func (s Secret) String() string {
	if s.Reveal() == "" {
		return ""
	}
	return redacted
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return fmt.Sprintf("config.Secret(%q)", s.String()) }

// Format hides the value from every verb, %x and %d included.
func (s Secret) Format(f fmt.State, verb rune) {
	text := s.String()
	if verb == 'v' && f.Flag('#') {
		text = s.GoString()
	}
	_, _ = f.Write([]byte(text)) // fmt has nowhere to report it either
}

// MarshalJSON hides the value.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalText hides the value, from other encoders too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// isSet says whether the variable, or a secret's _FILE variant, has anything at
// all.
func (p *parser) isSet(name string) bool {
	return p.value(name) != "" || p.variable(name).secret && os.Getenv(name+fileSuffix) != ""
}

// secret reads the variable, or the file that its _FILE variant names, as
// container platforms mount secrets. Editors end files with a newline, so the
// ones at the end do not belong to the value.
func (p *parser) secret(name string) Secret {
	value, source := p.variable(name).raw, name
	if path := os.Getenv(name + fileSuffix); path != "" {
		source += fileSuffix
		if value != "" {
			p.fail(name, "and %s are both set: unset one of them", source)
			return Secret{}
		}
		content, err := readFile(path)
		if err != nil {
			p.fail(name, "cannot be read through %s: %v", source, err)
			return Secret{}
		}
		if value = strings.TrimRight(string(content), "\r\n"); value == "" {
			p.fail(name, "cannot be read through %s: %s is empty", source, shown(path))
			return Secret{}
		}
	}
	if value == "" {
		return Secret{}
	}
	switch {
	case !utf8.ValidString(value):
		// JSON would change it without a word, and wrong passwords lock the account.
		p.fail(name, "is not UTF-8 (value not shown): %s must hold it in UTF-8", source)
	case strings.HasPrefix(value, "\uFEFF"):
		p.fail(name, "begins with a byte order mark (value not shown): %s must hold the bare secret, so save it without one", source)
	case strings.ContainsFunc(value, unicode.IsControl):
		p.fail(name, "has a line break or another control character (value not shown): %s must hold the bare secret", source)
	default:
		return NewSecret(value)
	}
	return Secret{}
}

// headerSecret is a secret that is sent in a header, or signs one. What net/http
// would refuse at every call is refused here; most often it was copied too.
func (p *parser) headerSecret(name string) Secret {
	s := p.secret(name)
	if strings.ContainsFunc(s.Reveal(), func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		p.fail(name, "has a blank or a non-ASCII character (value not shown): copy it again")
		return Secret{}
	}
	return s
}
