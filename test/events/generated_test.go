//go:build schemas

package events_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/events/eventstest"
)

// generated is the directory in which make test-schemas puts the generated types and their
// users.
const generated = "../../bin/schemas"

// users are the programs that use the types, by language.
var users = map[string][]string{
	"TypeScript": {"node", "use.js"},
	"Java":       {"java", "-XX:TieredStopAtLevel=1", "-cp", "classes:lib/*", "Use"},
	"Python":     {"python3", "use.py"},
}

func TestGeneratedTypesReadAnOutcomeOfEachReason(t *testing.T) {
	for language := range users {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			var values [][]byte
			for _, reason := range events.Reasons() {
				full := eventstest.Outcome(reason)
				bare := full
				bare.Retries, bare.Error, bare.Covers, bare.Failure = nil, nil, nil, events.Failure{TaskID: "1"}
				for _, o := range []events.Outcome{full, bare} {
					values = append(values, eventstest.Encode(t, o).Value)
				}
			}
			same(t, use(t, language, lines("outcome", values...))["outcome"], values)
		})
	}
}

func TestGeneratedTypesReadARecovery(t *testing.T) {
	full := eventstest.Recovery()
	bare := full
	bare.FirstFailedAt, bare.UserData = time.Time{}, ""
	var values [][]byte
	for _, r := range []events.Recovery{full, bare} {
		m, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, m.Value)
	}
	for language := range users {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			input := slices.Concat(lines("recovery", values...), anOutcomeOfEachReason(t))
			same(t, use(t, language, input)["recovery"], values)
		})
	}
}

// same checks that what was read was written again.
func same(t *testing.T, written []string, read [][]byte) {
	t.Helper()
	if len(written) != len(read) {
		t.Fatalf("%d values were read, %d written again", len(read), len(written))
	}
	for i, text := range written {
		if got, want := normal(t, []byte(text)), normal(t, read[i]); !reflect.DeepEqual(got, want) {
			t.Errorf("%v\nbecame\n%v", want, got)
		}
	}
}

// lines are the programs' input.
func lines(name string, values ...[]byte) []byte {
	var b bytes.Buffer
	for _, value := range values {
		b.WriteString(name + "\t" + string(value) + "\n")
	}
	return b.Bytes()
}

// anOutcomeOfEachReason is what Java's program wants in any case.
func anOutcomeOfEachReason(t *testing.T) []byte {
	t.Helper()
	var values [][]byte
	for _, reason := range events.Reasons() {
		values = append(values, eventstest.Encode(t, eventstest.Outcome(reason)).Value)
	}
	return lines("outcome", values...)
}

func TestTheServiceReadsAFailureEventOfEachShapeFromGeneratedTypes(t *testing.T) {
	schema := compile(t, "failure.schema.json")
	failure := events.Failure{TaskID: "538526", ErrorCode: "MPC.10105"}
	shapes := map[string]events.Failure{
		"plain": failure, "number": failure, "mpc": failure,
		"cloud": eventstest.WithID(failure, "e-1"), "base64": eventstest.WithID(failure, "e-1"), "smn": eventstest.WithID(failure, "m-1"),
	}
	for language := range users {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			written := use(t, language, anOutcomeOfEachReason(t))
			for name, want := range shapes {
				if len(written[name]) != 1 {
					t.Fatalf("%s: written %q", name, written[name])
				}
				text := written[name][0]
				if got, err := events.ReadFailure([]byte(text), nil); err != nil || got != want {
					t.Errorf("%s: %s is read as %+v, %v", name, text, got, err)
				}
				if err := schema.Validate(parse(t, text)); err != nil {
					t.Errorf("%s: %s: %v", name, text, err)
				}
			}
		})
	}
}

// use runs a language's program and returns its output, by name.
func use(t *testing.T, language string, input []byte) map[string][]string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	program := exec.CommandContext(ctx, users[language][0], users[language][1:]...)
	program.Dir, program.Stdin = generated, bytes.NewReader(input)
	program.Env = append(program.Environ(), "PYTHONPATH=python:packages")
	var stderr bytes.Buffer
	program.Stderr = &stderr
	out, err := program.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", program, err, &stderr)
	}
	written := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), "\t")
		written[name] = append(written[name], text)
	}
	return written
}

// normal returns a document in which times are written in one form.
func normal(t *testing.T, text []byte) any {
	t.Helper()
	var document any
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case string:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return at.UTC().Format(time.RFC3339Nano)
			}
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			for name := range v {
				v[name] = walk(v[name])
			}
		}
		return v
	}
	return walk(document)
}
