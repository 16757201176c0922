package result

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/transforms"
)

type jsonWriter struct{ *output }

// answerHead is what an object of the JSON form begins with.
type answerHead struct {
	Statement int      `json:"statement"`
	Line      int      `json:"line"`
	Created   string   `json:"created,omitempty"`
	Columns   []column `json:"columns,omitempty"`
	RowCount  *int64   `json:"row_count,omitempty"`
	SQL       string   `json:"sql,omitempty"`
	Error     *Fault   `json:"error,omitempty"`
}

func (w *jsonWriter) Write(ctx context.Context, a *transforms.Answer) error {
	begin := ",\n"
	if w.answers++; w.answers == 1 {
		begin = "["
	}
	head := answerHead{Statement: a.Number, Line: a.Line}
	switch {
	case a.Err != nil:
		fault := FaultOf(a)
		head.Error = &fault
	default:
		head.Created, head.Columns = a.Created, columnsOf(a.Columns)
		if a.Explained {
			head.SQL = a.SQL
		} else if a.Created != "" {
			head.RowCount = &a.Count
		}
	}
	text, err := compact(head)
	if err != nil {
		return err
	}
	_, _ = w.WriteString(begin)
	if a.Rows == nil || a.Err != nil {
		_, err := w.output.Write(text)
		return err
	}
	_, _ = w.output.Write(bytes.TrimSuffix(text, []byte("}")))
	_, _ = w.WriteString(`,"rows":[`)
	names := keys(a)
	var row []byte
	first := true
	err = eachRow(ctx, a, func(record arrow.Record, i int) error {
		row = row[:0]
		if !first {
			row = append(row, ',')
		}
		first = false
		if row, err = appendRow(append(row, '\n'), names, a, record, i); err != nil {
			return err
		}
		_, err := w.output.Write(row)
		return err
	})
	_, _ = w.WriteString("]}")
	return err
}

func (w *jsonWriter) Close() error {
	end := "]\n"
	if w.answers == 0 {
		end = "[]\n"
	}
	_, _ = w.WriteString(end)
	return w.Flush()
}

// compact is JSON on one line, with <, > and & as they are.
func compact(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSpace(b.Bytes()), err
}

// keys are the names of an answer's columns as keys of an object.
func keys(a *transforms.Answer) [][]byte {
	names := make([][]byte, len(a.Columns))
	for i, c := range a.Columns {
		names[i] = append(appendString(nil, c.Name), ':')
	}
	return names
}

func appendRow(b []byte, names [][]byte, a *transforms.Answer, record arrow.Record, i int) ([]byte, error) {
	b = append(b, '{')
	for k, name := range names {
		if k > 0 {
			b = append(b, ',')
		}
		b = append(b, name...)
		var err error
		if b, err = appendJSON(b, a.Columns[k].Type, record.Column(k), i); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

type linesWriter struct{ *output }

func (w *linesWriter) Write(ctx context.Context, a *transforms.Answer) error {
	if a.Rows == nil || a.Err != nil {
		return w.noRows(a)
	}
	names := keys(a)
	var row []byte
	return eachRow(ctx, a, func(record arrow.Record, i int) (err error) {
		if row, err = appendRow(row[:0], names, a, record, i); err != nil {
			return err
		}
		_, err = w.output.Write(append(row, '\n'))
		return err
	})
}

// noRows prints a fault, or SQL that is only explained; a table that was made has
// no rows to print.
func (w *linesWriter) noRows(a *transforms.Answer) error {
	head := answerHead{Statement: a.Number, Line: a.Line}
	switch {
	case a.Err != nil:
		fault := FaultOf(a)
		head.Error = &fault
	case !a.Explained:
		return nil
	default:
		head.SQL = a.SQL
	}
	text, err := compact(head)
	if err != nil {
		return err
	}
	_, err = w.output.Write(append(text, '\n'))
	return err
}
