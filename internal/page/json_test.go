package page

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/story"
)

var update = flag.Bool("update", false, "add the JSON's new fields to "+fieldsFile)

// fieldsFile lists the stable part of the API: each field of the documents with its type.
const fieldsFile = "testdata/json.txt"

// fields lists the fields that encoding/json writes for a type, one per line.
func fields(path string, t reflect.Type, absent string) []string {
	switch {
	case t.Kind() == reflect.Pointer && absent == "":
		return fields(path, t.Elem(), " or null")
	case t.Kind() == reflect.Pointer:
		return fields(path, t.Elem(), absent)
	case t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[plain.Time]():
		return []string{path + " time" + absent}
	case t.Kind() == reflect.Slice:
		return append([]string{path + " list" + absent}, fields(path+"[]", t.Elem(), "")...)
	case t.Kind() == reflect.Struct:
		lines := []string{path + " object" + absent}
		for i := range t.NumField() {
			name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			if options != "" {
				options = ", may be absent"
			}
			lines = append(lines, fields(path+"."+name, t.Field(i).Type, options)...)
		}
		return lines
	case t.Kind() == reflect.String:
		return []string{path + " string" + absent}
	case t.Kind() == reflect.Bool:
		return []string{path + " true or false" + absent}
	}
	return []string{path + " number" + absent}
}

func TestNoFieldOfTheJSONIsRenamedOrRemoved(t *testing.T) {
	var now []string
	for _, doc := range []struct {
		name string
		is   reflect.Type
	}{
		{"/api/status", reflect.TypeFor[Status]()}, {"/api/history", reflect.TypeFor[Hour]()}, {"/api/latest", reflect.TypeFor[Latest]()}, {"/api/changes", reflect.TypeFor[Changes]()}, {"/api/instances", reflect.TypeFor[Instances]()},
		{"/api/tasks", reflect.TypeFor[Task]()}, {"explain", reflect.TypeFor[history.History]()},
	} {
		now = append(now, fields(doc.name, doc.is, "")...)
	}
	file, err := os.ReadFile(fieldsFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	before := slices.DeleteFunc(strings.Split(string(file), "\n"), func(line string) bool { return line == "" })
	without := func(list, others []string) string {
		return strings.Join(slices.DeleteFunc(slices.Clone(list), func(line string) bool { return slices.Contains(others, line) }), "\n\t")
	}
	if gone := without(before, now); gone != "" {
		t.Fatalf("these fields are gone, or are of another name or type; others rely on them:\n\t%s\nIf that is meant, say so in an issue and take the lines out of %s.", gone, fieldsFile)
	}
	if added := without(now, before); added != "" && !*update {
		t.Fatalf("these fields are new:\n\t%s\nIf they are meant to stay for ever: go test ./internal/page -run JSON -update", added)
	}
	if *update {
		if err := os.WriteFile(fieldsFile, []byte(strings.Join(now, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// names lists the fields of a document.
func names(path string, value any) (found []string) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			found = append(append(found, path+"."+name), names(path+"."+name, inner)...)
		}
	case []any:
		for _, inner := range v {
			found = append(found, names(path+"[]", inner)...)
		}
	}
	return found
}

// The list above is derived from Go's types; this checks what is sent.
func TestTheJSONThatIsSentHasTheFieldsThatAreListed(t *testing.T) {
	file, err := os.ReadFile(fieldsFile)
	if err != nil {
		t.Fatal(err)
	}
	s := newSource()
	s.stories = []story.Story{answeredStory("538526", events.Accepted)}
	s.topics = func(context.Context) (history.History, error) {
		return *knows(asked(time.Hour, true), replied(time.Hour, events.Accepted)), nil
	}
	s.status.Partitions = []Partition{{Partition: 3}}
	p := newPage(t, s)
	for path, doc := range map[string]string{"/api/status": "/api/status", "/api/history": "/api/history", "/api/latest": "/api/latest", "/api/changes": "/api/changes", "/api/instances": "/api/instances", "/api/tasks/538526": "/api/tasks"} {
		var sent any
		if err := json.Unmarshal(get(p, path).Body.Bytes(), &sent); err != nil {
			t.Fatal(err)
		}
		all := names(doc, sent)
		if len(all) < 2 {
			t.Errorf("%s is empty", path)
		}
		for _, name := range all {
			if !strings.Contains(string(file), "\n"+name+" ") {
				t.Errorf("%s is sent and not listed in %s", name, fieldsFile)
			}
		}
	}
	for _, always := range []string{"/api/tasks.verdict.code", "/api/tasks.topics.entries[].sentence", "/api/tasks.stories[].steps[].kind"} {
		if !slices.Contains(names("/api/tasks", decode[any](t, get(p, "/api/tasks/538526"))), always) {
			t.Errorf("%s is listed and not sent", always)
		}
	}
}
