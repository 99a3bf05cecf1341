package mpcsim

import (
	"fmt"
	"strings"
	"testing"
)

func TestConfigurationErrorsNameTheirFieldsAndShowNoSecret(t *testing.T) {
	for want, c := range map[string]Config{
		"ProjectID is missing":               {Tokens: []Secret{"canary"}},
		"no caller is allowed":               {ProjectID: "p"},
		"AccessKey and SecretKey":            {ProjectID: "p", SecretKey: "canary"},
		"SecurityToken belongs":              {ProjectID: "p", Tokens: []Secret{"canary"}, SecurityToken: "canary"},
		"Username and Password":              {ProjectID: "p", Tokens: []Secret{"canary"}, Password: "canary"},
		"Tokens holds an empty token":        {ProjectID: "p", Tokens: []Secret{""}},
		`Then is "CANCELED"`:                 {ProjectID: "p", Tokens: []Secret{"canary"}, Then: StatusCanceled},
		"outage \"x\" is none of":            {ProjectID: "p", Tokens: []Secret{"canary"}, Faults: Faults{Outage: "x"}},
		"ProjectID is missing\nno caller is": {},
	} {
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestPrintedConfigurationShowsNoSecret(t *testing.T) {
	c := Config{Tokens: []Secret{"canary"}, AccessKey: "canary", SecretKey: "canary", SecurityToken: "canary", Password: "canary"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		if text := fmt.Sprintf(verb, c); strings.Contains(text, "canary") || strings.Contains(strings.ToLower(text), "63616e617279") {
			t.Errorf("%s: %s", verb, text)
		}
	}
}
