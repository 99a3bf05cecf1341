package events_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"remux-retrier/events"
)

// encoding/json decides what is JSON, here for every byte at every place where the grammar
// matters.
func TestTheGrammarIsThatOfJSON(t *testing.T) {
	for c := range 0x80 {
		for _, form := range []string{
			`%c{"task_id":"1"}`, `{%c"task_id":"1"}`, `{"task_id"%c:"1"}`, `{"task_id":%c"1"}`, `{"task_id":"1"%c}`, `{"task_id":"1"}%c`,
			`{"task_id":"1","x":"%c"}`, `{"task_id":"1","x":"\%c"}`, `{"task_id":"1","x":"\%c012f"}`,
			`{"task_id":"1","x":"\u%c012"}`, `{"task_id":"1","x":"\u012%c"}`, `{"task_id":"1","x":"\u01%c"}`,
			`{"task_id":"1","x":%c}`, `{"task_id":"1","x":%c1}`, `{"task_id":"1","x":1%c}`, `{"task_id":"1","x":0%c}`, `{"task_id":"1","x":-%c}`,
			`{"task_id":"1","x":1.%c}`, `{"task_id":"1","x":1.5%c}`, `{"task_id":"1","x":1e%c}`, `{"task_id":"1","x":1e%c1}`, `{"task_id":"1","x":1e1%c}`,
			`{"task_id":"1","x":[%c]}`, `{"task_id":"1","x":[1%c]}`, `{"task_id":"1","x":[1%c2]}`, `{"task_id":"1","x":[[]%c]}`, `{"task_id":"1","x":[{}%c}`,
			`{"task_id":"1","x":{%c}}`, `{"task_id":"1","x":{"a":1%c}}`, `{"task_id":"1","x":{"a":1%c"b":2}}`, `{"task_id":"1","x":{"a"%c1}}`,
			`{"task_id":"1","x":tru%c}`, `{"task_id":"1","x":true%c}`, `{"task_id":"1","x":f%clse}`, `{"task_id":"1","x":nul%c}`,
		} {
			value := fmt.Appendf(nil, form, c)
			_, err := events.ReadFailure(value, nil)
			if valid := json.Valid(value); valid != (err == nil) {
				t.Errorf("%q: encoding/json says %t, but: %v", value, valid, err)
			}
		}
	}
}

func TestEveryPrefixOfAnEventIsCutShort(t *testing.T) {
	event := cloudEvent(`{"x":[{"a":-1.5e+3,"b":["\u00e4\n",true,false,null,{}]},[]],"task_id":"1"}`)
	for end := 1; end < len(event); end++ {
		_, err := events.ReadFailure([]byte(event[:end]), nil)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("it ends at byte %d", end)) {
			t.Fatalf("%s: %v", event[:end], err)
		}
	}
}

// Authors of producers look for the position first.
func TestErrorsSayWhere(t *testing.T) {
	for value, want := range map[string]string{
		`{"task_id":"1"; "x":1}`:             `byte 14: invalid character ';' after object value (expecting ',' or '}')`,
		`{"x":[1;2]}`:                        `byte 7: invalid character ';' after array element (expecting ',' or ']')`,
		"{\"x\":\"a\tb\"}":                   `byte 7: invalid character '\t' in string`,
		"{\"task_id\":\"1\",\"x\":\"\xe4\"}": `not UTF-8 at byte 20`,
		"\xEF\xBB\xBF{}":                     `byte order mark`,
		"\xFF\xFE{\x00":                      `UTF-16`,
		"{\"\uFFFD\":\"\xff\"}":              `not UTF-8 at byte 8`,
		smn(`{"task_id":1 2}`):               `in the message of the SMN envelope: not JSON: byte 13: invalid character '2'`,
		`{"specversion":1.0,"type":"x","data":{"task_id":"1"}}`:   `the CloudEvent's specversion is 1.0; expected the string "1.0"`,
		`{"specversion":"0.3","type":"x","data":{"task_id":"1"}}`: `the CloudEvent's specversion is the string "0.3"; expected`,
		`{"specversion":[1],"type":"x","data":{"task_id":"1"}}`:   `the CloudEvent's specversion is an array; expected`,
		cloudEvent(`{"task_id":""}`):                              `in the CloudEvent's data: the task_id is empty`,
		`{"remux_info":{"status":"FAILED"}}`:                      `in remux_info: there is no task_id`,
	} {
		if _, err := events.ReadFailure([]byte(value), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\ngot  %v\nwant %s", value, err, want)
		}
	}
}

func TestEscapesMeanWhatJSONSays(t *testing.T) {
	for _, text := range []string{
		`\"\\\/\b\f\n\r\t`, `\u00e4\u00E4\u4e2d\uffff`, `\ud83d\ude00\uD83D\uDE00`, `a\ud83db`, `\ud83d\n`, `\ud83d\u0041`,
		`\ude00\ud83d`, `\ud83d\ud83d\ude00`, `\ud83d`, `\ud83d\\u`, `ä\u0000ä`,
	} {
		var want string
		if err := json.Unmarshal([]byte(`"`+text+`"`), &want); err != nil {
			t.Fatal(err)
		}
		got, err := events.ReadFailure([]byte(`{"task_id":"1","description":"`+text+`"}`), nil)
		if err != nil || got.Description != want {
			t.Errorf("%s: got %q, %v; encoding/json reads %q", text, got.Description, err, want)
		}
	}
}
