package events

// maxDepth is how many levels the value of one field may nest.
const maxDepth = 1000

// shapeDepth is what the shapes themselves add around a field: data and
// remux_info are objects whose fields may nest maxDepth levels each.
const shapeDepth = 2

// scanner walks over one JSON text (RFC 8259) that is known to be UTF-8. It
// checks the grammar of everything it passes, builds nothing, and does not
// recurse, so neither the size nor the depth of a field costs memory.
//
// encoding/json is not used for reading: it matches names regardless of case,
// lets a second task_id win silently, and rounds numbers.
type scanner struct {
	text []byte
	pos  int
	// objects has one bit for each open level: set for an object, clear for an
	// array.
	objects [(maxDepth+shapeDepth)/64 + 1]uint64
}

// skip passes one value and returns its text. depth is how far it may nest.
func (s *scanner) skip(depth int) ([]byte, error) {
	s.space()
	start := s.pos
	for level := 0; ; {
		opened, err := s.begin(level, depth)
		if err != nil {
			return nil, err
		}
		if opened {
			level++
			continue
		}
		if level, err = s.end(level); err != nil {
			return nil, err
		}
		if level == 0 {
			return s.text[start:s.pos], nil
		}
	}
}

// begin passes the start of a value: all of it, or, for an object or array that
// is not empty, everything up to its first inner value. Then opened is true.
func (s *scanner) begin(level, depth int) (opened bool, err error) {
	s.space()
	switch c := s.peek(); c {
	case '{', '[':
		if level == depth {
			return false, unreadable(TooDeep, "byte %d: a field nests deeper than %d levels", s.pos, maxDepth)
		}
		s.pos++
		s.space()
		if s.peek() == c+2 { // the closing bracket, in ASCII two further on
			s.pos++
			return false, nil
		}
		bit := uint64(1) << (level % 64)
		if c == '[' {
			s.objects[level/64] &^= bit
			return true, nil
		}
		s.objects[level/64] |= bit
		_, err := s.key()
		return true, err
	case '"':
		_, err := s.str()
		return false, err
	case 't':
		return false, s.word("true")
	case 'f':
		return false, s.word("false")
	case 'n':
		return false, s.word("null")
	default:
		return false, s.number()
	}
}

// end passes what follows a value: the brackets that close with it, and then a
// comma (and the next key). It returns the level that is still open; 0 means
// that the outermost value has ended.
func (s *scanner) end(level int) (int, error) {
	for ; level > 0; level-- {
		s.space()
		inObject := s.objects[(level-1)/64]&(1<<((level-1)%64)) != 0
		switch c := s.peek(); {
		case c == ',' && inObject:
			s.pos++
			_, err := s.key()
			return level, err
		case c == ',':
			s.pos++
			return level, nil
		case c == '}' && inObject, c == ']' && !inObject:
			s.pos++
		case inObject:
			return 0, s.unexpected("',' or '}'")
		default:
			return 0, s.unexpected("',' or ']'")
		}
	}
	return 0, nil
}

// key passes a member's name and the colon after it, and returns the name as it
// is written, with its quotes.
func (s *scanner) key() ([]byte, error) {
	s.space()
	if s.peek() != '"' {
		return nil, s.unexpected("a field's name in double quotes")
	}
	name, err := s.str()
	if err != nil {
		return nil, err
	}
	s.space()
	if s.peek() != ':' {
		return nil, s.unexpected("':'")
	}
	s.pos++
	return name, nil
}

// str passes a string and returns it as it is written, with its quotes.
func (s *scanner) str() ([]byte, error) {
	start := s.pos
	s.pos++
	for s.pos < len(s.text) {
		switch c := s.text[s.pos]; {
		case c == '"':
			s.pos++
			return s.text[start:s.pos], nil
		case c == '\\':
			if err := s.escape(); err != nil {
				return nil, err
			}
		case c < ' ':
			return nil, unreadable(NotJSON, "byte %d: a control character (0x%02x) inside a string; write it as an escape", s.pos, c)
		default:
			s.pos++
		}
	}
	return nil, s.unexpected("'\"' at the end of the string")
}

// escape passes one escape sequence.
func (s *scanner) escape() error {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos++
		return nil
	case 'u':
		s.pos++
		for range 4 {
			if hexDigit(s.peek()) < 0 {
				return s.unexpected("four hexadecimal digits after \\u")
			}
			s.pos++
		}
		return nil
	default:
		return s.unexpected("an escape sequence of JSON after the backslash")
	}
}

// number passes a number.
func (s *scanner) number() error {
	if s.peek() == '-' {
		s.pos++
	}
	switch c := s.peek(); {
	case c == '0': // no digit may follow: what comes next is not ours to read
		s.pos++
	case c >= '1' && c <= '9':
		s.digits()
	default:
		return s.unexpected("a JSON value")
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return s.unexpected("a digit after the decimal point")
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if !s.digits() {
			return s.unexpected("a digit in the exponent")
		}
	}
	return nil
}

// digits passes decimal digits; false if there is none.
func (s *scanner) digits() bool {
	start := s.pos
	for c := s.peek(); c >= '0' && c <= '9'; c = s.peek() {
		s.pos++
	}
	return s.pos > start
}

// word passes true, false or null.
func (s *scanner) word(word string) error {
	for i := range len(word) {
		if s.peek() != word[i] {
			return s.unexpected(word)
		}
		s.pos++
	}
	return nil
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek is the next byte, or 0 (which JSON allows nowhere) at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) unexpected(expected string) error {
	if s.pos >= len(s.text) {
		return unreadable(NotJSON, "not JSON: it ends at byte %d; expected %s", s.pos, expected)
	}
	return unreadable(NotJSON, "not JSON: byte %d is %q; expected %s", s.pos, s.text[s.pos:s.pos+1], expected)
}
