package result

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
)

type csvWriter struct{ *output }

func (w *csvWriter) Write(ctx context.Context, a *transforms.Answer) error {
	switch {
	case a.Err != nil: // the caller says it to people
		return nil
	case a.Rows == nil:
		return w.explained(a)
	}
	w.separate()
	var line []byte
	for i, c := range a.Columns {
		if i > 0 {
			line = append(line, ',')
		}
		line = appendField(line, []byte(c.Name))
	}
	if _, err := w.output.Write(append(line, '\n')); err != nil {
		return err
	}
	var cell []byte
	return eachRow(ctx, a, func(record arrow.Record, i int) (err error) {
		line = line[:0]
		for k, c := range a.Columns {
			if k > 0 {
				line = append(line, ',')
			}
			if record.Column(k).IsNull(i) {
				continue
			}
			if cell, err = appendText(cell[:0], c.Type, record.Column(k), i); err != nil {
				return err
			}
			line = appendField(line, cell)
		}
		_, err = w.output.Write(append(line, '\n'))
		return err
	})
}

// appendField quotes a field of CSV where it must (RFC 4180), and where it is
// empty: only NULL has no quotes then.
func appendField(b, field []byte) []byte {
	plain := len(field) > 0 && field[0] != ' ' && field[len(field)-1] != ' '
	for _, c := range field {
		plain = plain && c != ',' && c != '"' && c != '\n' && c != '\r'
	}
	if plain {
		return append(b, field...)
	}
	b = append(b, '"')
	for _, c := range field {
		if c == '"' {
			b = append(b, '"')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

// explained prints compiled SQL as a statement; a table that was made has nothing
// to print.
func (o *output) explained(a *transforms.Answer) error {
	if !a.Explained {
		return nil
	}
	o.separate()
	_, err := fmt.Fprintln(o, strings.TrimRight(a.SQL, "\n")+";")
	return err
}

type tableWriter struct {
	*output
	limit int
}

// maxCell is the width at which a cell of a table is wrapped.
const maxCell = 60

func (w *tableWriter) Write(ctx context.Context, a *transforms.Answer) error {
	switch {
	case a.Err != nil:
		return nil
	case a.Rows == nil:
		return w.explained(a)
	}
	w.separate()
	t := table.NewWriter()
	t.SetOutputMirror(w.output)
	style := table.StyleDefault
	style.Options = table.Options{SeparateHeader: true}
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	header := make(table.Row, len(a.Columns))
	configs := make([]table.ColumnConfig, len(a.Columns))
	for i, c := range a.Columns {
		header[i] = c.Name
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMax: maxCell, WidthMaxEnforcer: text.WrapSoft}
		if c.Type.Kind == schemas.Int64 || c.Type.Kind == schemas.Float64 || c.Type.Kind == schemas.Numeric {
			configs[i].Align = text.AlignRight
		}
	}
	t.SetColumnConfigs(configs)
	t.AppendHeader(header)
	rows := 0
	err := eachRow(ctx, a, func(record arrow.Record, i int) error {
		if rows++; w.limit > 0 && rows > w.limit {
			return nil
		}
		row := make(table.Row, len(a.Columns))
		for k, c := range a.Columns {
			cell, err := tableCell(c.Type, record.Column(k), i)
			if err != nil {
				return err
			}
			row[k] = cell
		}
		t.AppendRow(row)
		return nil
	})
	if err != nil {
		return err
	}
	t.Render()
	return nil
}

func tableCell(t schemas.Type, column arrow.Array, i int) (string, error) {
	if column.IsNull(i) {
		return "NULL", nil
	}
	cell, err := appendText(nil, t, column, i)
	if s := string(cell); t.Kind == schemas.String && (s == "" || s == "NULL") {
		return "'" + s + "'", err
	}
	return string(cell), err
}
