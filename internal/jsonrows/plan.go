package jsonrows

import (
	"encoding/binary"
	"strings"

	"github.com/ripen-data/ripen/schemas"
)

// Bounds on what a hostile source can make the decoder remember.
const (
	maxNames     = 512   // names that a plan node learns, after that they are looked up the slow way
	maxNameBytes = 256   // longer names are not learned
	maxDepth     = 10000 // nested objects and arrays, the bound of jsontext
)

// OtherFields is the key of Rows.Extra under which unknown fields are counted
// once a source has sent more distinct names than are counted one by one.
const OtherFields = "*"

// node is one place in a record that the contract names, or a place on the way to one.
type node struct {
	children map[string]*node // next path part
	slot     int              // index into scanner.slots; -1: no column reads this place
	names    map[string]*entry
	head     entry  // stands before the first name of the object
	object   uint64 // the object of this node that is being read
}

// entry is a name that objects at a node were seen to have. The names that
// followed it last time predict the next one, so that most names are compared
// once and neither scanned nor hashed.
type entry struct {
	text   string // as written, with both quotes and the colon
	first  uint64 // the first eight bytes of text, under mask
	mask   uint64
	last   uint64 // the last eight bytes of text, when it has as many
	child  *node  // nil: no column reads below this name
	next   [2]*entry
	object uint64 // last object that had the name: having it twice is malformed
	known  bool   // some column's path starts here, or the node is not the root
	count  int64  // of unknown names at the root
}

// slot is where a value of the current record was found. kind is its first
// byte: " { [ t f n - or a digit; 0 when the record does not have it.
type slot struct {
	start, end int // of the value; of a string, what is between the quotes
	kind       byte
	escaped    bool // a string with backslashes
}

// empty reports that the record has no value there: nothing, or null.
func (s *slot) empty() bool { return s.kind == 0 || s.kind == 'n' }

// unknown is a field of the current record that the contract does not know.
type unknown struct {
	entry              *entry // nil when the name was not learned
	nameStart, nameEnd int    // with quotes
	start, end         int
}

func (u unknown) name(s *scanner) []byte {
	raw := s.line[u.nameStart+1 : u.nameEnd-1]
	return unescape(nil, raw)
}

// plan builds the tree of the contract's paths.
func (s *scanner) plan(table schemas.Table, known []string) {
	s.root = newNode()
	for _, name := range known {
		s.root.names[name] = newEntry(`"`+name+`"`, nil)
		s.root.names[name].known = true
	}
	whole := false
	for _, c := range table.Columns {
		for _, path := range c.Fields {
			if path == "$" {
				whole = true
			} else {
				s.slotOf(path)
			}
		}
	}
	// A name that is known without a column must not hide one that has a column.
	for name, e := range s.root.names {
		e.child = s.root.children[name]
	}
	// A table that keeps whole records drops nothing, so nothing is to be counted.
	s.keepUnknown = table.Drift != schemas.Discard || !whole
}

func newEntry(quoted string, child *node) *entry {
	e := &entry{text: quoted + ":", child: child, known: child != nil, mask: ^uint64(0)}
	var head, tail [8]byte
	copy(head[:], e.text)
	e.first = binary.LittleEndian.Uint64(head[:])
	if n := len(e.text); n < 8 {
		e.mask = 1<<(8*n) - 1
	} else {
		copy(tail[:], e.text[n-8:])
		e.last = binary.LittleEndian.Uint64(tail[:])
	}
	return e
}

// at reports whether the name, with its colon, stands at i.
func (e *entry) at(line []byte, i int) bool {
	n := len(e.text)
	rest := line[i:]
	if len(rest) < n || len(rest) < 8 {
		return false // the end of the record is near, and the slow way finds the name too
	}
	if (binary.LittleEndian.Uint64(rest)^e.first)&e.mask != 0 {
		return false
	}
	if n <= 8 {
		return true
	}
	if binary.LittleEndian.Uint64(rest[n-8:n]) != e.last {
		return false
	}
	return n <= 16 || string(rest[8:n-8]) == e.text[8:n-8]
}

func newNode() *node { return &node{slot: -1, names: map[string]*entry{}} }

// slotOf is the slot of a dotted path, made when it is new.
func (s *scanner) slotOf(path string) int {
	n := s.root
	for part := range strings.SplitSeq(path, ".") {
		child := n.children[part]
		if child == nil {
			child = newNode()
			if n.children == nil {
				n.children = map[string]*node{}
			}
			n.children[part] = child
		}
		n = child
	}
	if n.slot < 0 {
		n.slot = len(s.slots)
		s.slots = append(s.slots, slot{})
	}
	return n.slot
}

// takeUnknown returns the counts of unknown fields and sets them to zero.
func (s *scanner) takeUnknown(overflow int64) map[string]int64 {
	var counts map[string]int64
	add := func(name string, n int64) {
		if n > 0 {
			if counts == nil {
				counts = map[string]int64{}
			}
			counts[name] += n
		}
	}
	for name, e := range s.root.names {
		add(name, e.count)
		e.count = 0
	}
	add(OtherFields, overflow)
	return counts
}
