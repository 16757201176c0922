package filerun

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/schemas"
)

// MaxLine bounds one record.
const MaxLine = 8 << 20

// chunkBytes is how much is read before a piece is cut at a line's end.
const chunkBytes = 2 << 20

// Lines reads JSON Lines, plain or gzip. Lines end in LF or CRLF; blank ones and
// a byte order mark are passed over.
type Lines struct {
	// Decode takes one line; nil: Decoder.Append. It keeps no reference to the line.
	Decode func(d *jsonrows.Decoder, line []byte, location string, number int64)
}

// Read splits a file at line ends; see Reader.
func (l Lines) Read(ctx context.Context, in *Input) iter.Seq2[Piece, error] {
	return func(yield func(Piece, error) bool) {
		r, zipped, err := Plain(in)
		if err != nil {
			yield(Piece{}, err)
			return
		}
		c := chunker{r: r, in: in, lines: l}
		if err := c.run(yield); err != nil && !errors.Is(err, errStopped) {
			yield(Piece{}, Cut(err, zipped))
			return
		}
		if zipped && in.Open > 0 {
			in.Open = CannotGrow
		}
	}
}

// Plain returns the text of a file: without gzip, which its first bytes tell, and
// without a byte order mark.
func Plain(in *Input) (r io.Reader, zipped bool, err error) {
	raw := bufio.NewReaderSize(in.Bytes, 64<<10)
	magic, err := raw.Peek(2)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, false, err
	}
	text := raw
	if bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzip, err := gzip.NewReader(raw)
		if err != nil {
			return nil, true, Cut(err, true)
		}
		zipped, text = true, bufio.NewReaderSize(unzip, 64<<10)
	}
	start, err := text.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, zipped, Cut(err, zipped)
	}
	switch {
	case bytes.HasPrefix(start, []byte{0xef, 0xbb, 0xbf}):
		_, err = text.Discard(3)
	case bytes.HasPrefix(start, []byte{0xff, 0xfe}), bytes.HasPrefix(start, []byte{0xfe, 0xff}):
		return nil, zipped, hint.New("the file is UTF-16", "convert it to UTF-8, for example with iconv -f UTF-16 -t UTF-8")
	default:
		err = nil
	}
	return text, zipped, err
}

// Cut explains errors of compressed input.
func Cut(err error, zipped bool) error {
	if !zipped {
		return err
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return hint.Wrap(fmt.Errorf("the gzip file is cut off: %w", io.ErrUnexpectedEOF),
			"copy the file again; nothing of it was landed, and the next run reads it whole")
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return hint.Wrap(err, "the gzip file is damaged: copy it again; nothing of it was landed")
	}
	return err
}

var errStopped = errors.New("the caller wants no more")

// chunks are reused: each is as large as a piece.
var chunks = sync.Pool{New: func() any { return new([]byte) }}

// chunker cuts a stream into pieces of whole lines.
type chunker struct {
	r     io.Reader
	in    *Input
	lines Lines
}

func (c *chunker) run(yield func(Piece, error) bool) error {
	buf := newChunk(0)
	for {
		if len(buf) == cap(buf) {
			grown := newChunk(2 * cap(buf))
			grown = append(grown, buf...)
			putChunk(buf)
			buf = grown
		}
		n, err := c.r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case err == io.EOF:
			if c.in.Open != CannotGrow {
				c.in.Open = int64(len(buf) - 1 - bytes.LastIndexByte(buf, '\n'))
			}
			if len(buf) > 0 && !yield(c.cut(buf), nil) {
				return errStopped
			}
			return nil
		case err != nil:
			return err
		case len(buf) < cap(buf):
			continue
		}
		end := bytes.LastIndexByte(buf, '\n') + 1
		if end == 0 {
			if len(buf) <= MaxLine {
				continue // the line goes on
			}
			if buf, err = c.tooLong(buf, yield); err != nil {
				return err
			}
			continue
		}
		rest := append(newChunk(len(buf)-end), buf[end:]...)
		if !yield(c.cut(buf[:end]), nil) {
			return errStopped
		}
		buf = rest
	}
}

// tooLong passes over a line that no buffer holds and returns what was read behind it.
func (c *chunker) tooLong(buf []byte, yield func(Piece, error) bool) ([]byte, error) {
	payload := bytes.Clone(buf[:schemas.MaxPayload])
	location, number := c.in.Location, c.in.Lines+1
	c.in.Lines++
	length := 0
	for {
		end := bytes.IndexByte(buf, '\n')
		if end >= 0 {
			length += end
			buf = append(buf[:0], buf[end+1:]...)
			break
		}
		length += len(buf)
		n, err := c.r.Read(buf[:cap(buf)])
		buf = buf[:n]
		if err == io.EOF && n == 0 {
			c.in.Open = CannotGrow
			break
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
	}
	p := Piece{Bytes: len(payload), Decode: func(d *jsonrows.Decoder) {
		d.Reject(schemas.Malformed, fmt.Sprintf("the line has %d bytes, more than %d", length, MaxLine), payload, location, number)
	}}
	if !yield(p, nil) {
		return nil, errStopped
	}
	return buf, nil
}

// cut makes a piece of whole lines; the text is the piece's from now on.
func (c *chunker) cut(text []byte) Piece {
	location, number := c.in.Location, c.in.Lines
	c.in.Lines += int64(bytes.Count(text, []byte{'\n'}))
	if text[len(text)-1] != '\n' {
		c.in.Lines++
	}
	decode := c.lines.Decode
	if decode == nil {
		decode = (*jsonrows.Decoder).Append
	}
	return Piece{Bytes: len(text), Decode: func(d *jsonrows.Decoder) {
		for rest := text; len(rest) > 0; {
			line := rest
			if end := bytes.IndexByte(rest, '\n'); end >= 0 {
				line, rest = rest[:end], rest[end+1:]
			} else {
				rest = nil
			}
			number++
			line = bytes.TrimSuffix(line, []byte{'\r'})
			if len(bytes.TrimLeft(line, " \t\r")) == 0 {
				continue
			}
			if len(line) > MaxLine {
				d.Reject(schemas.Malformed, fmt.Sprintf("the line has %d bytes, more than %d", len(line), MaxLine), line, location, number)
				continue
			}
			decode(d, line, location, number)
		}
		putChunk(text)
	}}
}

// newChunk is an empty buffer with room for at least n bytes more than a chunk's half.
func newChunk(n int) []byte {
	buf := *chunks.Get().(*[]byte)
	if need := max(chunkBytes, n+chunkBytes/2); cap(buf) < need {
		return make([]byte, 0, need)
	}
	return buf[:0]
}

func putChunk(buf []byte) {
	if cap(buf) <= 2*chunkBytes { // rare long lines are not worth keeping
		chunks.Put(&buf)
	}
}
