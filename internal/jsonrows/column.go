package jsonrows

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/ripen-data/ripen/schemas"
)

// source is one of the places where a column may find its value.
type source struct {
	slot   int  // -1: the whole record
	nested bool // a later alternative lies inside this one, so an object here is no value
}

// layout is how values of a column lie in memory. A number is told apart faster
// than the name of a type, and it is looked at once per value.
type layout uint8

const (
	textLayout layout = iota // STRING, _extra
	jsonLayout
	intLayout
	floatLayout
	boolLayout
	numericLayout
	dateLayout
	timestampLayout
)

var layouts = map[schemas.Kind]layout{
	schemas.String: textLayout, schemas.JSON: jsonLayout, schemas.Int64: intLayout, schemas.Float64: floatLayout,
	schemas.Bool: boolLayout, schemas.Numeric: numericLayout, schemas.Date: dateLayout, schemas.Timestamp: timestampLayout,
}

// column collects the values of one column in Arrow's layout. Only the slices
// of its type are used.
type column struct {
	schemas.Column
	layout  layout
	sources []source
	guarded bool   // may not lie ahead of the clock
	only    int    // slot of the only source of a column that may be NULL, else -1
	preset  string // the value of every record; empty: from the record

	rows    int     // in the slices below
	pending int     // NULLs behind them, written when a value follows: many columns have few
	nulls   int     // in the slices below
	valid   []byte  // bitmap; only where nulls > 0
	offsets []int32 // of text: 0, then the end of each row
	text    []byte  // STRING, JSON
	ints    []int64 // INT64, TIMESTAMP
	floats  []float64
	days    []int32
	nums    []decimal128.Num
	bools   []byte // bitmap
	scratch []byte
}

func newColumns(table schemas.Table, s *scanner, opts Options) []column {
	columns := make([]column, len(table.Columns))
	for i, c := range table.Columns {
		columns[i] = column{Column: c, layout: layouts[c.Type.Kind], preset: opts.Preset[c.Name]}
		columns[i].start()
		columns[i].guarded = c.Type.Kind == schemas.Timestamp &&
			(c.Name == table.Cursor || slices.Contains(opts.NotAhead, c.Name))
		for k, path := range c.Fields {
			src := source{slot: -1}
			if path != "$" {
				src.slot = s.slotOf(path)
			}
			for _, later := range c.Fields[k+1:] {
				if len(later) > len(path) && later[:len(path)] == path && later[len(path)] == '.' {
					src.nested = true
				}
			}
			columns[i].sources = append(columns[i].sources, src)
		}
		columns[i].only = -1
		if len(c.Fields) == 1 && !c.Required && columns[i].preset == "" {
			columns[i].only = columns[i].sources[0].slot
		}
	}
	return columns
}

// start makes an empty column ready for rows.
func (c *column) start() {
	if c.layout == textLayout || c.layout == jsonLayout {
		c.offsets = append(c.offsets, 0)
	}
}

// appendJSON appends the column's value in the scanned record. A reason means
// that the record does not fit; then the column is as before.
func (c *column) appendJSON(s *scanner, limit int64, zone *time.Location) (schemas.Reason, string) {
	if c.preset != "" {
		return c.appendText(c.preset, limit, zone)
	}
	for i := range c.sources {
		src := &c.sources[i]
		v := &s.whole
		if src.slot >= 0 {
			v = &s.slots[src.slot]
		}
		if v.empty() {
			continue
		}
		raw := s.line[v.start:v.end]
		c.settle()
		if c.layout == textLayout && v.kind == '"' && !v.escaped {
			c.text = append(c.text, raw...)
			c.endText()
			return "", ""
		}
		switch c.layout {
		case jsonLayout:
			if v.kind == '"' {
				raw = s.line[v.start-1 : v.end+1]
			}
			c.text = append(c.text, raw...)
			c.endText()
			return "", ""
		case textLayout:
			if v.kind != '{' && v.kind != '[' {
				if v.escaped {
					c.text = unescape(c.text, raw)
				} else {
					c.text = append(c.text, raw...)
				}
				c.endText()
				return "", ""
			}
		}
		if v.kind == '{' || v.kind == '[' {
			if src.nested {
				continue
			}
			return schemas.WrongType, c.misfit(raw)
		}
		if v.kind == '"' {
			if v.escaped {
				c.scratch = unescape(c.scratch[:0], raw)
				raw = c.scratch
			}
			if len(raw) == 0 {
				continue
			}
		}
		return c.appendValue(raw, v.kind == '"', limit, zone)
	}
	return c.appendMissing()
}

