package mpcsim

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

// lockedFor is how long IAM locks an account by default.
const lockedFor = 15 * time.Minute

// account is the state of the IAM account, guarded by the simulator's lock.
type account struct {
	wrong       int // wrong passwords in a row
	lockedUntil time.Time
	tokens      map[Secret]time.Time // issued, with their expiry
}

// loginRequest is the body of POST /v3/auth/tokens with a password.
type loginRequest struct {
	Auth struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password struct {
				User struct {
					Domain struct {
						Name string `json:"name"`
					} `json:"domain"`
					Name     string `json:"name"`
					Password Secret `json:"password"`
				} `json:"user"`
			} `json:"password"`
		} `json:"identity"`
		Scope struct {
			Project struct {
				Name string `json:"name"`
				ID   string `json:"id"`
			} `json:"project"`
		} `json:"scope"`
	} `json:"auth"`
}

func (s *Simulator) serveLogin(w http.ResponseWriter, r *http.Request) {
	body, err := readBody(w, r)
	var request loginRequest
	bad := err != nil || json.Unmarshal(body, &request) != nil || !slices.Contains(request.Auth.Identity.Methods, "password")
	s.serve(w, r, Login, nil, func(now time.Time) decision {
		if step, out := outageSteps[s.faults.IAMOutage]; out {
			return decision{step: step, answer: step.replace(answer{})}
		}
		if bad {
			return decision{answer: iamError(http.StatusBadRequest, "The request body is invalid.")}
		}
		a, accepted := s.login(request, now)
		return decision{answer: a, accepted: accepted}
	})
}

// login checks the password. Too many wrong ones lock the account, as in IAM: then
// the right one is refused too.
func (s *Simulator) login(request loginRequest, now time.Time) (answer, bool) {
	user, project := request.Auth.Identity.Password.User, request.Auth.Scope.Project
	known := s.cfg.Username != "" && user.Name == s.cfg.Username && user.Domain.Name == s.cfg.Domain
	switch {
	case known && now.Before(s.iam.lockedUntil):
		return iamError(http.StatusUnauthorized, "The account is locked because of too many failed logins."), false
	case known && !same(user.Password, s.cfg.Password):
		if s.iam.wrong++; s.iam.wrong >= s.cfg.WrongPasswords {
			s.iam.wrong, s.iam.lockedUntil = 0, now.Add(lockedFor)
		}
		return iamError(http.StatusUnauthorized, "The username or password is wrong."), false
	case !known:
		return iamError(http.StatusUnauthorized, "The username or password is wrong."), false
	case s.cfg.Project != "" && project.Name != s.cfg.Project && project.ID != s.cfg.Project:
		return iamError(http.StatusForbidden, "The user has no rights in the project of the scope."), false
	}
	s.iam.wrong = 0
	return s.issue(now), true
}

// issue makes a token, and deletes tokens that expired more than an hour ago.
func (s *Simulator) issue(now time.Time) answer {
	for token, expires := range s.iam.tokens {
		if now.Sub(expires) > time.Hour {
			delete(s.iam.tokens, token)
		}
	}
	token, expires := Secret(rand.Text()), now.Add(s.cfg.TokenLife)
	s.iam.tokens[token] = expires
	const layout = "2006-01-02T15:04:05.000000Z"
	a := jsonAnswer(http.StatusCreated, map[string]any{"token": map[string]any{
		"methods":    []string{"password"},
		"issued_at":  now.UTC().Format(layout),
		"expires_at": expires.UTC().Format(layout),
		"user":       map[string]any{"name": s.cfg.Username, "domain": map[string]any{"name": s.cfg.Domain}},
		"project":    map[string]any{"id": s.cfg.ProjectID, "name": s.cfg.Project},
	}})
	a.header = http.Header{"X-Subject-Token": {string(token)}}
	return a
}

// ExpireTokens makes every token issued so far expire (APIGW.0307).
func (s *Simulator) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	for token := range s.iam.tokens {
		s.iam.tokens[token] = now
	}
}

// iamError is an error in IAM's shape, which has no request id.
func iamError(status int, message string) answer {
	type detail struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Title   string `json:"title"`
	}
	return jsonAnswer(status, struct {
		Error detail `json:"error"`
	}{detail{status, message, http.StatusText(status)}})
}
