package config

import (
	"errors"
	"strings"

	"github.com/xdg-go/stringprep"
)

const (
	saslPlain    = "PLAIN"
	saslScram256 = "SCRAM-SHA-256"
	saslScram512 = "SCRAM-SHA-512"
)

// sasl requires all three variables or none.
func (p *parser) sasl() *SASL {
	names := []string{"KAFKA_SASL_MECHANISM", "KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}
	there, missing := p.present(names)
	if len(there) == 0 {
		return nil
	}
	if len(missing) > 0 {
		p.fail(missing[0], "is not set but %s is: SASL needs %s", there[0], strings.Join(names, ", "))
	}
	s := &SASL{Username: p.text("KAFKA_SASL_USERNAME")}
	if p.isSet("KAFKA_SASL_MECHANISM") {
		s.Mechanism = p.oneOf("KAFKA_SASL_MECHANISM", saslPlain, saslScram256, saslScram512)
	}
	if s.Mechanism == saslPlain {
		s.Password = p.secret("KAFKA_SASL_PASSWORD")
		return s
	}
	if err := prepared(s.Username); err != nil {
		p.fail("KAFKA_SASL_USERNAME", "%v", err)
	}
	s.Password = p.secret("KAFKA_SASL_PASSWORD", prepared)
	return s
}

// prepared rejects what SCRAM cannot send. The library's own error would quote it.
func prepared(value string) error {
	if _, err := stringprep.SASLprep.Prepare(value); err != nil {
		return errors.New("has a character that SCRAM does not allow (RFC 4013; value not shown)")
	}
	return nil
}

// present splits names into set and unset ones.
func (p *parser) present(names []string) (there, missing []string) {
	for _, name := range names {
		if p.isSet(name) {
			there = append(there, name)
		} else {
			missing = append(missing, name)
		}
	}
	return there, missing
}