// appendText appends a value given as text; an empty one is NULL.
func (c *column) appendText(text string, limit int64, zone *time.Location) (schemas.Reason, string) {
	if text == "" {
		return c.appendMissing()
	}
	raw := viewBytes(text)
	if !utf8.ValidString(text) {
		return schemas.Malformed, `column "` + c.Name + `": ` + quoteShown(raw) + " is not UTF-8"
	}
	c.settle()
	switch c.layout {
	case textLayout:
		c.text = append(c.text, text...)
		c.endText()
		return "", ""
	case jsonLayout:
		c.text = appendJSONText(c.text, raw)
		c.endText()
		return "", ""
	}
	return c.appendValue(raw, true, limit, zone)
}

// appendValue converts and appends a scalar. quoted: it was a string.
func (c *column) appendValue(raw []byte, quoted bool, limit int64, zone *time.Location) (schemas.Reason, string) {
	ok := false
	switch c.layout {
	case intLayout:
		var n int64
		if n, ok = parseInt(raw); ok {
			c.ints = append(c.ints, n)
		}
	case floatLayout:
		var f float64
		if f, ok = parseFloat(raw); ok {
			c.floats = append(c.floats, f)
		}
	case boolLayout:
		var b bool
		if b, ok = parseBool(raw); ok {
			c.appendBit(b)
		}
	case numericLayout:
		var n decimal128.Num
		if n, ok = parseNumeric(raw); ok {
			c.nums = append(c.nums, n)
		}
	case dateLayout:
		var day int32
		if day, ok = parseDate(raw, quoted); ok {
			c.days = append(c.days, day)
		}
	case timestampLayout:
		var micros int64
		if micros, ok = parseTimestamp(raw, c.Format, quoted, zone); ok {
			if c.guarded && micros > limit {
				return schemas.FutureTime, `column "` + c.Name + `": ` + shown(raw) + " lies ahead of the clock"
			}
			c.ints = append(c.ints, micros)
		}
	}
	if !ok {
		return schemas.WrongType, c.misfit(raw)
	}
	c.markValid()
	return "", ""
}

func (c *column) misfit(raw []byte) string {
	article := "a "
	if c.Type.Kind == schemas.Int64 {
		article = "an "
	}
	return `column "` + c.Name + `": ` + quoteShown(raw) + " is not " + article + c.Type.String()
}

// quoteShown quotes scalars; objects and arrays speak for themselves.
func quoteShown(raw []byte) string {
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		return shown(raw)
	}
	return `"` + shown(raw) + `"`
}

func (c *column) appendMissing() (schemas.Reason, string) {
	if c.Required {
		return schemas.MissingRequired, `column "` + c.Name + `" has no value`
	}
	c.appendNull()
	return "", ""
}

// markValid counts a row with a value. The bitmap begins with the first NULL:
// most columns that are always filled never need one.
func (c *column) markValid() {
	if c.nulls > 0 {
		if c.rows&7 == 0 {
			c.valid = append(c.valid, 0)
		}
		c.valid[c.rows>>3] |= 1 << (c.rows & 7)
	}
	c.rows++
}

func (c *column) appendNull() { c.pending++ }

// settle writes the NULLs that are pending.
func (c *column) settle() {
	if c.pending > 0 {
		c.writeNulls(c.pending)
		c.pending = 0
	}
}

