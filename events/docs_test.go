package events_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"remux-retrier/events"
	"remux-retrier/events/schema"
)

// rows returns the cells of a table of docs/EVENTS.md that is between comments with this
// name.
func rows(t *testing.T, table string) [][]string {
	t.Helper()
	guide, err := os.ReadFile("../docs/EVENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, opened := strings.Cut(string(guide), "<!-- "+table+":begin -->\n")
	text, _, closed := strings.Cut(rest, "<!-- "+table+":end -->")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if !opened || !closed || len(lines) < 3 {
		t.Fatalf("EVENTS.md has no table %s", table)
	}
	var all [][]string
	for _, line := range lines[2:] { // below the head and its rule
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all = append(all, cells)
	}
	return all
}

// codes returns the words in backquotes.
func codes(cell string) (words []string) {
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
		words = append(words, m[1])
	}
	return words
}

func TestEVENTSHasEachReasonAndNoOther(t *testing.T) {
	var got, want []string
	for _, row := range rows(t, "reasons") {
		got = append(got, strings.Join(append(codes(row[0]), codes(row[1])...), " "))
	}
	for _, r := range events.Reasons() {
		want = append(want, r.Kind().Type()+" "+string(r))
	}
	if !slices.Equal(got, want) {
		t.Errorf("EVENTS.md has the reasons\n%q\nand the code\n%q", got, want)
	}
}

func TestEVENTSHasEachDefectAndNoOther(t *testing.T) {
	var got, want []string
	for _, row := range rows(t, "defects") {
		got = append(got, codes(row[0])...)
	}
	for _, d := range events.Defects() {
		want = append(want, string(d))
	}
	if !slices.Equal(got, want) {
		t.Errorf("EVENTS.md has the reasons of dead letters\n%q\nand the code\n%q", got, want)
	}
}

func TestEVENTSHasEachFieldOfAnOutcome(t *testing.T) {
	var got []string
	for _, row := range rows(t, "outcome") {
		got = append(got, codes(row[0])...)
	}
	text, err := schema.Files.ReadFile("outcome.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var outcomes struct{ Properties map[string]any }
	if err := json.Unmarshal(text, &outcomes); err != nil || len(outcomes.Properties) == 0 {
		t.Fatalf("the schema has no properties: %v", err)
	}
	for field := range outcomes.Properties {
		if !slices.Contains(got, field) {
			t.Errorf("EVENTS.md does not explain the field %s of an outcome", field)
		}
	}
	for _, field := range got {
		if outcomes.Properties[field] == nil {
			t.Errorf("an outcome has no field %s", field)
		}
	}
}

func TestEVENTSHasEachHeader(t *testing.T) {
	var letters, cloudEvent, documented []string
	for _, h := range events.DeadLetterReference(place, &events.Unreadable{Reason: events.TooLarge}, 1, place.Offset+1) {
		letters = append(letters, h.Key)
	}
	for _, row := range rows(t, "letters") {
		documented = append(documented, codes(row[0])...)
	}
	if !slices.Equal(documented, letters) {
		t.Errorf("EVENTS.md has the headers of dead letters\n%q\nand the code\n%q", documented, letters)
	}
	for _, h := range encode(t, outcome(events.Accepted)).Headers {
		cloudEvent = append(cloudEvent, h.Key)
	}
	documented = nil
	for _, row := range rows(t, "headers") {
		documented = append(documented, codes(row[0])...)
	}
	if !slices.Equal(documented, cloudEvent) {
		t.Errorf("EVENTS.md has the headers of outcomes\n%q\nand the code\n%q", documented, cloudEvent)
	}
}
