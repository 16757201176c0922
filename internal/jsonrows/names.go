package jsonrows

import (
	"encoding/binary"
	"strconv"
	"unsafe"
)

// lookup finds the entry of a name (raw, with quotes) at n, learning it when
// there is room; nil: the name was not learned.
func (n *node) lookup(s *scanner, quoted []byte, escaped bool) *entry {
	name := s.plainName(quoted[1:len(quoted)-1], escaped)
	if e := n.names[string(name)]; e != nil {
		return e
	}
	if len(n.names) >= maxNames || len(quoted) > maxNameBytes {
		return nil
	}
	e := newEntry(string(quoted), n.children[string(name)]) // as this source spells it
	n.names[string(name)] = e
	return e
}

// element is the child of n for an index of an array.
func (n *node) element(index int) *node {
	if index < 10 {
		return n.children["0123456789"[index:index+1]]
	}
	if index > 9999 {
		return nil
	}
	var digits [8]byte
	return n.children[string(strconv.AppendInt(digits[:0], int64(index), 10))]
}

// plainName is a name without escapes. It stays valid until the record ends.
func (s *scanner) plainName(raw []byte, escaped bool) []byte {
	if !escaped {
		return raw
	}
	start := len(s.scratch)
	s.scratch = unescape(s.scratch, raw)
	return s.scratch[start:]
}

// nameStack holds the names of the objects that are open, to find one that
// stands twice. Few names are compared with each other; many go through a hash
// set, so that an object of a million names takes a million steps.
type nameStack struct {
	stack []stackedName
	many  map[nameKey]struct{}
}

type stackedName struct {
	word uint64 // first bytes and length: differs for most names that differ
	text []byte
}

type nameKey struct {
	base int // where the object's names start in the stack
	name string
}

const fewNames = 24

func (s *nameStack) reset() {
	clear(s.stack)
	s.stack = s.stack[:0]
	clear(s.many)
}

// open begins an object; the result is for add and close.
func (s *nameStack) open() int { return len(s.stack) }

// add reports whether the name is new in the object. text must stay as it is until close.
func (s *nameStack) add(text []byte, base int) bool {
	name := stackedName{word: nameWord(text), text: text}
	held := s.stack[base:]
	if len(held) < fewNames {
		for i := range held {
			if held[i].word == name.word && string(held[i].text) == string(text) {
				return false
			}
		}
		s.stack = append(s.stack, name)
		return true
	}
	if s.many == nil {
		s.many = map[nameKey]struct{}{}
	}
	if len(held) == fewNames {
		for _, h := range held {
			s.many[nameKey{base, viewString(h.text)}] = struct{}{}
		}
	}
	key := nameKey{base, viewString(text)}
	if _, taken := s.many[key]; taken {
		return false
	}
	s.many[key] = struct{}{}
	s.stack = append(s.stack, name)
	return true
}

// close ends the object.
func (s *nameStack) close(base int) {
	if len(s.stack)-base > fewNames {
		for _, h := range s.stack[base:] {
			delete(s.many, nameKey{base, viewString(h.text)})
		}
	}
	s.stack = s.stack[:base]
}

func nameWord(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.LittleEndian.Uint64(text) ^ uint64(len(text))<<56
	}
	word := uint64(len(text)) << 56
	for i, c := range text {
		word |= uint64(c) << (8 * i)
	}
	return word
}

// viewString is the bytes as a string without a copy; they must not change while it is used.
func viewString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
