package codes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"remux-retrier/events"
	"remux-retrier/internal/codes"
	"remux-retrier/mpcclient"
)

// answering is an API that answers every call in one way.
type answering struct {
	status int
	code   string
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	body := fmt.Sprintf(`{"error_code":%q,"error_msg":"…"}`, a.code)
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func classOf(t *testing.T, status int, code string) mpcclient.Class {
	t.Helper()
	c, err := mpcclient.New(mpcclient.Config{
		Endpoint: "https://mpc.example.com", ProjectID: "p", Auth: mpcclient.Token("token"), Transport: answering{status, code},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var failure *mpcclient.Error
	if err := c.Retry(context.Background(), "1"); !errors.As(err, &failure) {
		t.Fatalf("%d %s: %v", status, code, err)
	}
	return failure.Class
}

func TestTheTableSaysWhatTheClientDoes(t *testing.T) {
	for _, c := range codes.All() {
		if c.Place != codes.Answer || c.Class == 0 {
			continue
		}
		// The vendor's documents contradict each other on statuses.
		statuses := []int{400, 403, 406, 500}
		if c.Class == mpcclient.Refused { // that is what a code without a row of its own is, with a 4xx
			statuses = []int{400, 403, 406}
		}
		for _, status := range statuses {
			if got := classOf(t, status, c.Code); got != c.Class {
				t.Errorf("HTTP %d %s is %v to the client, and %v here", status, c.Code, got, c.Class)
			}
			if gateway, ok := strings.CutPrefix(c.Code, "APIG."); ok {
				if got := classOf(t, status, "APIGW."+gateway); got != c.Class {
					t.Errorf("HTTP %d APIGW.%s is %v to the client, and %v here", status, gateway, got, c.Class)
				}
			}
		}
	}
}

// The client's own table is the measure: no code that it knows may be missing.
func TestNoCodeOfTheClientIsMissing(t *testing.T) {
	source, err := os.ReadFile("../../mpcclient/verdicts.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, m := range regexp.MustCompile(`(?m)^\t"((?:MPC|APIG)\.\d+)":`).FindAllStringSubmatch(string(source), -1) {
		found++
		if !slices.ContainsFunc(codes.All(), func(c codes.Code) bool { return c.Code == m[1] && c.Place == codes.Answer }) {
			t.Errorf("%s is missing", m[1])
		}
	}
	if found < 50 {
		t.Errorf("%d codes found in the client's table: has it moved?", found)
	}
}

func TestEveryDocumentedCodeIsExplained(t *testing.T) {
	const documented = "MPC.10069 MPC.10089 MPC.10090 MPC.10091 MPC.10126 MPC.10155 MPC.10156 MPC.10204 MPC.10205 MPC.10218 " +
		"MPC.10223 MPC.10224 MPC.10230 MPC.10231 APIG.0101 APIG.0103 APIG.0104 APIG.0105 APIG.0106 APIG.0204 APIG.0303 " +
		"APIGW.0305 APIGW.0311 APIG.0501 APIGW.0502 APIG.0607 APIG.0612 APIG.1009"
	for code := range strings.FieldsSeq(documented) {
		if c, ok := codes.Lookup(code); !ok || strings.Contains(c.Meaning, "does not know") {
			t.Errorf("%s: %+v", code, c)
		}
	}
}

func TestCodesThatGoByTheStatusDoSo(t *testing.T) {
	for _, c := range codes.All() {
		if c.Place != codes.Answer || c.Class != 0 {
			continue
		}
		want := map[int]mpcclient.Class{500: mpcclient.Lost, 502: mpcclient.Lost, 504: mpcclient.Lost, 503: mpcclient.Transient}
		if strings.Contains(c.Service, "413") {
			for _, status := range []int{400, 413, 414, 494} {
				want[status] = mpcclient.Refused
			}
		}
		for status, class := range want {
			if got := classOf(t, status, c.Code); got != class {
				t.Errorf("HTTP %d %s: %v, want %v as its text says", status, c.Code, got, class)
			}
		}
	}
}

func TestCodesThatAreNotKnownFollowTheRuleThatIsToldOfThem(t *testing.T) {
	for _, c := range []struct {
		status int
		code   string
		class  mpcclient.Class
		says   string
	}{
		{403, "MPC.99999", mpcclient.Refused, "queries the task's state"},
		{403, "APIG.9999", mpcclient.Operator, "operator must end"},
		{429, "APIGW.9999", mpcclient.Throttled, "429 is throttling"},
		{503, "APIG.9999", mpcclient.Transient, "503 ends"},
		{500, "APIG.9999", mpcclient.Lost, "may have been executed"},
	} {
		if got := classOf(t, c.status, c.code); got != c.class {
			t.Errorf("HTTP %d %s: %v, want %v", c.status, c.code, got, c.class)
		}
		if told, ok := codes.Lookup(c.code); !ok || !strings.Contains(told.Service, c.says) {
			t.Errorf("%s: %q does not say %q", c.code, told.Service, c.says)
		}
	}
}

func TestEveryEntryIsCompleteAndThereOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range codes.All() {
		if seen[c.Code] {
			t.Errorf("%s is there twice", c.Code)
		}
		seen[c.Code] = true
		if c.Meaning == "" || c.Service == "" || c.Class == mpcclient.Operator && c.Advice == "" || c.RetryUseless && c.Advice == "" {
			t.Errorf("%s: incomplete: %+v", c.Code, c)
		}
		for _, form := range []string{c.Code, strings.ToLower(c.Code)} {
			if found, ok := codes.Lookup(form); !ok || found != c {
				t.Errorf("%s is found as %+v, %v", form, found, ok)
			}
		}
	}
}

func TestReasonsAndDefectsAreExplainedToo(t *testing.T) {
	for _, r := range events.Reasons() {
		if c, ok := codes.Lookup(string(r)); !ok || c.Meaning == "" || c.Place != codes.Reason || (r == events.Accepted || r == events.Expired || r == events.BudgetExhausted) && c.Advice == "" {
			t.Errorf("%s: %+v, %v", r, c, ok)
		}
	}
	for _, d := range events.Defects() {
		if c, ok := codes.Lookup(string(d)); !ok || c.Meaning == "" || c.Place != codes.Defect {
			t.Errorf("%s: %+v, %v", d, c, ok)
		}
	}
}

func TestWhatIsNoCodeIsNotFound(t *testing.T) {
	for _, text := range []string{"", "538526", "MPC", "MPC.", "MPC.x", "MPC.1234567", "APIGX.0301", "mpc 10105", " MPC.10105", "MPC.10105\n", strings.Repeat("9", 10<<20)} {
		if c, ok := codes.Lookup(text); ok {
			t.Errorf("%.40q is %+v", text, c)
		}
	}
}

func TestTheRecommendedListOfTheGuideIsThisOne(t *testing.T) {
	guide, err := os.ReadFile("../../docs/CONFIGURATION.md")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?m)^    (MPC\.10051,[MPC.,\d]+)$`).FindSubmatch(guide)
	if list == nil {
		t.Fatal("CONFIGURATION.md has no list of codes")
	}
	want := codes.RetryUseless()
	slices.Sort(want)
	if got := string(list[1]); got != strings.Join(want, ",") {
		t.Errorf("CONFIGURATION.md recommends\n%s\nand the table says\n%s", got, strings.Join(want, ","))
	}
}

func TestThePolicyToPasteGrantsWhatTheClientNeeds(t *testing.T) {
	guide, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	const policy = `{"Version":"5.0","Statement":[{"Effect":"Allow","Action":["` + mpcclient.PermissionRetry + `","` + mpcclient.PermissionQuery + `"]}]}`
	if !strings.Contains(string(guide), policy) {
		t.Errorf("OPERATIONS does not have\n%s", policy)
	}
}
