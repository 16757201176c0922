// Package recent remembers which records an extractor read lately, small enough
// to travel in a cursor.
//
// Sources show changes late and out of order, so every run reads a stretch of
// time again. The set says which of those records were landed before. It holds
// 8 bytes of a SHA-256 per record and is bounded: beyond the bound the oldest are
// forgotten, and such a record may be landed once more, which models tolerate; no
// record is ever taken for another one that was not read.
package recent

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

// MaxEntries bounds a set: 160 kB, or 213 kB as text.
const MaxEntries = 20_000

// Set is what the cursor knew and what this run has met. It belongs to one goroutine.
type Set struct {
	known map[uint64]struct{} // of the cursor
	met   map[uint64]int64    // of this run, with its instant
}

// Parse reads the text of a set; the empty text is the empty set.
func Parse(text string) (*Set, error) {
	packed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil || len(packed)%8 != 0 {
		return nil, errors.New("the set of recent records is damaged")
	}
	s := &Set{known: make(map[uint64]struct{}, len(packed)/8), met: map[uint64]int64{}}
	for ; len(packed) > 0; packed = packed[8:] {
		s.known[binary.BigEndian.Uint64(packed)] = struct{}{}
	}
	return s, nil
}

// Keep takes everything the cursor knew over into the next text, whatever its age.
func (s *Set) Keep() {
	for hash := range s.known {
		s.met[hash] = math.MaxInt64
	}
}

// Meet notes a record of the given instant and reports whether it was met
// before, in this run or in those behind the cursor. The parts together identify
// one version of one record.
func (s *Set) Meet(at int64, parts ...string) bool {
	hash := hashOf(parts)
	_, known := s.known[hash]
	before, met := s.met[hash]
	if !met || before < at {
		s.met[hash] = at
	}
	if len(s.met) > 4*MaxEntries {
		s.met = newest(s.met, math.MinInt64)
	}
	return known || met
}

// Full reports whether this run met more than a text can hold.
func (s *Set) Full() bool { return len(s.met) > MaxEntries }

// Text is the set for a cursor: what this run met, from the given instant on.
func (s *Set) Text(from int64) string {
	kept := newest(s.met, from)
	hashes := make([]uint64, 0, len(kept))
	for hash := range kept {
		hashes = append(hashes, hash)
	}
	slices.Sort(hashes)
	packed := make([]byte, 0, 8*len(hashes))
	for _, hash := range hashes {
		packed = binary.BigEndian.AppendUint64(packed, hash)
	}
	return base64.RawStdEncoding.EncodeToString(packed)
}

func newest(met map[uint64]int64, from int64) map[uint64]int64 {
	type entry struct {
		hash uint64
		at   int64
	}
	var entries []entry
	for hash, at := range met {
		if at >= from {
			entries = append(entries, entry{hash, at})
		}
	}
	if len(entries) > MaxEntries {
		slices.SortFunc(entries, func(a, b entry) int {
			return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(a.hash, b.hash))
		})
		entries = entries[:MaxEntries]
	}
	kept := make(map[uint64]int64, len(entries))
	for _, e := range entries {
		kept[e.hash] = e.at
	}
	return kept
}

// hashOf keeps the parts apart, so that ("a", "bc") is not ("ab", "c").
func hashOf(parts []string) uint64 {
	h := sha256.New()
	var length [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		h.Write(length[:])
		h.Write([]byte(part))
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}
