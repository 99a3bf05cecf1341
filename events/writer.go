package events

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// writer writes JSON into one buffer, each byte once. A comma follows each value; the
// bracket that closes the enclosing value replaces the last comma.
type writer struct{ b []byte }

func (w *writer) begin(bracket byte) { w.b = append(w.b, bracket) }

// end closes a non-empty object or array.
func (w *writer) end(bracket byte) {
	w.b[len(w.b)-1] = bracket
	w.b = append(w.b, ',')
}

func (w *writer) name(name string) *writer {
	w.b = append(append(append(w.b, '"'), name...), `":`...)
	return w
}

// text writes nothing if text is empty.
func (w *writer) text(name, text string) {
	if text != "" {
		w.name(name)
		w.b, _ = jsontext.AppendQuote(w.b, text) // callers ensure UTF-8
		w.b = append(w.b, ',')
	}
}

func (w *writer) number(name string, n int64) {
	w.name(name)
	w.b = append(strconv.AppendInt(w.b, n, 10), ',')
}

func (w *writer) yes(name string) {
	w.name(name)
	w.b = append(w.b, "true,"...)
}

func (w *writer) time(name string, t time.Time) {
	w.name(name)
	w.b = append(appendTime(append(w.b, '"'), t), `",`...)
}

// value ends the outermost value and returns it.
func (w *writer) value() []byte {
	w.b = w.b[:len(w.b)-1]
	return w.b[:len(w.b):len(w.b)]
}

// part replaces the buffer by b, which extends it, and returns what was added.
func (w *writer) part(b []byte) []byte {
	start := len(w.b)
	w.b = b
	return b[start:len(b):len(b)]
}

// marshal writes JSON without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}
