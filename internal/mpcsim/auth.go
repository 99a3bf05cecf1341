package mpcsim

import (
	"crypto/subtle"
	"net/http"
	"slices"
)

// authenticate returns the gateway's refusal, or nil if the caller is allowed. If a
// request has a token and a signature, only the token is checked.
func (s *Simulator) authenticate(r *http.Request, body []byte) *answer {
	var refusal *answer
	switch token := r.Header.Get("X-Auth-Token"); {
	case token != "":
		refusal = s.checkToken(Secret(token))
	case r.Header.Get("Authorization") != "":
		refusal = s.checkSignature(r, body)
	default:
		refusal = unauthorized("X-Auth-Token and Authorization are missing")
	}
	if refusal == nil && r.PathValue("project_id") != s.cfg.ProjectID {
		refusal = denied("the project in the path is not the caller's")
	}
	return refusal
}

// SetTokens replaces Config.Tokens: the former ones are unknown from now on. Tokens that a
// login has issued stay valid.
func (s *Simulator) SetTokens(tokens ...Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = tokens
}

func (s *Simulator) checkToken(token Secret) *answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.tokens, func(known Secret) bool { return same(known, token) }) {
		return nil
	}
	expires, issued := s.iam.tokens[token]
	switch {
	case !issued:
		return unauthorized("the token is unknown")
	case !s.cfg.Now().Before(expires):
		a := apiError(http.StatusUnauthorized, "APIGW.0307", "The token must be updated.")
		return &a
	}
	return nil
}

func same(a, b Secret) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func unauthorized(why string) *answer {
	a := apiError(http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: "+why+".")
	return &a
}

func denied(why string) *answer {
	a := apiError(http.StatusForbidden, "APIGW.0306", "API access denied: "+why+".")
	return &a
}
