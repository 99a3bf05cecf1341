package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/watchfile"
)

const unlimited = "unlimited"

// variable is a variable's value in the environment and its row in the table.
type variable struct {
	row      int
	raw      string
	fallback string
	secret   bool
}

// parser reads variables by name and notes every problem. After a problem its methods
// return a zero value, which is not used: Load then returns an error.
type parser struct {
	values   map[string]variable
	files    *watchfile.Set
	problems Errors
	warnings []string
}

func (p *parser) variable(name string) variable {
	v, ok := p.values[name]
	if !ok {
		panic("config: " + name + " is not in the table")
	}
	return v
}

// value is the variable's value without surrounding white space, or its default, which may
// be empty.
func (p *parser) value(name string) string {
	v := p.variable(name)
	if s := strings.TrimSpace(v.raw); s != "" {
		return s
	}
	return v.fallback
}

// text accepts any printable text.
func (p *parser) text(name string) string {
	value := p.value(name)
	if strings.ContainsFunc(value, unicode.IsControl) {
		p.refuse(name, value, "text without control characters")
		return ""
	}
	return value
}

func (p *parser) boolean(name string) bool {
	value := p.value(name)
	b, err := strconv.ParseBool(value)
	if err != nil {
		p.refuse(name, value, "true or false")
	}
	return b
}

func (p *parser) integer(name string, low, high int) int {
	value := p.value(name)
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		p.refuse(name, value, fmt.Sprintf("a whole number from %d to %d", low, high))
		return 0
	}
	return n
}

// limit rejects 0 with its own message: it could mean "none" or "unlimited", and a wrong
// guess costs money.
func (p *parser) limit(name string) Limit {
	value := p.value(name)
	if strings.EqualFold(value, unlimited) {
		return Unlimited
	}
	n, err := strconv.ParseInt(value, 10, 32)
	switch {
	case err == nil && n == 0:
		p.refuse(name, value, "a positive whole number; for no limit, write "+unlimited)
	case err != nil || n < 0:
		p.refuse(name, value, "a positive whole number below 2^31, or "+unlimited)
	default:
		return Limit(n)
	}
	return 0
}

func (p *parser) duration(name string, low, high time.Duration) time.Duration {
	value := p.value(name)
	d, err := time.ParseDuration(value)
	if err != nil || d < low || d > high {
		p.refuse(name, value, fmt.Sprintf("a duration with its unit, such as %s, from %s to %s",
			p.variable(name).fallback, short(low), short(high)))
		return 0
	}
	return d
}

// age is a duration, or 0 for unlimited.
func (p *parser) age(name string, low time.Duration) time.Duration {
	value := p.value(name)
	if strings.EqualFold(value, unlimited) {
		return 0
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < low {
		p.refuse(name, value, fmt.Sprintf("a duration of %s or more with its unit, such as 48h, or %s", short(low), unlimited))
		return 0
	}
	return d
}

// shutdownTimeout is checked against the API's timeout: a call that was just sent is
// billed, so its answer must be awaited, published and committed.
func (p *parser) shutdownTimeout(name string, call time.Duration) time.Duration {
	const afterLastCall, longest = 5 * time.Second, time.Hour
	d := p.duration(name, time.Second, longest)
	if d != 0 && call != 0 && d <= call+afterLastCall {
		p.refuse(name, p.value(name), fmt.Sprintf("more than %s, which is MPC_TIMEOUT and %s to publish and commit",
			short(call+afterLastCall), short(afterLastCall)))
		return 0
	}
	return d
}

// oneOf compares regardless of case and returns the value as listed.
func (p *parser) oneOf(name string, allowed ...string) string {
	value := p.value(name)
	i := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, value) })
	if i < 0 {
		last := len(allowed) - 1
		p.refuse(name, value, strings.Join(allowed[:last], ", ")+" or "+allowed[last])
		return ""
	}
	return allowed[i]
}

func (p *parser) logLevel(name string) logrus.Level {
	if strings.EqualFold(p.value(name), "warning") { // as the log writes it
		return logrus.WarnLevel
	}
	value := p.oneOf(name, "trace", "debug", "info", "warn", "error")
	if value == "" {
		return 0
	}
	level, err := logrus.ParseLevel(value)
	if err != nil {
		p.fail(name, "is not understood by the logger: %v", err)
	}
	return level
}

// list splits at commas and drops white space and empty elements.
func (p *parser) list(name string) []string {
	var items []string
	for item := range strings.SplitSeq(p.value(name), ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// short prints a duration without trailing zero minutes and seconds.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
