package events

// Lengths of a W3C traceparent in bytes. maxTraceparent leaves space for what a later
// version may add to the four fields known today.
const (
	traceparentLen = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	maxTraceparent = 256
)

// Traceparent returns a record's W3C trace context, whether or not its value can be read;
// empty if there is none or it is invalid.
func Traceparent(headers []Header) string {
	var extension, traceparent []byte
	for _, h := range headers {
		switch h.Key {
		case "ce_traceparent": // CloudEvents' distributed tracing extension
			extension = h.Value
		case "traceparent":
			traceparent = h.Value
		}
	}
	switch {
	case validTraceparent(traceparent):
		return string(traceparent)
	case validTraceparent(extension):
		return string(extension)
	}
	return ""
}

// TraceID returns a valid traceparent's trace id, 32 hexadecimal digits; empty for an empty
// one.
func TraceID(traceparent string) string {
	if len(traceparent) < traceparentLen {
		return ""
	}
	return traceparent[3:35]
}

// validTraceparent follows W3C Trace Context, section 3.2: version 00 has exactly four
// fields, a later one starts with the same four, ff is invalid.
func validTraceparent(header []byte) bool {
	if len(header) < traceparentLen || len(header) > maxTraceparent {
		return false
	}
	for i, c := range header[:traceparentLen] {
		switch i {
		case 2, 35, 52:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	version, traceID, parentID, rest := string(header[:2]), header[3:35], header[36:52], header[traceparentLen:]
	if version == "ff" || allZero(traceID) || allZero(parentID) {
		return false
	}
	if len(rest) == 0 {
		return true
	}
	for _, c := range rest {
		if c <= ' ' || c > '~' { // it is written to a header again
			return false
		}
	}
	return version != "00" && rest[0] == '-'
}

func allZero(digits []byte) bool {
	for _, c := range digits {
		if c != '0' {
			return false
		}
	}
	return true
}
