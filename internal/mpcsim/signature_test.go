package mpcsim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Both vectors are published by the vendor.
func TestPublishedSignatureVectors(t *testing.T) {
	for _, v := range []struct{ method, url, body, want string }{
		{"GET", "https://example.huaweicloud.com/path?limit=1", "", "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624"},
		{"POST", "https://example.huaweicloud.com/path?key=value", `{"Name":"test","Id":1}` + "\n", "cecc2af119b18ab70b4d094c0750f3b42c02f254903179a0fc2cc72fc9db4f59"},
	} {
		r := httptest.NewRequest(v.method, v.url, nil)
		r.Header.Set("X-Sdk-Date", "20060102T150405Z")
		canonical, err := canonicalRequest(r, []string{"x-sdk-date"}, []byte(v.body))
		must(t, err)
		if got := sign("AccessKey-is-not-part-of-it", "20060102T150405Z", canonical); got == v.want {
			t.Fatal("the key does not matter")
		}
		if got := sign("SecretKey", "20060102T150405Z", canonical); got != v.want {
			t.Errorf("%s: %s, want %s; canonical request:\n%s", v.method, got, v.want, canonical)
		}
	}
}

func TestCanonicalSpelling(t *testing.T) {
	for in, want := range map[string]string{
		"b=2&a=2&a=10":     "a=10&a=2&b=2",
		"a+b=c%20d":        "a%20b=c%20d",
		"t=~-._&u=%2f*":    "t=~-._&u=%2F%2A",
		"":                 "",
		"flag&task_id=ä":   "flag=&task_id=%C3%A4",
		"task_id=10&task=": "task=&task_id=10",
	} {
		if got, err := canonicalQuery(in); err != nil || got != want {
			t.Errorf("query %q: %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{"/v1/p/remux": "/v1/p/remux/", "/": "/", "/a/": "/a/", "/a%2Fb/~c": "/a%2Fb/~c/", "/a b": "/a%20b/"} {
		if got, err := canonicalPath(in); err != nil || got != want {
			t.Errorf("path %q: %q, %v; want %q", in, got, err, want)
		}
	}
}

const (
	accessKey = "access-key-canary"
	secretKey = "secret-key-canary"
)

// signed signs r as a client does, with these headers, which are part of the signature.
func signed(t *testing.T, r *http.Request, body string, at time.Time, headers ...string) *http.Request {
	t.Helper()
	r.Header.Del("X-Auth-Token")
	r.Header.Set("X-Project-Id", "p")
	stamp := at.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Sdk-Date", stamp)
	canonical, err := canonicalRequest(r, headers, []byte(body))
	must(t, err)
	r.Header.Set("Authorization", "SDK-HMAC-SHA256 Access="+accessKey+", SignedHeaders="+strings.Join(headers, ";")+", Signature="+sign(secretKey, stamp, canonical))
	return r
}

func TestSignedRequestsPassAndTamperedOnesDoNot(t *testing.T) {
	const body = `{"task_id":"a"}`
	plain := []string{"x-project-id", "x-sdk-date"}
	now := newClock()
	for name, c := range map[string]struct {
		at      time.Duration
		headers []string
		tamper  func(*http.Request)
		status  int
		code    string
	}{
		"as it should be":      {headers: plain, status: 200},
		"host signed":          {headers: append([]string{"host"}, plain...), status: 200},
		"14m59s early":         {at: -14*time.Minute - 59*time.Second, headers: plain, status: 200},
		"15m late":             {at: 15 * time.Minute, headers: plain, status: 200},
		"15m1s early":          {at: -15*time.Minute - time.Second, headers: plain, status: 401, code: "APIGW.0301"},
		"15m1s late":           {at: 15*time.Minute + time.Second, headers: plain, status: 401, code: "APIGW.0301"},
		"date not signed":      {headers: []string{"x-project-id"}, status: 401, code: "APIGW.0301"},
		"project not signed":   {headers: []string{"x-sdk-date"}, status: 401, code: "APIGW.0301"},
		"other path":           {headers: plain, tamper: func(r *http.Request) { r.URL.Path = "/v1/q/remux" }, status: 401, code: "APIGW.0301"},
		"other query":          {headers: plain, tamper: func(r *http.Request) { r.URL.RawQuery = "task_id=b" }, status: 401, code: "APIGW.0301"},
		"other date":           {headers: plain, tamper: func(r *http.Request) { r.Header.Set("X-Sdk-Date", "20261123T080001Z") }, status: 401, code: "APIGW.0301"},
		"malformed date":       {headers: plain, tamper: func(r *http.Request) { r.Header.Set("X-Sdk-Date", "now") }, status: 401, code: "APIGW.0301"},
		"other project header": {headers: plain, tamper: func(r *http.Request) { r.Header.Set("X-Project-Id", "q") }, status: 401, code: "APIGW.0301"},
		"security token":       {headers: plain, tamper: func(r *http.Request) { r.Header.Set("X-Security-Token", "x") }, status: 401, code: "APIGW.0301"},
		"other access key":     {headers: plain, tamper: replaceIn("Access="+accessKey, "Access=x"), status: 401, code: "APIGW.0301"},
		"no signature":         {headers: plain, tamper: replaceIn(", Signature", ", S"), status: 401, code: "APIGW.0301"},
		"other algorithm":      {headers: plain, tamper: replaceIn("SDK-HMAC-SHA256", "SDK-HMAC-SM3"), status: 401, code: "APIGW.0301"},
		"headers not sorted":   {headers: []string{"x-sdk-date", "x-project-id"}, status: 401, code: "APIGW.0301"},
		"signed header absent": {headers: plain, tamper: replaceIn("SignedHeaders=", "SignedHeaders=a;"), status: 401, code: "APIGW.0301"},
		"underscore beside it": {headers: plain, tamper: func(r *http.Request) { r.Header["X-Project_Id"] = []string{"p"} }, status: 200},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulator(t, Config{Now: now.Now, AccessKey: accessKey, SecretKey: secretKey})
			r := signed(t, retryRequest("a"), body, now.Now().Add(c.at), c.headers...)
			if c.tamper != nil {
				c.tamper(r)
			}
			got := ask(s, r)
			got.want(t, c.status, c.code)
			if strings.Contains(got.body, "canary") {
				t.Errorf("the answer shows a key: %s", got.body)
			}
		})
	}
}

