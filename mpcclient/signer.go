package mpcclient

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The vendor's request signature SDK-HMAC-SHA256 ("AK/SK Signing and Authentication
// Guide").

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateFormat = "20060102T150405Z"

	headerDate          = "X-Sdk-Date"
	headerProject       = "X-Project-Id"
	headerSecurityToken = "X-Security-Token"
)

// signable are the headers that are signed if present, in order. Host is left out, as in
// the vendor's SDK: a proxy in front of a private endpoint may change it.
var signable = [...]signedHeader{
	{headerProject, "x-project-id"}, {headerDate, "x-sdk-date"}, {headerSecurityToken, "x-security-token"},
}

// signedHeader is a header's key in http.Header and its signed name.
type signedHeader struct{ key, name string }

// sign dates a request and adds its Authorization header.
func sign(r *http.Request, body []byte, access, secretKey secret, now time.Time) {
	date := now.UTC().Format(dateFormat)
	r.Header[headerDate] = []string{date}
	signed := signedHeaders(r.Header)
	signature := signature(secretKey, stringToSign(date, canonicalRequest(r, signed, body)))
	r.Header["Authorization"] = []string{algorithm + " Access=" + access.reveal() +
		", SignedHeaders=" + names(signed) + ", Signature=" + signature}
}

func signature(secretKey secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secretKey.reveal()))
	_, _ = io.WriteString(mac, text)
	return hex.EncodeToString(mac.Sum(nil))
}

func stringToSign(date, canonical string) string {
	return algorithm + "\n" + date + "\n" + hexHash([]byte(canonical))
}

func canonicalRequest(r *http.Request, signed []signedHeader, body []byte) string {
	var b strings.Builder
	b.Grow(512)
	b.WriteString(r.Method)
	b.WriteByte('\n')
	writeURI(&b, r.URL.Path)
	b.WriteByte('\n')
	if r.URL.RawQuery != "" {
		b.WriteString(canonicalQuery(r.URL.Query()))
	}
	b.WriteByte('\n')
	for _, h := range signed {
		b.WriteString(h.name)
		b.WriteByte(':')
		b.WriteString(strings.TrimSpace(r.Header[h.key][0]))
		b.WriteByte('\n')
	}
	b.WriteByte('\n') // the block of headers ends with an empty line
	b.WriteString(names(signed))
	b.WriteByte('\n')
	b.WriteString(hexHash(body))
	return b.String()
}

func names(signed []signedHeader) string {
	var b strings.Builder
	for i, h := range signed {
		if i > 0 {
			b.WriteByte(';')
		}
		b.WriteString(h.name)
	}
	return b.String()
}

func canonicalURI(path string) string {
	var b strings.Builder
	writeURI(&b, path)
	return b.String()
}

// writeURI encodes each segment of a decoded path and makes it end with a slash.
func writeURI(b *strings.Builder, path string) {
	for i := range len(path) {
		if path[i] == '/' {
			b.WriteByte('/')
		} else {
			writeEscaped(b, path[i:i+1])
		}
	}
	if !strings.HasSuffix(path, "/") {
		b.WriteByte('/')
	}
}

// canonicalQuery sorts by name and then by value, both before encoding.
func canonicalQuery(query url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	return strings.Join(pairs, "&")
}

func signedHeaders(h http.Header) []signedHeader {
	signed := make([]signedHeader, 0, len(signable))
	for _, s := range signable {
		if h.Get(s.key) != "" {
			signed = append(signed, s)
		}
	}
	return signed
}

// escape encodes all but the unreserved characters of RFC 3986, section 2.3.
// url.QueryEscape would write "+" for a space.
func escape(s string) string {
	var b strings.Builder
	writeEscaped(&b, s)
	return b.String()
}

func writeEscaped(b *strings.Builder, s string) {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
}

func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
