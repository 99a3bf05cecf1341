package mpcsim

import (
	"net/http"
	"testing"
)

func TestReplacedTokensAreRefusedFromThenOn(t *testing.T) {
	s := newSimulator(t, Config{})
	with := func(token string) *http.Request {
		r := retryRequest("1")
		r.Header.Set("X-Auth-Token", token)
		return r
	}
	s.SetTokens("new")
	if got := ask(s, with(token)); got.status != http.StatusUnauthorized {
		t.Errorf("the old token: %+v", got)
	}
	if got := ask(s, with("new")); got.status >= http.StatusMultipleChoices {
		t.Errorf("the new token: %+v", got)
	}
}
