package config

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// prefixes of variables that look like ours.
var prefixes = regexp.MustCompile(`^(KAFKA|MPC|IAM|RETRY|RECEIVE)_`)

// Kubernetes sets such variables in every container for a Service with a name like kafka or
// mpc-proxy; see its documentation of Services.
var serviceLink = regexp.MustCompile(
	`(_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9_]+)?|_PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// unknownVariables warns about names that look like ours but are not: envconfig ignores
// them, so a default applies instead of the intended value. Values are not shown: a
// misspelt name may contain a secret.
func unknownVariables() []string {
	var known []string
	for _, t := range []reflect.Type{reflect.TypeFor[spec](), reflect.TypeFor[receiveSpec]()} {
		for field := range t.Fields() {
			known = append(known, field.Tag.Get("envconfig"))
			if field.Tag.Get("secret") != "" {
				known = append(known, field.Tag.Get("envconfig")+fileSuffix)
			}
		}
	}
	var warnings []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !prefixes.MatchString(name) || serviceLink.MatchString(name) || slices.Contains(known, name) {
			continue
		}
		warning := fmt.Sprintf("%s is not a variable of this service and has no effect", name)
		if candidate := nearest(name, known); candidate != "" {
			warning += "; did you mean " + candidate + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// nearest is the known name with the fewest edits, if they are few.
func nearest(name string, known []string) string {
	best, fewest := "", 4
	for _, k := range known {
		if d := edits(name, k); d < fewest {
			best, fewest = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitute := diagonal
			if a[i] != b[j] {
				substitute++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitute, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
