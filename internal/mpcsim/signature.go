package mpcsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "SDK-HMAC-SHA256"
	dateLayout = "20060102T150405Z"
	maxSkew    = 15 * time.Minute
)

// checkSignature verifies a request that is signed with AK/SK. It returns the
// gateway's refusal, or nil.
func (s *Simulator) checkSignature(r *http.Request, body []byte) *answer {
	if s.cfg.AccessKey == "" {
		return unauthorized("no access key is configured")
	}
	access, signed, signature, err := parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return unauthorized(err.Error())
	}
	stamp := r.Header.Get("X-Sdk-Date")
	date, err := time.Parse(dateLayout, stamp)
	switch {
	case err != nil:
		return unauthorized("X-Sdk-Date is not of the form " + dateLayout)
	case s.cfg.Now().Sub(date).Abs() > maxSkew:
		return unauthorized("X-Sdk-Date differs from the gateway's clock by more than 15 minutes")
	case !same(Secret(access), s.cfg.AccessKey):
		return unauthorized("the access key is unknown")
	}
	for _, name := range mustBeSigned(r) {
		if !slices.Contains(signed, name) {
			return unauthorized("the header " + name + " is not signed")
		}
	}
	if !same(Secret(r.Header.Get("X-Security-Token")), s.cfg.SecurityToken) {
		return unauthorized("X-Security-Token is not the one that belongs to the access key")
	}
	canonical, err := canonicalRequest(r, signed, body)
	if err != nil {
		return unauthorized(err.Error())
	}
	if !hmac.Equal([]byte(signature), []byte(sign(string(s.cfg.SecretKey), stamp, canonical))) {
		return unauthorized("the signature does not match")
	}
	// With AK/SK the API requires this header. Its documentation writes it with an
	// underscore, its SDK sends it with a hyphen: both are accepted.
	for _, name := range []string{"X-Project-Id", "X-Project_Id"} {
		if project := r.Header.Get(name); project != "" {
			if project != s.cfg.ProjectID {
				return denied(name + " names another project")
			}
			return nil
		}
	}
	return denied("X-Project-Id is missing")
}

// mustBeSigned returns the headers that have to be signed, so that they cannot be
// replaced.
func mustBeSigned(r *http.Request) []string {
	names := []string{"x-sdk-date"}
	for _, name := range []string{"x-security-token", "x-project-id"} {
		if r.Header.Get(name) != "" {
			names = append(names, name)
		}
	}
	return names
}

// parseAuthorization reads "SDK-HMAC-SHA256 Access=…, SignedHeaders=a;b, Signature=…".
func parseAuthorization(value string) (access string, signed []string, signature string, err error) {
	parameters, found := strings.CutPrefix(value, algorithm+" ")
	if !found {
		return "", nil, "", errors.New("Authorization is not of the algorithm " + algorithm)
	}
	fields := make(map[string]string)
	for part := range strings.SplitSeq(parameters, ",") {
		name, field, _ := strings.Cut(strings.TrimSpace(part), "=")
		fields[name] = field
	}
	for _, name := range []string{"Access", "SignedHeaders", "Signature"} {
		if fields[name] == "" {
			return "", nil, "", errors.New("Authorization has no " + name)
		}
	}
	signed = strings.Split(fields["SignedHeaders"], ";")
	if !slices.IsSorted(signed) || fields["SignedHeaders"] != strings.ToLower(fields["SignedHeaders"]) {
		return "", nil, "", errors.New("SignedHeaders are not in lower case and sorted")
	}
	return fields["Access"], signed, fields["Signature"], nil
}

// canonicalRequest returns the request in the form that is signed.
func canonicalRequest(r *http.Request, signed []string, body []byte) (string, error) {
	path, err := canonicalPath(r.URL.EscapedPath())
	if err != nil {
		return "", err
	}
	query, err := canonicalQuery(r.URL.RawQuery)
	if err != nil {
		return "", err
	}
	var headers strings.Builder
	for _, name := range signed {
		values := r.Header.Values(name)
		if name == "host" {
			values = []string{r.Host}
		}
		if len(values) == 0 {
			return "", fmt.Errorf("the signed header %s is missing", name)
		}
		for _, value := range values {
			fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
		}
	}
	return strings.Join([]string{r.Method, path, query, headers.String(), strings.Join(signed, ";"), hash(body)}, "\n"), nil
}

// canonicalPath returns the path in the form that is signed. It always ends with a
// slash.
func canonicalPath(escaped string) (string, error) {
	segments := strings.Split(strings.TrimSuffix(escaped, "/"), "/")
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return "", errors.New("the path is not well escaped")
		}
		segments[i] = encode(plain)
	}
	return strings.Join(segments, "/") + "/", nil
}

func canonicalQuery(raw string) (string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", errors.New("the query is not well escaped")
	}
	type parameter struct{ name, value string }
	var parameters []parameter
	for name, list := range values {
		for _, value := range list {
			parameters = append(parameters, parameter{name, value})
		}
	}
	slices.SortFunc(parameters, func(a, b parameter) int {
		if order := strings.Compare(a.name, b.name); order != 0 {
			return order
		}
		return strings.Compare(a.value, b.value)
	})
	encoded := make([]string, len(parameters))
	for i, p := range parameters {
		encoded[i] = encode(p.name) + "=" + encode(p.value)
	}
	return strings.Join(encoded, "&"), nil
}

// encode percent-encodes all but the unreserved characters of RFC 3986.
func encode(plain string) string {
	var out strings.Builder
	for _, c := range []byte(plain) {
		switch {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', strings.IndexByte("-._~", c) >= 0:
			out.WriteByte(c)
		default:
			fmt.Fprintf(&out, "%%%02X", c)
		}
	}
	return out.String()
}

// sign returns the signature in hex. It uses the secret key itself: this scheme does
// not derive a key.
func sign(secretKey, stamp, canonical string) string {
	mac := hmac.New(sha256.New, []byte(secretKey))
	mac.Write([]byte(algorithm + "\n" + stamp + "\n" + hash([]byte(canonical))))
	return hex.EncodeToString(mac.Sum(nil))
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
