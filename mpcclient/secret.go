package mpcclient

import (
	"fmt"
	"strings"
)

const redacted = "[redacted]"

// secret keeps a credential out of everything that prints. The value sits behind a pointer because fmt does not call
// the methods of unexported fields, but prints a nested pointer as an address.
type secret struct{ value *string }

func newSecret(s string) secret { return secret{&s} }

func (s secret) reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// blank replaces every occurrence of the secret in text. A gateway's error_msg may quote the access key it refused.
func (s secret) blank(text string) string {
	if v := s.reveal(); v != "" {
		return strings.ReplaceAll(text, v, redacted)
	}
	return text
}

func (secret) String() string               { return redacted }
func (secret) GoString() string             { return redacted }
func (secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (secret) Format(f fmt.State, _ rune)   { _, _ = f.Write([]byte(redacted)) }