func replaceIn(old, by string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, by, 1))
	}
}

func TestSignedBodyCannotBeExchanged(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now, AccessKey: accessKey, SecretKey: secretKey})
	r := signed(t, retryRequest("b"), `{"task_id":"a"}`, now.Now(), "x-project-id", "x-sdk-date")
	ask(s, r).want(t, 401, "APIGW.0301")
	if s.Accepted("b") != 0 {
		t.Fatal("a forged retry was carried out")
	}
}

func TestTemporaryKeysNeedTheirSecurityTokenSigned(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now, AccessKey: accessKey, SecretKey: secretKey, SecurityToken: "temporary"})
	try := func(value string, headers ...string) reply {
		r := retryRequest("a")
		if value != "" {
			r.Header.Set("X-Security-Token", value)
		}
		return ask(s, signed(t, r, `{"task_id":"a"}`, now.Now(), headers...))
	}
	try("temporary", "x-project-id", "x-sdk-date").want(t, 401, "APIGW.0301")
	try("another", "x-project-id", "x-sdk-date", "x-security-token").want(t, 401, "APIGW.0301")
	try("", "x-project-id", "x-sdk-date").want(t, 401, "APIGW.0301")
	try("temporary", "x-project-id", "x-sdk-date", "x-security-token").want(t, 200, "")
}

func TestSkewCanBeReadFromTheDateHeader(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now, AccessKey: accessKey, SecretKey: secretKey})
	got := ask(s, signed(t, retryRequest("a"), `{"task_id":"a"}`, now.Now().Add(time.Hour), "x-project-id", "x-sdk-date"))
	if date, err := http.ParseTime(got.header.Get("Date")); err != nil || !date.Equal(epoch) {
		t.Fatalf("Date is %q, want the simulator's clock", got.header.Get("Date"))
	}
}

func TestSignedRequestNamesItsProject(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now, AccessKey: accessKey, SecretKey: secretKey})
	r := signed(t, retryRequest("a"), `{"task_id":"a"}`, now.Now(), "x-sdk-date")
	r.Header.Del("X-Project-Id")
	ask(s, r).want(t, 403, "APIGW.0306")
	r = signed(t, retryRequest("a"), `{"task_id":"a"}`, now.Now(), "x-sdk-date")
	r.Header.Del("X-Project-Id")
	r.Header["X-Project_Id"] = []string{"p"}
	// A server would change the header's name to this form; the recorder does not.
	r.Header["X-Project_id"] = r.Header["X-Project_Id"]
	ask(s, r).want(t, 200, "")
}
