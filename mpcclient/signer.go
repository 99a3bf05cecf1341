package mpcclient

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The vendor's request signature, SDK-HMAC-SHA256 ("AK/SK Signing and Authentication Guide").

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateFormat = "20060102T150405Z"

	headerDate          = "X-Sdk-Date"
	headerProject       = "X-Project-Id"
	headerSecurityToken = "X-Security-Token"
)

// signable are the headers that are signed where present. Host is left out, as in the vendor's SDK: a proxy in front of
// a private endpoint may rewrite it.
var signable = []string{headerProject, headerDate, headerSecurityToken}

// sign dates a request and adds its Authorization header.
func sign(r *http.Request, body []byte, access, secretKey secret, now time.Time) {
	date := now.UTC().Format(dateFormat)
	r.Header.Set(headerDate, date)
	signed := signedHeaders(r.Header)
	signature := signature(secretKey, stringToSign(date, canonicalRequest(r, signed, body)))
	r.Header.Set("Authorization", algorithm+" Access="+access.reveal()+
		", SignedHeaders="+strings.Join(signed, ";")+", Signature="+signature)
}

func signature(secretKey secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secretKey.reveal()))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

func stringToSign(date, canonical string) string {
	return algorithm + "\n" + date + "\n" + hexHash([]byte(canonical))
}

func canonicalRequest(r *http.Request, signed []string, body []byte) string {
	return strings.Join([]string{
		r.Method,
		canonicalURI(r.URL.Path),
		canonicalQuery(r.URL.Query()),
		canonicalHeaders(r.Header, signed),
		strings.Join(signed, ";"),
		hexHash(body),
	}, "\n")
}

// canonicalURI encodes each segment of a decoded path, and ends it with a slash whether it had one or not.
func canonicalURI(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = escape(s)
	}
	uri := strings.Join(segments, "/")
	if !strings.HasSuffix(uri, "/") {
		uri += "/"
	}
	return uri
}

// canonicalQuery sorts by name and then by value, both before they are encoded.
func canonicalQuery(query url.Values) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	return strings.Join(pairs, "&")
}

// canonicalHeaders gives a line for each signed header, each with a line end of its own.
func canonicalHeaders(h http.Header, signed []string) string {
	var b strings.Builder
	for _, name := range signed {
		b.WriteString(name + ":" + strings.TrimSpace(h.Get(name)) + "\n")
	}
	return b.String()
}

func signedHeaders(h http.Header) []string {
	var names []string
	for _, name := range signable {
		if h.Get(name) != "" {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	return names
}

// escape encodes all but the unreserved characters of RFC 3986, section 2.3; url.QueryEscape's "+" for a space would
// not be the same text.
func escape(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			b.WriteByte(c)
		default:
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

func hexHash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
