// Package result prints the answers of a session (transforms.Session) as a table
// for people, CSV, JSON or JSONL, a batch of rows at a time.
//
// # Values
//
//	type                  table and CSV                      JSON and JSONL
//	INT64                 42                                 42, all digits, also beyond 2^53
//	FLOAT64               0.1  NaN  Infinity  -Infinity      0.1  "NaN"  "Infinity"  "-Infinity"
//	NUMERIC               12.5                               "12.5", exact
//	BOOL                  true                               true
//	STRING                as it is                           "text"
//	BYTES                 base64                             "base64"
//	DATE                  2026-01-31                         "2026-01-31"
//	DATETIME              2026-01-31 10:00:00.5              "2026-01-31T10:00:00.5"
//	TIME                  10:00:00.5                         "10:00:00.5"
//	TIMESTAMP             2026-01-31 10:00:00.5+00           "2026-01-31T10:00:00.5Z"
//	INTERVAL              1-2 3 4:5:6.7                      "1-2 3 4:5:6.7"
//	JSON                  the value                          the value itself
//	ARRAY, STRUCT         as in JSON                         array, object in the order of the fields
//
// A FLOAT64 is the shortest number that reads back the same. A field of a STRUCT
// without a name is _field_N (schemas.Type.FieldNames).
//
// NULL is null in JSON. In CSV it is nothing between the commas, and the empty
// STRING is "". In a table it is NULL, and a STRING that is empty, or says NULL,
// stands in single quotes.
//
// # Forms
//
// JSON is an array with one object per statement, in order:
//
//	{"statement": 1, "line": 1, "columns": [{"name": "n", "type": "INT64"}], "rows": [{"n": 1}]}
//	{"statement": 2, "line": 3, "created": "t", "columns": […], "row_count": 10}
//	{"statement": 3, "line": 4, "error": {"kind": "invalid", "file": "query", "line": 4, "column": 8, "message": "…", "hint": "…", "more": […]}}
//	{"statement": 4, "line": 5, "columns": […], "sql": "…"}     with Explain
//
// JSONL is one object per row, the rows of all statements one after another, and
// one object {"statement", "line", "error"} for a statement that failed. CSV has a
// header per query and an empty line between queries.
package result

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Formats are the names that New takes.
var Formats = []string{"table", "csv", "json", "jsonl"}

// Writer prints answers. Close ends the output.
type Writer interface {
	Write(context.Context, *transforms.Answer) error
	Close() error
}

// New makes a Writer of a format. limit is the number of rows after which a table
// ends; 0 means all, and other formats print what comes.
func New(format string, w io.Writer, limit int) (Writer, error) {
	out := &output{Writer: bufio.NewWriterSize(w, 64<<10)}
	switch format {
	case "table":
		return &tableWriter{output: out, limit: limit}, nil
	case "csv":
		return &csvWriter{output: out}, nil
	case "json":
		return &jsonWriter{output: out}, nil
	case "jsonl":
		return &linesWriter{output: out}, nil
	}
	return nil, fmt.Errorf("unknown format %q", format)
}

// output is what writers share. bufio keeps the first error of the stream.
type output struct {
	*bufio.Writer
	answers int
}

func (o *output) Close() error { return o.Flush() }

// separate begins the text of an answer, with an empty line behind another one.
func (o *output) separate() {
	if o.answers++; o.answers > 1 {
		_ = o.WriteByte('\n') // Flush returns what went wrong
	}
}

// eachRow calls do with every row of an answer.
func eachRow(ctx context.Context, a *transforms.Answer, do func(record arrow.Record, i int) error) error {
	for record, err := range a.Rows.Records(ctx) {
		if err != nil {
			return err
		}
		if int(record.NumCols()) != len(a.Columns) {
			return fmt.Errorf("%d columns came for %d", record.NumCols(), len(a.Columns))
		}
		for i := range int(record.NumRows()) {
			if err := do(record, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// Fault is an error of a statement as JSON shows it.
type Fault struct {
	Kind    transforms.FaultKind `json:"kind"`
	File    string               `json:"file,omitempty"`
	Line    int                  `json:"line,omitempty"`
	Column  int                  `json:"column,omitempty"`
	Message string               `json:"message"`
	Hint    string               `json:"hint,omitempty"`
	More    []Fault              `json:"more,omitempty"` // further faults of the statement
}

// FaultOf describes the error of an answer.
func FaultOf(a *transforms.Answer) Fault {
	faults := faultsOf(a.Kind, a.Err)
	first := faults[0]
	first.More = faults[1:]
	return first
}

func faultsOf(kind transforms.FaultKind, err error) []Fault {
	if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
		var faults []Fault
		for _, one := range joined.Unwrap() {
			faults = append(faults, faultsOf(kind, one)...)
		}
		return faults
	}
	var d *syntax.Diagnostic
	if errors.As(err, &d) {
		return []Fault{{Kind: kind, File: d.Name, Line: d.Line, Column: d.Column, Message: d.Message, Hint: d.Hint}}
	}
	return []Fault{{Kind: kind, Message: err.Error()}}
}

// column is a column as JSON shows it.
type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func columnsOf(columns []schemas.Column) []column {
	list := make([]column, len(columns))
	for i, c := range columns {
		list[i] = column{c.Name, c.Type.String()}
	}
	return list
}
