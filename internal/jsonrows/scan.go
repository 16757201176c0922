package jsonrows

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// scanner reads one JSON object and notes where the values of the plan are.
// Positions of -1 mean that the line is malformed; then errAt and errText say where and why.
type scanner struct {
	root        *node
	keepUnknown bool
	slots       []slot
	unknown     []unknown
	line        []byte
	whole       slot
	objects     uint64 // number of objects read so far
	names       nameStack
	scratch     []byte
	errAt       int
	errText     string
}

// record scans the line; false: it is not one strict JSON object.
func (s *scanner) record(line []byte) bool {
	s.line = line
	clear(s.slots)
	s.unknown = s.unknown[:0]
	s.names.reset()
	i := s.space(0)
	if i >= len(line) {
		return s.fail(i, "empty record") >= 0
	}
	if line[i] != '{' {
		return s.fail(i, "record is not a JSON object") >= 0
	}
	end := s.object(i, s.root, 1)
	if end < 0 {
		return false
	}
	s.whole = slot{start: i, end: end, kind: '{'}
	if rest := s.space(end); rest < len(line) {
		return s.fail(rest, "text after the record") >= 0
	}
	return true
}

func (s *scanner) problem() string {
	return fmt.Sprintf("byte %d: %s", s.errAt+1, s.errText)
}

func (s *scanner) fail(at int, text string) int {
	s.errAt, s.errText = at, text
	return -1
}

func (s *scanner) space(i int) int {
	line := s.line
	for i < len(line) && (line[i] == ' ' || line[i] == '\t' || line[i] == '\n' || line[i] == '\r') {
		i++
	}
	return i
}

// object reads the object that opens at i, whose values n plans.
func (s *scanner) object(i int, n *node, depth int) int {
	if depth > maxDepth {
		return s.fail(i, "nested too deeply")
	}
	line := s.line
	s.objects++
	object := s.objects
	n.object = object
	base := s.names.open()
	if i++; i < len(line) && line[i] <= ' ' {
		i = s.space(i)
	}
	if i < len(line) && line[i] == '}' {
		return i + 1
	}
	prev := &n.head
	for {
		if i >= len(line) || line[i] != '"' {
			return s.fail(i, "expected a name")
		}
		nameStart, nameEnd := i, 0
		var e *entry
		if p := prev.next[0]; p != nil && p.at(line, i) {
			e = p
			i += len(p.text)
			nameEnd = i - 1
		} else if p := prev.next[1]; p != nil && p.at(line, i) {
			e = p
			i += len(p.text)
			nameEnd = i - 1
		} else {
			end, escaped := s.str(i)
			if end < 0 {
				return -1
			}
			e = n.lookup(s, line[i:end], escaped)
			i, nameEnd = end, end
			if e != nil {
				prev.next[1], prev.next[0] = prev.next[0], e
			} else if !s.names.add(s.plainName(line[nameStart+1:end-1], escaped), base) {
				return s.fail(nameStart, "name stands twice in one object")
			}
			if i = s.space(i); i >= len(line) || line[i] != ':' {
				return s.fail(i, "expected a colon")
			}
			i++
		}
		var child *node
		if e != nil {
			if e.object == object {
				return s.fail(nameStart, "name stands twice in one object")
			}
			e.object = object
			child = e.child
			prev = e
		}
		if i < len(line) && line[i] <= ' ' { // most have none here
			i = s.space(i)
		}
		start := i
		if child != nil {
			i = s.planned(i, child, depth)
		} else {
			i = s.skip(i, depth)
		}
		if i < 0 {
			return -1
		}
		if n == s.root && s.keepUnknown && (e == nil || !e.known) {
			s.unknown = append(s.unknown, unknown{e, nameStart, nameEnd, start, i})
		}
		if i < len(line) && line[i] <= ' ' {
			i = s.space(i)
		}
		if i >= len(line) {
			return s.fail(i, "record ends inside an object")
		}
		if line[i] == '}' {
			s.names.close(base)
			return i + 1
		}
		if line[i] != ',' {
			return s.fail(i, "expected a comma or the end of the object")
		}
		i++
		if i < len(line) && line[i] <= ' ' {
			i = s.space(i)
		}
	}
}

// planned reads the value at i and notes it for n.
func (s *scanner) planned(i int, n *node, depth int) int {
	if i >= len(s.line) {
		return s.fail(i, "record ends before a value")
	}
	kind := s.line[i]
	found := slot{start: i, kind: kind}
	switch {
	case kind == '"':
		end, escaped := s.str(i)
		if end < 0 {
			return -1
		}
		if n.slot >= 0 {
			s.slots[n.slot] = slot{start: i + 1, end: end - 1, kind: '"', escaped: escaped}
		}
		return end
	case kind == '{' && n.children != nil:
		found.end = s.object(i, n, depth+1)
	case kind == '[' && n.children != nil:
		found.end = s.array(i, n, depth+1)
	default:
		found.end = s.skip(i, depth)
	}
	if found.end >= 0 && n.slot >= 0 {
		s.slots[n.slot] = found
	}
	return found.end
}

// array reads the array that opens at i; n plans elements by their index, or
// nothing when it is nil.
func (s *scanner) array(i int, n *node, depth int) int {
	if depth > maxDepth {
		return s.fail(i, "nested too deeply")
	}
	if i = s.space(i + 1); i < len(s.line) && s.line[i] == ']' {
		return i + 1
	}
	for index := 0; ; index++ {
		var child *node
		if n != nil {
			child = n.element(index)
		}
		if child != nil {
			i = s.planned(i, child, depth)
		} else {
			i = s.skip(i, depth)
		}
		if i < 0 {
			return -1
		}
		if i = s.space(i); i >= len(s.line) {
			return s.fail(i, "record ends inside an array")
		}
		if s.line[i] == ']' {
			return i + 1
		}
		if s.line[i] != ',' {
			return s.fail(i, "expected a comma or the end of the array")
		}
		i = s.space(i + 1)
	}
}

