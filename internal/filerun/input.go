package filerun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/cespare/xxhash/v2"

	"github.com/ripen-data/ripen/internal/blob"
)

// headBytes is how much of a resumed file's start Input.Head shows.
const headBytes = 64 << 10

// Input is one file for a Reader.
type Input struct {
	Location string    // address of the file for people
	Bytes    io.Reader // the file, or what was appended to it
	Head     []byte    // nil: Bytes starts at the file's start; else the first bytes of the file
	Lines    int64     // lines (or records) before Bytes; the reader moves it to the end of the file
	// Open is set by the reader: the length of a last line without an end, or
	// CannotGrow when appended bytes would mean nothing by themselves.
	Open int64
}

// CannotGrow is the value of Input.Open for files that are read whole or not at all.
const CannotGrow = -1

// hashReader counts and hashes what is read of a file.
type hashReader struct {
	r      io.Reader
	digest *xxhash.Digest
	n      int64
	onRead func(n int)
}

func (h *hashReader) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	_, _ = h.digest.Write(p[:n]) // never fails
	h.n += int64(n)
	h.onRead(n)
	return n, err
}

func (h *hashReader) sum() string { return strconv.FormatUint(h.digest.Sum64(), 16) }

func (s *splitter) hash(r io.Reader) *hashReader {
	return &hashReader{r: r, digest: xxhash.New(), onRead: func(n int) { s.group.read += int64(n) }}
}

// file reads one file that is new or changed and notes it as done.
func (s *splitter) file(ctx context.Context, f blob.File) error {
	location := s.job.Store.Location(f.Name)
	before, known := s.pass.state.Files[f.Name]
	if known && before.Size > 0 && f.Size >= before.Size {
		done, err := s.resume(ctx, f, before, location)
		if err != nil || done {
			return err
		}
	}
	r, err := s.job.Store.Open(ctx, f.Name, 0)
	if err != nil {
		return err // names the file
	}
	defer r.Close()
	raw := s.hash(r)
	return s.take(ctx, f, raw, &Input{Location: location, Bytes: raw})
}

// resume reads what was appended to a file, if anything; false: it was replaced instead.
func (s *splitter) resume(ctx context.Context, f blob.File, before entry, location string) (bool, error) {
	r, err := s.job.Store.Open(ctx, f.Name, 0)
	if err != nil {
		return false, err
	}
	defer r.Close()
	raw := s.hash(r)
	head := make([]byte, min(headBytes, before.Size))
	open := make([]byte, max(before.Open, 0))
	if int64(len(head)) > before.Size-before.Open {
		head = head[:before.Size-before.Open]
	}
	_, err = io.ReadFull(raw, head)
	if err == nil {
		_, err = io.CopyN(io.Discard, raw, before.Size-int64(len(head)+len(open)))
	}
	if err == nil {
		_, err = io.ReadFull(raw, open)
	}
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return false, nil // it has become shorter since it was listed
	case err != nil:
		return false, fmt.Errorf("%s: byte %d: %w", location, raw.n, err)
	case raw.sum() != before.Sum:
		return false, nil
	}
	next := make([]byte, 1)
	if _, err := io.ReadFull(raw, next); err == io.EOF {
		before.Modified = f.Modified.UnixMicro() // only touched
		s.pass.done(f, before)
		return true, nil
	} else if err != nil {
		return false, fmt.Errorf("%s: byte %d: %w", location, raw.n, err)
	}
	if before.Open == CannotGrow {
		return false, nil
	}
	in := &Input{Location: location, Head: head, Lines: before.Lines, Bytes: io.MultiReader(bytes.NewReader(next), raw)}
	if len(open) > 0 && next[0] != '\n' && next[0] != '\r' {
		// The last line was met half-written. It was a dead letter; now it is whole.
		in.Bytes = io.MultiReader(bytes.NewReader(open), in.Bytes)
		in.Lines--
	}
	return true, s.take(ctx, f, raw, in)
}

// take runs the reader over a file's bytes.
func (s *splitter) take(ctx context.Context, f blob.File, raw *hashReader, in *Input) error {
	for piece, err := range s.job.Reader(f).Read(ctx, in) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: byte %d: %w", in.Location, raw.n, err)
		}
		s.piece(piece, in.Location, f.Name)
	}
	s.pass.done(f, entry{Size: raw.n, Modified: f.Modified.UnixMicro(), Sum: raw.sum(), Lines: in.Lines, Open: in.Open})
	return nil
}
