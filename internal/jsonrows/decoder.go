// Package jsonrows turns records into Arrow rows that fit a contract: JSON
// objects line by line (Append), or the texts of a CSV record (AppendTexts).
//
// A record that does not fit becomes a schemas.Reject and never an error. JSON
// is read strictly (RFC 8259, valid UTF-8, no name twice in one object, nothing
// after the value), because a lenient reader silently picks one of two values.
//
// The decoder scans each line once, against a tree of the paths that the
// contract names, and appends values straight into Arrow's own layout. A
// Decoder belongs to one goroutine; use one per worker.
package jsonrows

import (
	"fmt"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

// DefaultMaxAhead is how far a record's time may lie ahead of the clock.
const DefaultMaxAhead = 24 * time.Hour

// Options tune a Decoder. The zero value is usable.
type Options struct {
	// Clock is what times are compared with; nil: no time is too late.
	Clock func() time.Time
	// MaxAhead is how far the cursor column may lie ahead of Clock; 0: DefaultMaxAhead.
	MaxAhead time.Duration
	// NotAhead names further timestamp columns that may not lie ahead of Clock.
	NotAhead []string
	// Preset gives columns a text that holds for every JSON record, whatever the
	// record says: what only the reader knows, such as the collection read from.
	Preset map[string]string
	// Known names top-level fields that are no columns and not unknown either.
	Known []string
	// Zone is what timestamps without a zone mean; nil: UTC.
	Zone *time.Location
}

// Rows is what a Decoder collected since the last Flush.
type Rows struct {
	Record  arrow.Record     // the contract's columns, then schemas.ExtraColumn; nil when no record fitted
	Rejects []schemas.Reject // records that did not fit, in order
	Extra   map[string]int64 // how often each field came that the contract does not know; nil when none did
}

// Decoder collects records of one contract.
type Decoder struct {
	table    schemas.Table
	schema   *arrow.Schema
	opts     Options
	scan     scanner
	columns  []column
	extra    column // schemas.ExtraColumn
	drift    schemas.Drift
	limit    int64 // microseconds; a guarded column may not lie behind it
	rows     int
	bytes    int64
	rejects  []schemas.Reject
	counted  map[string]int64 // unknown fields named by Unknown
	overflow int64            // unknown fields beyond the names that are counted one by one
	err      error
}

// New returns a decoder for the contract, which must be valid.
func New(table schemas.Table, opts Options) *Decoder {
	if opts.MaxAhead == 0 {
		opts.MaxAhead = DefaultMaxAhead
	}
	d := &Decoder{table: table, schema: table.ArrowSchema(), opts: opts, drift: table.Drift}
	d.scan.plan(table, opts.Known)
	d.columns = newColumns(table, &d.scan, opts)
	d.extra = column{Column: schemas.Column{Name: schemas.ExtraColumn, Type: schemas.Type{Kind: schemas.String}}}
	d.extra.start()
	d.reset()
	return d
}

// Append takes one JSON object. location and line say where it came from; the
// decoder keeps no reference to record.
func (d *Decoder) Append(record []byte, location string, line int64) {
	if d.err != nil {
		return
	}
	d.bytes += int64(len(record))
	if !d.scan.record(record) {
		d.reject(schemas.Malformed, d.scan.problem(), record, location, line)
		return
	}
	if len(d.scan.unknown) > 0 && d.drift == schemas.Freeze {
		d.freeze(string(d.scan.unknown[0].name(&d.scan)), location, line)
		return
	}
	for i := range d.columns {
		c := &d.columns[i]
		if c.only >= 0 && d.scan.slots[c.only].empty() {
			c.appendNull()
			continue
		}
		if reason, detail := c.appendJSON(&d.scan, d.limit, d.opts.Zone); reason != "" {
			d.undo(i)
			d.reject(reason, detail, record, location, line)
			return
		}
	}
	d.appendExtra()
	d.rows++
}

// TextRow is a record given as texts, e.g. of a CSV file.
type TextRow struct {
	Texts   []string       // of each column in the contract's order; an empty one is NULL
	Extra   []byte         // unknown fields as one JSON object; nil: none
	Payload func() []byte  // renders the record for a dead letter
	Zone    *time.Location // what timestamps without a zone mean; nil: Options.Zone
}

// AppendTexts takes one record as texts. Its unknown fields are named with Unknown.
func (d *Decoder) AppendTexts(row TextRow, location string, line int64) {
	if d.err != nil {
		return
	}
	zone := row.Zone
	if zone == nil {
		zone = d.opts.Zone
	}
	for i := range d.columns {
		d.bytes += int64(len(row.Texts[i]))
		reason, detail := d.columns[i].appendText(row.Texts[i], d.limit, zone)
		if reason != "" {
			d.undo(i)
			d.reject(reason, detail, row.Payload(), location, line)
			return
		}
	}
	if row.Extra == nil {
		d.extra.appendNull()
	} else {
		d.extra.settle()
		d.extra.text = append(d.extra.text, row.Extra...)
		d.extra.endText()
	}
	d.rows++
}

// Unknown names a field that the contract does not know, when records are given
// as texts, and how often it came. Under drift freeze it stops the decoder.
func (d *Decoder) Unknown(field string, n int64, location string, line int64) {
	if d.drift == schemas.Freeze && d.err == nil {
		d.freeze(field, location, line)
	}
	if d.counted == nil {
		d.counted = map[string]int64{}
	}
	if _, ok := d.counted[field]; !ok && len(d.counted) >= maxNames {
		field = OtherFields
	}
	d.counted[field] += n
}

// Drift is the contract's policy for unknown fields.
func (d *Decoder) Drift() schemas.Drift { return d.drift }

// Reject records a dead letter that the caller found itself, e.g. a line too long.
func (d *Decoder) Reject(reason schemas.Reason, detail string, payload []byte, location string, line int64) {
	d.reject(reason, detail, payload, location, line)
}

// Len is the number of rows collected.
func (d *Decoder) Len() int { return d.rows }

// Bytes is the number of bytes appended since the last Flush. Callers flush
// long before it reaches 2 GiB, the most that an Arrow text column holds.
func (d *Decoder) Bytes() int64 { return d.bytes }

// Err is the error that Flush will return: under drift freeze, an unknown field.
func (d *Decoder) Err() error { return d.err }

// Flush returns what was collected and starts anew. The error is an unknown
// field under drift freeze; then nothing is returned with it.
func (d *Decoder) Flush() (Rows, error) {
	if d.err != nil {
		return Rows{}, d.err
	}
	out := Rows{Rejects: d.rejects, Extra: d.scan.takeUnknown(d.overflow)}
	if out.Extra == nil {
		out.Extra = d.counted
	} else {
		for field, n := range d.counted {
			out.Extra[field] += n
		}
	}
	if d.rows > 0 {
		arrays := make([]arrow.Array, 0, len(d.columns)+1)
		for i := range d.columns {
			arrays = append(arrays, d.columns[i].take(d.schema.Field(i).Type))
		}
		arrays = append(arrays, d.extra.take(arrow.BinaryTypes.String))
		out.Record = newRecord(d.schema, arrays, int64(d.rows))
	}
	d.reset()
	return out, nil
}

func (d *Decoder) reset() {
	d.rows, d.bytes, d.rejects, d.counted, d.overflow = 0, 0, nil, nil, 0
	d.limit = 1<<63 - 1
	if d.opts.Clock != nil {
		d.limit = d.opts.Clock().Add(d.opts.MaxAhead).UnixMicro()
	}
}

// undo takes the current row back out of the columns before upTo.
func (d *Decoder) undo(upTo int) {
	for i := range d.columns[:upTo] {
		d.columns[i].dropLast()
	}
}

func (d *Decoder) reject(reason schemas.Reason, detail string, record []byte, location string, line int64) {
	d.rejects = append(d.rejects, schemas.Reject{
		Location: location, Line: line, Reason: reason, Detail: detail, Payload: payloadText(record),
	})
}

func (d *Decoder) freeze(field, location string, line int64) {
	err := fmt.Errorf("%s: line %d: field %q is not in contract %s, which is frozen", location, line, field, d.table.ID())
	d.err = hint.Wrap(err, "let the field in with `drift: {%s: evolve}` in ripen.yaml, or drop it with discard", d.table.ID())
}

// appendExtra writes the unknown fields of the current record to the last column.
func (d *Decoder) appendExtra() {
	s := &d.scan
	for i := range s.unknown {
		if e := s.unknown[i].entry; e != nil {
			e.count++
		} else {
			d.overflow++
		}
	}
	if len(s.unknown) == 0 || d.drift != schemas.Evolve {
		d.extra.appendNull()
		return
	}
	d.extra.settle()
	d.extra.text = append(d.extra.text, '{')
	for i, u := range s.unknown {
		if i > 0 {
			d.extra.text = append(d.extra.text, ',')
		}
		d.extra.text = append(d.extra.text, s.line[u.nameStart:u.nameEnd]...)
		d.extra.text = append(d.extra.text, ':')
		d.extra.text = append(d.extra.text, s.line[u.start:u.end]...)
	}
	d.extra.text = append(d.extra.text, '}')
	d.extra.endText()
}
