package landing

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// castagnoli is the polynomial that processors compute in hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sink counts and hashes what is written and keeps the first error: after it
// nothing is written any more and every write fails. The Parquet library drops
// write errors in many places, so its word is not taken for anything.
type sink struct {
	w      io.Writer
	err    error
	bytes  int64
	sha256 hash.Hash
	crc    uint32
}

func newSink(w io.Writer) *sink { return &sink{w: w, sha256: sha256.New()} }

func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.w.Write(p)
	if err == nil && n != len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.err = fmt.Errorf("write at byte %d: %w", s.bytes, err)
		return min(max(n, 0), len(p)), s.err
	}
	s.bytes += int64(n)
	s.sha256.Write(p)
	s.crc = crc32.Update(s.crc, castagnoli, p)
	return n, nil
}

func (s *sink) sum() string { return hex.EncodeToString(s.sha256.Sum(nil)) }