func (c *column) writeNulls(n int) {
	if c.nulls == 0 {
		c.valid = c.valid[:0]
		for range c.rows / 8 {
			c.valid = append(c.valid, 0xff)
		}
		if rest := c.rows & 7; rest > 0 {
			c.valid = append(c.valid, 1<<rest-1)
		}
	}
	c.valid = extend(c.valid, (c.rows+n+7)/8-len(c.valid))
	switch c.layout {
	case textLayout, jsonLayout:
		end := int32(len(c.text))
		for range n {
			c.offsets = append(c.offsets, end)
		}
	case intLayout, timestampLayout:
		c.ints = extend(c.ints, n)
	case floatLayout:
		c.floats = extend(c.floats, n)
	case boolLayout:
		c.bools = extend(c.bools, (c.rows+n+7)/8-len(c.bools))
	case numericLayout:
		c.nums = extend(c.nums, n)
	case dateLayout:
		c.days = extend(c.days, n)
	}
	c.rows += n
	c.nulls += n
}

// extend appends n zeros.
func extend[T any](s []T, n int) []T {
	s = slices.Grow(s, n)
	clear(s[len(s) : len(s)+n])
	return s[:len(s)+n]
}

// endText ends the text value that was appended to c.text.
func (c *column) endText() {
	c.offsets = append(c.offsets, int32(len(c.text)))
	c.markValid()
}

// appendBit must run before the row is counted.
func (c *column) appendBit(b bool) {
	if c.rows&7 == 0 {
		c.bools = append(c.bools, 0)
	}
	if b {
		c.bools[c.rows>>3] |= 1 << (c.rows & 7)
	}
}

// dropLast takes the last row out.
func (c *column) dropLast() {
	if c.pending > 0 {
		c.pending--
		return
	}
	rows := c.rows - 1
	bit := byte(1) << (rows & 7)
	if c.nulls > 0 {
		if c.valid[rows>>3]&bit == 0 {
			c.nulls-- // at zero the bitmap is begun anew by the next NULL
		}
		c.valid[rows>>3] &^= bit
		c.valid = c.valid[:(rows+7)/8]
	}
	switch c.layout {
	case textLayout, jsonLayout:
		c.offsets = c.offsets[:rows+1]
		c.text = c.text[:c.offsets[rows]]
	case intLayout, timestampLayout:
		c.ints = c.ints[:rows]
	case floatLayout:
		c.floats = c.floats[:rows]
	case boolLayout:
		c.bools[rows>>3] &^= bit
		c.bools = c.bools[:(rows+7)/8]
	case numericLayout:
		c.nums = c.nums[:rows]
	case dateLayout:
		c.days = c.days[:rows]
	}
	c.rows = rows
}

// take hands the rows over as an Arrow array and starts anew with as much room.
func (c *column) take(dt arrow.DataType) arrow.Array {
	c.settle()
	buffers := []*memory.Buffer{nil}
	if c.nulls > 0 {
		buffers[0] = memory.NewBufferBytes(c.valid)
	}
	switch c.layout {
	case textLayout, jsonLayout:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.offsets)), memory.NewBufferBytes(c.text))
	case intLayout, timestampLayout:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int64Traits.CastToBytes(c.ints)))
	case floatLayout:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Float64Traits.CastToBytes(c.floats)))
	case boolLayout:
		buffers = append(buffers, memory.NewBufferBytes(c.bools))
	case numericLayout:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Decimal128Traits.CastToBytes(c.nums)))
	case dateLayout:
		buffers = append(buffers, memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(c.days)))
	}
	data := array.NewData(dt, c.rows, buffers, nil, c.nulls, 0)
	defer data.Release()
	fresh := *c
	fresh.rows, fresh.nulls = 0, 0
	fresh.valid = room(c.valid)
	fresh.offsets, fresh.text, fresh.ints = room(c.offsets), room(c.text), room(c.ints)
	fresh.floats, fresh.days, fresh.nums, fresh.bools = room(c.floats), room(c.days), room(c.nums), room(c.bools)
	fresh.start()
	*c = fresh
	return array.MakeFromData(data)
}

// room is an empty slice that holds a little more than the last batch needed.
func room[T any](last []T) []T {
	if len(last) == 0 {
		return nil
	}
	return make([]T, 0, len(last)+len(last)/16+8)
}

func newRecord(schema *arrow.Schema, arrays []arrow.Array, rows int64) arrow.Record {
	record := array.NewRecord(schema, arrays, rows)
	for _, a := range arrays {
		a.Release()
	}
	return record
}
