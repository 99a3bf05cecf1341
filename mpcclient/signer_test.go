package mpcclient

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSignerPassesThePublishedVectors(t *testing.T) {
	at := time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC)
	tests := []struct{ method, query, body, want string }{
		{"GET", "limit=1", "", "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624"},
		{"POST", "key=value", `{"Name":"test","Id":1}` + "\n", "cecc2af119b18ab70b4d094c0750f3b42c02f254903179a0fc2cc72fc9db4f59"},
	}
	for _, test := range tests {
		r, err := http.NewRequest(test.method, "https://example.huaweicloud.com/path?"+test.query, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		// Neither may be part of the signature, nor may the clock's time zone.
		r.Header.Set("Content-Type", "application/json")
		r.Header["X-Project_Id"] = []string{"p"}
		sign(r, []byte(test.body), newSecret("AccessKey"), newSecret("SecretKey"), at.In(time.FixedZone("", 8*3600)))
		want := "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=x-sdk-date, Signature=" + test.want
		if got := r.Header.Get("Authorization"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", test.method, got, want)
		}
		if got := r.Header.Get("X-Sdk-Date"); got != "20060102T150405Z" {
			t.Errorf("X-Sdk-Date is %s", got)
		}
	}
}

func TestCanonicalRequestIsSpelledAsSpecified(t *testing.T) {
	r, err := http.NewRequest("GET", "https://host/v1/a%20b/remux?task_id=b&task_id=a&a=%C3%BC&A=~+%2F", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Sdk-Date", "20060102T150405Z")
	r.Header.Set("X-Project-Id", " p ")
	r.Header.Set("X-Security-Token", "t")
	const want = "GET\n/v1/a%20b/remux/\nA=~%20%2F&a=%C3%BC&task_id=a&task_id=b\n" +
		"x-project-id:p\nx-sdk-date:20060102T150405Z\nx-security-token:t\n\n" +
		"x-project-id;x-sdk-date;x-security-token\n" +
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := canonicalRequest(r, signedHeaders(r.Header), nil); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if got := canonicalURI(""); got != "/" {
		t.Errorf("the empty path is %q", got)
	}
}

func TestTemporaryKeysSignTheirTokenAndEachRequestItsTime(t *testing.T) {
	api := newRecorder(t, answering(200, ""))
	clock := newClock()
	c := newClient(t, api.URL, func(cfg *Config) {
		cfg.Auth, cfg.Now = AKSK("ak", "sk", "temporary"), clock.Now
	})
	for range 2 {
		if err := c.Retry(t.Context(), "538526"); err != nil {
			t.Fatal(err)
		}
		clock.advance(time.Minute)
	}
	for i, date := range []string{"20261123T080000Z", "20261123T080100Z"} {
		got := api.seen()[i]
		r, err := http.NewRequest(got.method, api.URL+got.uri, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = got.header
		want := "SDK-HMAC-SHA256 Access=ak, SignedHeaders=x-project-id;x-sdk-date;x-security-token, Signature=" +
			signature(newSecret("sk"), stringToSign(date, canonicalRequest(r, signedHeaders(r.Header), []byte(got.body))))
		if got.header.Get("Authorization") != want || got.header.Get("X-Sdk-Date") != date {
			t.Errorf("request %d is not signed at %s: %v", i, date, got.header)
		}
		if got.header.Get("X-Security-Token") != "temporary" || got.header.Get("X-Auth-Token") != "" {
			t.Errorf("headers are %v", got.header)
		}
	}
}

func FuzzCanonicalQuery(f *testing.F) {
	for _, seed := range []string{
		"", "limit=1", "task_id=b&task_id=a", "a=~&A=%7E", "a+b=c%20d", "=", "a&b&a=1", "%C3%BC=%FF", "a=%00&a=/", "a-=1&a=2",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Skip("not a query: the signer is only given parsed ones")
		}
		canonical := canonicalQuery(values)
		if strings.ContainsAny(canonical, "+ \n;/?#") {
			t.Fatalf("%q is not encoded", canonical)
		}
		parsed, err := url.ParseQuery(canonical)
		if err != nil {
			t.Fatalf("%q does not parse: %v", canonical, err)
		}
		if again := canonicalQuery(parsed); again != canonical {
			t.Fatalf("not stable: %q, then %q", canonical, again)
		}
		for name, want := range values {
			got := slices.Sorted(slices.Values(parsed[name]))
			if !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Fatalf("%q: %q became %q", name, want, got)
			}
		}
		for _, v := range values {
			slices.Reverse(v)
		}
		if len(parsed) != len(values) || canonicalQuery(values) != canonical {
			t.Fatal("the order of the parameters matters")
		}
	})
}

func FuzzCanonicalURI(f *testing.F) {
	for _, seed := range []string{"", "/", "/v1/p/remux", "/v1/p/remux/", "//", "/a b/%2F/~", "/ü/\xff", "a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		canonical := canonicalURI(path)
		back, err := url.PathUnescape(canonical)
		if err != nil || strings.TrimSuffix(back, "/") != strings.TrimSuffix(path, "/") {
			t.Fatalf("%q became %q, which reads as %q: %v", path, canonical, back, err)
		}
		if !strings.HasSuffix(canonical, "/") || canonicalURI(back) != canonical {
			t.Fatalf("%q is not stable", canonical)
		}
		if strings.Count(canonical, "/") != strings.Count(back, "/") || bytes.ContainsAny([]byte(canonical), " ?#\n") {
			t.Fatalf("%q is not encoded", canonical)
		}
	})
}
