package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one problem with one variable.
type Error struct {
	Variable string
	Problem  string // what it is and what is expected; never a secret's value
	row      int
}

func (e *Error) Error() string { return e.Variable + " " + e.Problem }

// Errors are all problems of a configuration, in the table's order.
type Errors []*Error

// Error returns one line for each problem.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, problem := range e {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// sorted returns the problems as an error, nil if there are none.
func (e Errors) sorted() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b *Error) int { return cmp.Compare(a.row, b.row) })
	return e
}

// fail notes a problem in the form "NAME is …" or "NAME …".
func (p *parser) fail(name, format string, args ...any) {
	p.problems = append(p.problems, &Error{
		Variable: name,
		Problem:  fmt.Sprintf(format, args...),
		row:      p.variable(name).row,
	})
}

// refused reports whether a variable has a problem.
func (p *parser) refused(name string) bool {
	return slices.ContainsFunc(p.problems, func(e *Error) bool { return e.Variable == name })
}

// refuse notes that a value, which is not a secret, is not as expected.
func (p *parser) refuse(name, value, expected string) {
	if value == "" {
		p.fail(name, "is not set: it must be %s", expected)
		return
	}
	p.fail(name, "is %s: it must be %s", quoted(value), expected)
}

// refusePrivate rejects an address that may contain a password or a key, without showing
// it.
func (p *parser) refusePrivate(name, value, expected string) (refused bool) {
	if !strings.ContainsAny(value, "@?#") {
		return false
	}
	p.fail(name, "holds user information, a query or a fragment (value not shown): it must be %s", expected)
	return true
}

func (p *parser) warn(format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(format, args...))
}

// quoted shows a value on one line, whatever it contains.
func quoted(value string) string {
	const enough = 200
	if len(value) > enough {
		return fmt.Sprintf("%q and %d bytes more", value[:enough], len(value)-enough)
	}
	return fmt.Sprintf("%q", value)
}
