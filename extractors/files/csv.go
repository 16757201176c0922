package files

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/ripen-data/ripen/internal/filerun"
	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/landing"
)

// csvReader reads CSV as RFC 4180 and encoding/csv have it: a header, fields
// that may be quoted, an empty field is NULL.
type csvReader struct{ mapped }

const csvPieceBytes = 1 << 20

// csvRecord is one record with its bytes as they stand in the file.
type csvRecord struct {
	fields []string
	raw    []byte
	line   int64
	err    error // why it is malformed
}

// Read implements filerun.Reader.
func (c csvReader) Read(ctx context.Context, in *filerun.Input) iter.Seq2[filerun.Piece, error] {
	return func(yield func(filerun.Piece, error) bool) {
		text, zipped, err := filerun.Plain(in)
		if err != nil {
			yield(filerun.Piece{}, err)
			return
		}
		err = c.split(in, text, zipped, func(p filerun.Piece) bool { return yield(p, nil) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(filerun.Piece{}, filerun.Cut(err, zipped))
		}
	}
}

var errStopped = errors.New("the caller wants no more")

func (c csvReader) split(in *filerun.Input, text io.Reader, zipped bool, emit func(filerun.Piece) bool) error {
	keeper := &keeper{r: text}
	records := csv.NewReader(keeper)
	records.Comma = c.mappings[0].comma(c.name)
	var names header
	var err error
	if in.Head != nil {
		names, err = c.readHeader(bytes.NewReader(in.Head))
	} else {
		names, err = trimHeader(records.Read())
		keeper.take(records.InputOffset())
	}
	if err == io.EOF {
		return nil // an empty file
	}
	if err != nil {
		return err
	}
	if err := checkHeader(names); err != nil {
		return err
	}
	records.FieldsPerRecord = len(names)
	rows, err := c.compile(names)
	if err != nil {
		return err
	}
	p := csvPiece{names: names, rows: rows, unknown: names.unknown(c.known), location: in.Location}
	before := in.Lines
	for {
		fields, err := records.Read()
		if err == io.EOF {
			break
		}
		raw := keeper.take(records.InputOffset())
		record := csvRecord{fields: fields, raw: raw}
		var broken *csv.ParseError
		switch {
		case errors.As(err, &broken):
			record.err, record.line = broken.Err, before+int64(broken.StartLine)
		case err != nil:
			return err
		default:
			line, _ := records.FieldPos(0)
			record.line = before + int64(line)
		}
		p.records = append(p.records, record)
		if p.size += len(raw) * 2; p.size >= csvPieceBytes {
			if !emit(p.piece()) {
				return errStopped
			}
			p.records, p.size = nil, 0
		}
	}
	in.Lines += keeper.lines
	if zipped || keeper.last != '\n' {
		in.Open = filerun.CannotGrow
	}
	if len(p.records) > 0 && !emit(p.piece()) {
		return errStopped
	}
	return nil
}

// readHeader reads the header again of a file that has grown.
func (c csvReader) readHeader(head io.Reader) (header, error) {
	text, _, err := filerun.Plain(&filerun.Input{Bytes: head})
	if err != nil {
		return nil, err
	}
	records := csv.NewReader(text)
	records.Comma = c.mappings[0].comma(c.name)
	return trimHeader(records.Read())
}

func trimHeader(names []string, err error) (header, error) {
	if err != nil && err != io.EOF {
		err = fmt.Errorf("header: %w", err)
	}
	for i := range names {
		names[i] = string(bytes.TrimSpace([]byte(names[i])))
	}
	return names, err
}

func checkHeader(names header) error {
	for i, name := range names {
		if name != "" && slices.Contains(names[:i], name) {
			return hint.New(fmt.Sprintf("the header names column %q twice", name), "rename one of them: which one is meant cannot be told")
		}
	}
	return nil
}

// csvPiece is records that are mapped by a worker.
type csvPiece struct {
	names    header
	rows     []rowMap
	unknown  []int
	location string
	records  []csvRecord
	size     int
}

func (p csvPiece) piece() filerun.Piece { return filerun.Piece{Bytes: p.size, Decode: p.decode} }

func (p csvPiece) decode(d *jsonrows.Decoder) {
	var texts []string
	taken := int64(0)
	for _, record := range p.records {
		if record.err != nil {
			d.Reject(landing.Malformed, record.err.Error(), record.raw, p.location, record.line)
			continue
		}
		row := jsonrows.TextRow{
			Extra:   extraFor(d, p.names, record.fields, p.unknown),
			Payload: func() []byte { return record.raw },
		}
		for _, r := range p.rows {
			if r.takes(record.fields) {
				texts = r.append(d, record.fields, texts, row, p.location, record.line)
				taken++
			}
		}
	}
	countUnknown(d, p.names, p.unknown, taken, p.location, p.records[0].line)
}

// keeper keeps the bytes of the record that is being read.
type keeper struct {
	r     io.Reader
	buf   []byte // from base
	base  int64
	lines int64
	last  byte
}

func (k *keeper) Read(p []byte) (int, error) {
	// A quote that is never closed would make the rest of the file one field.
	if len(k.buf) > filerun.MaxLine+len(p) {
		return 0, hint.New(fmt.Sprintf("a record is longer than %d bytes", filerun.MaxLine), "look for a quote that is not closed")
	}
	n, err := k.r.Read(p)
	k.buf = append(k.buf, p[:n]...)
	k.lines += int64(bytes.Count(p[:n], []byte{'\n'}))
	if n > 0 {
		k.last = p[n-1]
	}
	return n, err
}

// take returns the bytes up to the offset and forgets them.
func (k *keeper) take(offset int64) []byte {
	n := offset - k.base
	raw := bytes.TrimRight(bytes.Clone(k.buf[:n]), "\r\n")
	k.buf = k.buf[:copy(k.buf, k.buf[n:])]
	k.base = offset
	return raw
}
