package mpcsim

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// answer is a response without its request id. code is MPC's or the gateway's error
// code, empty if the body has none.
type answer struct {
	status      int
	code        string
	message     string
	contentType string
	body        []byte
	header      http.Header
	retryAfter  time.Duration
}

// apiError returns an error in the JSON shape that MPC and its gateway share.
func apiError(status int, code, message string) answer {
	return answer{status: status, code: code, message: message}
}

func jsonAnswer(status int, value any) answer {
	body, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("mpcsim: encode %T: %v", value, err)) // all these values can be encoded
	}
	return answer{status: status, contentType: "application/json", body: body}
}

var requestIDs atomic.Uint64

// send writes an answer. Its Date header has the time of Config.Now: clients compare
// their clock with it.
func (s *Simulator) send(w http.ResponseWriter, a answer) {
	id := fmt.Sprintf("%032x", requestIDs.Add(1))
	if a.code != "" {
		a.contentType = "application/json"
		a.body, _ = json.Marshal(struct {
			Code      string `json:"error_code"`
			Message   string `json:"error_msg"`
			RequestID string `json:"request_id"`
		}{a.code, a.message, id}) // three strings always encode
	}
	h := w.Header()
	for name, values := range a.header {
		h[name] = values
	}
	h.Set("X-Request-Id", id)
	h.Set("Date", s.cfg.Now().UTC().Format(http.TimeFormat))
	if a.contentType != "" {
		h.Set("Content-Type", a.contentType)
	}
	if a.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((a.retryAfter+time.Second-1)/time.Second), 10))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have disconnected
}

// reset closes the connection with RST. An HTTP/2 stream cannot be hijacked; there
// aborting the handler resets the stream.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	raw := conn
	if secure, ok := conn.(*tls.Conn); ok {
		raw = secure.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// strictJSON decodes exactly one value and refuses unknown fields.
func strictJSON(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("more than one JSON value")
	}
	return nil
}

// duration is a time.Duration that JSON writes as Go does ("1m30s").
type duration time.Duration

func (d duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = duration(parsed)
	return err
}
