package transforms

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// fixture is a table of a case.
//
// As CSV it has a header; lines that start with # are comments. Cells are read
// by the type of their column: NULL is NULL, an empty cell is NULL too unless
// the column is a STRING; timestamps are ISO 8601, UTC without a zone; ARRAY and
// STRUCT are JSON.
//
// As JSON it is one array of objects, or one object after the other; their
// members are columns. ARRAY and STRUCT are arrays and objects, dates and
// timestamps text, NUMERIC and FLOAT64 numbers or text (for "NaN" and digits
// that a reader could round). An object where the column is a STRING is its JSON
// text.
type fixture struct {
	columns []schemas.Column
	rows    [][]any // a value per column, see Rows
	lines   []int   // of the rows in the archive
}

// fixtureFormats are the endings of files with rows.
var fixtureFormats = []string{".csv", ".json", ".jsonl"}

// parseFixture reads rows with columns of the table.
func parseFixture(source syntax.Source, f caseFile, columns []schemas.Column) (fixture, error) {
	if path.Ext(f.name) == ".csv" {
		return parseCSV(source, f, columns)
	}
	rows, _, err := parseJSON(source, f, columns)
	return rows, err
}

// parseWant is parseFixture for rows that a query must return: each must say
// all columns that are compared. No rows at all compare all columns.
func parseWant(source syntax.Source, f caseFile, columns []schemas.Column) (fixture, error) {
	if path.Ext(f.name) == ".csv" {
		return parseCSV(source, f, columns)
	}
	rows, given, err := parseJSON(source, f, columns)
	if err != nil {
		return rows, err
	}
	for i := range rows.rows {
		for j, c := range rows.columns {
			if !given[i][j] {
				return rows, at(source, rows.lines[i], 1, fmt.Sprintf("%s: the row says nothing of column %s, which others name", f.name, c.Name), "write null, or leave the column out everywhere")
			}
		}
	}
	if len(rows.rows) == 0 {
		rows.columns = columns
	}
	return rows, nil
}

// maxRowFaults bounds what is said of one file of rows.
const maxRowFaults = 20

func parseCSV(source syntax.Source, f caseFile, columns []schemas.Column) (fixture, error) {
	reader := csv.NewReader(strings.NewReader(f.text))
	reader.Comment, reader.TrimLeadingSpace = '#', true
	prefix := f.name + ": "
	if path.Base(source.Name) == f.name {
		prefix = "" // the file is not one of an archive
	}
	var faults []error
	fault := func(line, column int, message, advice string) {
		faults = append(faults, at(source, f.line+line-1, column, prefix+message, advice))
	}
	broken := func(err error) {
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			fault(parse.Line, parse.Column, parse.Err.Error(), "")
		} else {
			fault(1, 1, err.Error(), "")
		}
	}
	header, err := reader.Read()
	switch {
	case errors.Is(err, io.EOF):
		fault(1, 1, "the header is missing", "write the names of the columns, separated by commas")
	case err != nil:
		broken(err)
	}
	known := columnNames(columns)
	var out fixture
	for i, name := range header {
		line, column := reader.FieldPos(i)
		at := slices.Index(known, name)
		switch {
		case at < 0:
			fault(line, column, fmt.Sprintf("unknown column %q", name), hint.DidYouMean(name, known))
		case slices.Index(header, name) < i:
			fault(line, column, fmt.Sprintf("column %q stands twice", name), "")
		default:
			out.columns = append(out.columns, columns[at])
		}
	}
	if len(faults) > 0 {
		return fixture{}, errors.Join(faults...) // without the columns the cells say nothing
	}
	for len(faults) < maxRowFaults {
		record, err := reader.Read()
		switch {
		case errors.Is(err, io.EOF):
			if len(faults) > 0 {
				out = fixture{}
			}
			return out, errors.Join(faults...)
		case errors.Is(err, csv.ErrFieldCount):
			line, _ := reader.FieldPos(0)
			fault(line, 1, fmt.Sprintf("the row has %d cells, the header %d", len(record), len(header)), "")
			continue
		case err != nil: // what follows cannot be told apart
			broken(err)
			return fixture{}, errors.Join(faults...)
		}
		row := make([]any, len(record))
		for i, cell := range record {
			if row[i], err = parseCell(out.columns[i].Type, cell); err != nil {
				line, column := reader.FieldPos(i)
				fault(line, column, fmt.Sprintf("column %s: %v", header[i], err), "")
			}
		}
		line, _ := reader.FieldPos(0)
		out.rows, out.lines = append(out.rows, row), append(out.lines, f.line+line-1)
	}
	return fixture{}, errors.Join(faults...)
}

func columnNames(columns []schemas.Column) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}
