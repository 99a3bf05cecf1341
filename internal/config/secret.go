package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"remux-retrier/internal/watchfile"
)

const (
	fileSuffix = "_FILE"
	redacted   = "[redacted]"
)

// Secret is a value that is shown only by Reveal. An empty secret is shown as empty, so
// that a log tells set from unset. The value is behind a pointer because fmt calls no
// method of a Secret in an unexported field, but prints a nested pointer as an address.
// With an unusual verb fmt prints what the pointer refers to, so that is a function.
type Secret struct{ value *func() string }

// NewSecret returns a secret with a fixed value.
func NewSecret(value string) Secret { return secretFrom(func() string { return value }) }

func secretFrom(now func() string) Secret { return Secret{&now} }

// Reveal returns the current value, for the one place that sends it. A value from a file is
// updated when the file changes.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return (*s.value)()
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

// isSet reports whether the variable, or a secret's _FILE variant, has any value.
func (p *parser) isSet(name string) bool {
	return p.value(name) != "" || p.variable(name).secret && os.Getenv(name+fileSuffix) != ""
}

// secret reads the variable, or the file named by its _FILE variant, as container platforms
// mount secrets. more are additional checks; their errors show no value.
func (p *parser) secret(name string, more ...func(value string) error) Secret {
	value, path := p.variable(name).raw, os.Getenv(name+fileSuffix)
	checks := append([]func(string) error{bare}, more...)
	switch {
	case path == "" && value == "":
		return Secret{}
	case path == "":
		if err := firstError(value, checks); err != nil {
			p.fail(name, "%v", err)
			return Secret{}
		}
		return NewSecret(value)
	case value != "":
		p.fail(name, "and %s are both set: unset one of them", name+fileSuffix)
		return Secret{}
	}
	file, err := watchfile.Add(p.files, name+fileSuffix, []string{path}, func(contents [][]byte) (string, error) {
		// Editors end files with a newline, so trailing ones are not part of the value.
		value := strings.TrimRight(string(contents[0]), "\r\n")
		if value == "" {
			return "", &watchfile.PathError{Path: path, Err: errors.New("is empty")}
		}
		return value, firstError(value, checks)
	})
	if err != nil {
		p.fail(name, "cannot be read through %s: %v", name+fileSuffix, err)
		return Secret{}
	}
	return secretFrom(file.Get)
}

func firstError(value string, checks []func(string) error) error {
	for _, check := range checks {
		if err := check(value); err != nil {
			return err
		}
	}
	return nil
}

// bare rejects characters that no secret contains.
func bare(value string) error {
	switch {
	case !utf8.ValidString(value):
		// JSON would change it silently, and wrong passwords lock the account.
		return errors.New("is not UTF-8 (value not shown): it must be in UTF-8")
	case strings.HasPrefix(value, "\uFEFF"):
		return errors.New("begins with a byte order mark (value not shown): it must be the bare secret, so save it without one")
	case strings.ContainsFunc(value, unicode.IsControl):
		return errors.New("has a line break or another control character (value not shown): it must be the bare secret")
	}
	return nil
}

// headerSecret is a secret that is sent in a header or signs one. It rejects what net/http
// would reject at every call; usually it is a copying mistake.
func (p *parser) headerSecret(name string) Secret {
	return p.secret(name, func(value string) error {
		if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
			return errors.New("has a blank or a non-ASCII character (value not shown): copy it again")
		}
		return nil
	})
}
