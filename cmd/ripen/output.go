package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// rowSet is a small result in memory: what a person looks at.
type rowSet struct {
	columns []string
	rows    [][]any // nil, string, int64, float64, bool, time.Time, json.RawMessage
}

// add appends the rows of a record.
func (s *rowSet) add(rec arrow.Record) {
	if s.columns == nil {
		for _, f := range rec.Schema().Fields() {
			s.columns = append(s.columns, f.Name)
		}
	}
	for i := range int(rec.NumRows()) {
		row := make([]any, rec.NumCols())
		for j := range row {
			row[j] = cell(rec.Column(j), i)
		}
		s.rows = append(s.rows, row)
	}
}

func cell(column arrow.Array, i int) any {
	if column.IsNull(i) {
		return nil
	}
	switch c := column.(type) {
	case *array.String:
		return c.Value(i)
	case *array.Int64:
		return c.Value(i)
	case *array.Float64:
		return c.Value(i)
	case *array.Boolean:
		return c.Value(i)
	case *array.Timestamp:
		return c.Value(i).ToTime(c.DataType().(*arrow.TimestampType).Unit).UTC()
	case *array.Date32:
		return c.Value(i).ToTime().Format(time.DateOnly)
	case *array.Decimal128:
		scale := c.DataType().(*arrow.Decimal128Type).Scale
		return strings.TrimSuffix(strings.TrimRight(c.Value(i).ToString(scale), "0"), ".")
	default:
		if raw, err := json.Marshal(c.GetOneForMarshal(i)); err == nil {
			return json.RawMessage(raw)
		}
		return c.ValueStr(i)
	}
}

// index is the position of a column, or -1.
func (s *rowSet) index(name string) int {
	for i, c := range s.columns {
		if c == name {
			return i
		}
	}
	return -1
}

// writeJSON writes the rows as a JSON array of objects with the columns in order.
func (s *rowSet) writeJSON(w io.Writer) error {
	_, err := fmt.Fprintln(w, string(s.json()))
	return err
}

func (s *rowSet) json() json.RawMessage {
	var b strings.Builder
	b.WriteString("[")
	for i, row := range s.rows {
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("{")
		for j, v := range row {
			if j > 0 {
				b.WriteString(",")
			}
			name, _ := json.Marshal(s.columns[j])
			value, err := json.Marshal(v)
			if err != nil { // NaN and infinities have no JSON form
				value, _ = json.Marshal(fmt.Sprint(v))
			}
			b.Write(name)
			b.WriteString(":")
			b.Write(value)
		}
		b.WriteString("}")
	}
	b.WriteString("]")
	return json.RawMessage(b.String())
}

// writeTable writes the rows for people.
func (s *rowSet) writeTable(w io.Writer, maxWidth int) {
	t := newTable(w)
	header := make(table.Row, len(s.columns))
	configs := make([]table.ColumnConfig, len(s.columns))
	for i, c := range s.columns {
		header[i] = c
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMax: maxWidth, WidthMaxEnforcer: text.WrapSoft}
		if len(s.rows) > 0 {
			switch s.rows[0][i].(type) {
			case int64, float64:
				configs[i].Align = text.AlignRight
			}
		}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(header)
	for _, row := range s.rows {
		cells := make(table.Row, len(row))
		for i, v := range row {
			cells[i] = plain(v)
		}
		t.AppendRow(cells)
	}
	t.Render()
}

// newTable is the house's table: no frame, two blanks between columns.
func newTable(w io.Writer) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	style := table.StyleDefault
	style.Options = table.Options{SeparateHeader: true}
	style.Box.PaddingLeft = ""
	style.Box.PaddingRight = "  "
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	return t
}

func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case time.Time:
		return v.Format("2006-01-02 15:04:05")
	case float64:
		return fmt.Sprintf("%.4g", v)
	case json.RawMessage:
		return string(v)
	default:
		return fmt.Sprint(v)
	}
}
