package transforms

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// jsonReader reads the rows of a JSON file of a case.
type jsonReader struct {
	source  syntax.Source // the archive
	file    caseFile
	decoder *jsontext.Decoder
	table   []schemas.Column

	out   fixture
	given [][]bool // which columns each row said
}

// parseJSON also returns which columns each row said.
func parseJSON(source syntax.Source, f caseFile, columns []schemas.Column) (fixture, [][]bool, error) {
	r := &jsonReader{source: source, file: f, table: columns, decoder: jsontext.NewDecoder(strings.NewReader(f.text))}
	if err := r.read(); err != nil {
		return fixture{}, nil, err
	}
	// Early rows have no cell of columns that later ones brought.
	for i := range r.out.rows {
		for len(r.out.rows[i]) < len(r.out.columns) {
			r.out.rows[i], r.given[i] = append(r.out.rows[i], nil), append(r.given[i], false)
		}
	}
	return r.out, r.given, nil
}

// read reads an array of rows, or rows without one.
func (r *jsonReader) read() error {
	if r.decoder.PeekKind() == '[' {
		if _, err := r.decoder.ReadToken(); err != nil {
			return r.broken(err)
		}
	}
	for {
		switch r.decoder.PeekKind() {
		case '{':
			if err := r.row(); err != nil {
				return err
			}
			continue
		case ']':
			if _, err := r.decoder.ReadToken(); err != nil {
				return r.broken(err)
			}
			if rest := r.next(); rest < len(r.file.text) {
				return r.fault(rest, "there is text behind the array", "a file is one array, or objects without one")
			}
			return nil
		}
		start := r.next()
		value, err := r.decoder.ReadValue()
		switch {
		case errors.Is(err, io.EOF) && len(r.out.rows) > 0:
			return nil
		case errors.Is(err, io.EOF):
			return r.fault(0, "there is nothing in the file", `write an array of objects, e.g. [{"id": 1}], or [] for no rows`)
		case err != nil:
			return r.broken(err)
		default:
			return r.fault(start, fmt.Sprintf("%s is not a row", value), `a row is an object, e.g. {"id": 1}`)
		}
	}
}

// row reads one object.
func (r *jsonReader) row() error {
	line := r.file.line + strings.Count(r.file.text[:r.next()], "\n")
	if _, err := r.decoder.ReadToken(); err != nil {
		return r.broken(err)
	}
	row, given := make([]any, len(r.out.columns)), make([]bool, len(r.out.columns))
	for r.decoder.PeekKind() != '}' {
		start := r.next()
		token, err := r.decoder.ReadToken()
		if err != nil {
			return r.broken(err)
		}
		name := token.String()
		named := func(c schemas.Column) bool { return c.Name == name }
		i := slices.IndexFunc(r.out.columns, named)
		if i < 0 {
			of := slices.IndexFunc(r.table, named)
			if of < 0 {
				return r.fault(start, fmt.Sprintf("unknown column %q", name), hint.DidYouMean(name, columnNames(r.table)))
			}
			i = len(r.out.columns)
			r.out.columns, row, given = append(r.out.columns, r.table[of]), append(row, nil), append(given, false)
		}
		raw, err := r.decoder.ReadValue()
		if err != nil {
			return r.broken(err)
		}
		if row[i], err = jsonCell(r.out.columns[i].Type, raw); err != nil {
			return r.fault(int(r.decoder.InputOffset())-len(raw), fmt.Sprintf("column %s: %v", name, err), "")
		}
		given[i] = true
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return r.broken(err)
	}
	r.out.rows, r.out.lines, r.given = append(r.out.rows, row), append(r.out.lines, line), append(r.given, given)
	return nil
}

// next is where the next value starts: behind white space and commas.
func (r *jsonReader) next() int {
	at := int(r.decoder.InputOffset())
	for at < len(r.file.text) && strings.IndexByte(" \t\r\n,", r.file.text[at]) >= 0 {
		at++
	}
	return at
}

func (r *jsonReader) fault(offset int, message, advice string) error {
	d := syntax.Source{Name: r.source.Name, Text: r.file.text}.At(offset, r.file.name+": "+message, advice)
	d.Line += r.file.line - 1
	return d
}

func (r *jsonReader) broken(err error) error {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return r.fault(int(syntactic.ByteOffset), syntactic.Err.Error(), "")
	}
	return r.fault(r.next(), err.Error(), "")
}

// jsonCell reads a member of a row.
func jsonCell(t schemas.Type, raw jsontext.Value) (any, error) {
	if t.Kind == schemas.String && (raw.Kind() == '{' || raw.Kind() == '[') {
		text := raw.Clone()
		if err := text.Compact(); err != nil {
			return nil, err
		}
		return string(text), nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return fromJSON(t, value)
}