// skip reads a value that no column needs. It checks it all the same.
func (s *scanner) skip(i, depth int) int {
	if i >= len(s.line) {
		return s.fail(i, "record ends before a value")
	}
	switch c := s.line[i]; {
	case c == '"':
		end, _ := s.str(i)
		return end
	case c == '{':
		return s.skipObject(i, depth+1)
	case c == '[':
		return s.array(i, nil, depth+1)
	case c == 't':
		return s.literal(i, "true")
	case c == 'f':
		return s.literal(i, "false")
	case c == 'n':
		return s.literal(i, "null")
	case c == '-' || c >= '0' && c <= '9':
		return s.number(i)
	default:
		return s.fail(i, "expected a value")
	}
}

func (s *scanner) skipObject(i, depth int) int {
	if depth > maxDepth {
		return s.fail(i, "nested too deeply")
	}
	line := s.line
	base := s.names.open()
	if i = s.space(i + 1); i < len(line) && line[i] == '}' {
		return i + 1
	}
	for {
		if i >= len(line) || line[i] != '"' {
			return s.fail(i, "expected a name")
		}
		end, escaped := s.str(i)
		if end < 0 {
			return -1
		}
		if !s.names.add(s.plainName(line[i+1:end-1], escaped), base) {
			return s.fail(i, "name stands twice in one object")
		}
		if i = end; i < len(line) && line[i] <= ' ' {
			i = s.space(i)
		}
		if i >= len(line) || line[i] != ':' {
			return s.fail(i, "expected a colon")
		}
		if i++; i < len(line) && line[i] <= ' ' {
			i = s.space(i)
		}
		if i = s.skip(i, depth); i < 0 {
			return -1
		}
		if i < len(line) && line[i] <= ' ' {
			i = s.space(i)
		}
		if i >= len(line) {
			return s.fail(i, "record ends inside an object")
		}
		if line[i] == '}' {
			s.names.close(base)
			return i + 1
		}
		if line[i] != ',' {
			return s.fail(i, "expected a comma or the end of the object")
		}
		if i++; i < len(line) && line[i] <= ' ' {
			i = s.space(i)
		}
	}
}

func (s *scanner) literal(i int, word string) int {
	if !hasPrefixAt(s.line, i, word) {
		return s.fail(i, "expected a value")
	}
	return i + len(word)
}

func (s *scanner) number(i int) int {
	line := s.line
	if line[i] == '-' {
		i++
	}
	switch {
	case i < len(line) && line[i] == '0':
		i++
	case i < len(line) && line[i] >= '1' && line[i] <= '9':
		i = digits(line, i)
	default:
		return s.fail(i, "expected a digit")
	}
	if i < len(line) && line[i] == '.' {
		start := i + 1
		if i = digits(line, start); i == start {
			return s.fail(i, "expected a digit")
		}
	}
	if i < len(line) && (line[i] == 'e' || line[i] == 'E') {
		i++
		if i < len(line) && (line[i] == '+' || line[i] == '-') {
			i++
		}
		start := i
		if i = digits(line, start); i == start {
			return s.fail(i, "expected a digit")
		}
	}
	return i
}

func digits(line []byte, i int) int {
	for i < len(line) && line[i]-'0' <= 9 {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops marks, in the high bit of the lowest of eight bytes that is a quote, a
// backslash, a control character or not ASCII; bytes above it may be marked too.
func stops(x uint64) uint64 {
	return (((x ^ ones*'"') - ones) | ((x ^ ones*'\\') - ones) | (x - ones*' ') | x) & highs
}

// str reads the string that opens at i and returns the position behind its
// closing quote.
func (s *scanner) str(i int) (end int, escaped bool) {
	line := s.line
	i++
	for {
		for i+16 <= len(line) {
			x, y := binary.LittleEndian.Uint64(line[i:]), binary.LittleEndian.Uint64(line[i+8:])
			if stop := stops(x); stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
			if stop := stops(y); stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
		}
		if i >= len(line) {
			return s.fail(i, "record ends inside a string"), false
		}
		switch c := line[i]; {
		case c == '"':
			return i + 1, escaped
		case c == '\\':
			escaped = true
			if i = s.escape(i); i < 0 {
				return -1, false
			}
		case c < ' ':
			return s.fail(i, "control character in a string"), false
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(line[i:])
			if r == utf8.RuneError && size == 1 {
				return s.fail(i, "text is not UTF-8"), false
			}
			i += size
		default:
			i++
		}
	}
}

// escape checks the escape at i and returns the position behind it.
func (s *scanner) escape(i int) int {
	line := s.line
	if i+1 >= len(line) {
		return s.fail(i, "record ends inside a string")
	}
	switch line[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		unit, ok := hex4(line, i+2)
		switch {
		case !ok:
			return s.fail(i, "invalid escape in a string")
		case unit < 0xd800 || unit > 0xdfff:
			return i + 6
		case unit < 0xdc00 && i+7 < len(line) && line[i+6] == '\\' && line[i+7] == 'u':
			if low, ok := hex4(line, i+8); ok && low >= 0xdc00 && low <= 0xdfff {
				return i + 12
			}
		}
		return s.fail(i, "half a surrogate pair in a string")
	default:
		return s.fail(i, "invalid escape in a string")
	}
}

func hasPrefixAt(line []byte, i int, prefix string) bool {
	return len(line)-i >= len(prefix) && string(line[i:i+len(prefix)]) == prefix
}
