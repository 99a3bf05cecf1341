package admin

import (
	"encoding/json"
	"net/http"
	"strings"
)

// ServeHTTP serves the endpoints and passes every other path to the page.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	r, sent := unprefixed(s.config.PathPrefix, w, r)
	if sent {
		return
	}
	routes := map[string]func(http.ResponseWriter){
		"/healthz": s.healthz,
		"/readyz":  s.readyz,
		"/metrics": func(w http.ResponseWriter) { s.config.Metrics.ServeHTTP(w, r) },
	}
	serve, ok := routes[r.URL.Path]
	switch {
	case !s.hosts.match(r.Host):
		text(w, http.StatusMisdirectedRequest, "the name in the Host header is not allowed, as a protection against DNS rebinding: list it in HTTP_ALLOWED_HOSTS, or make the proxy send Host: localhost")
	case r.URL.Path != "/healthz" && r.URL.Path != "/readyz" && !s.throttle.pass(w, r):
	case !ok && s.config.Page != nil:
		s.config.Page.ServeHTTP(w, r)
	case !ok:
		text(w, http.StatusNotFound, "not found: there are /healthz, /readyz and /metrics")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		text(w, http.StatusMethodNotAllowed, "only GET and HEAD: nothing here can be changed")
	default:
		serve(w)
	}
}

// secure sets the headers that OWASP recommends for answers that a browser must not render,
// frame, cache or sniff. The page sets its own.
func secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}

func (s *Server) healthz(w http.ResponseWriter) {
	if missed := s.config.Loops.Missed(); len(missed) > 0 {
		text(w, http.StatusServiceUnavailable, strings.Join(missed, "\n"))
		return
	}
	text(w, http.StatusOK, "ok")
}

func (s *Server) readyz(w http.ResponseWriter) {
	r := s.readiness()
	status := http.StatusOK
	if !r.Ready {
		status = http.StatusServiceUnavailable
	}
	body, err := json.Marshal(r)
	if err != nil {
		text(w, http.StatusInternalServerError, "readiness cannot be written as JSON: "+err.Error())
		return
	}
	write(w, status, "application/json", append(body, '\n'))
}

func text(w http.ResponseWriter, status int, message string) {
	write(w, status, "text/plain; charset=utf-8", []byte(message+"\n"))
}

func write(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has gone: there is no one to tell
}
