package transforms

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// A seed's rows become one statement, of which a warehouse takes up to a megabyte.
const (
	maxSeed     = 512 << 10 // bytes of data.csv
	maxSeedText = 1 << 20   // bytes of the statement
)

// seed turns data.csv into the query that returns its rows. Columns have the
// types that model.yaml states, STRING where it states none; cells are written as
// in the cases of a model.
func (c *config) seed(data syntax.Source) (syntax.Source, error) {
	const advice = "land it: a source of type `files` in ripen.yaml reads CSV of any size"
	data.Text = strings.TrimPrefix(data.Text, "\ufeff")
	if len(data.Text) > maxSeed {
		return data, data.At(0, fmt.Sprintf("a seed holds up to %d KB, this file has %d", maxSeed>>10, len(data.Text)>>10), advice)
	}
	columns, err := c.seedColumns(data)
	if err != nil {
		return data, err
	}
	rows, err := parseCSV(data, caseFile{name: dataFile, text: data.Text, line: 1}, columns)
	if err != nil {
		return data, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s.\nselect\n", grainPrefix, cmp.Or(strings.Join(c.Key, " and "), "line"))
	for i, column := range columns {
		fmt.Fprintf(&b, "    seed.%s%s\n", column.Name, comma(i, len(columns)))
	}
	b.WriteString("from unnest(array<struct<\n")
	for i, column := range columns {
		fmt.Fprintf(&b, "    `%s` %s%s\n", column.Name, column.Type, comma(i, len(columns))) // it may be a reserved word
	}
	b.WriteString(">>[")
	for i, row := range rows.rows {
		cells := make([]string, len(row))
		for j, value := range row {
			if cells[j], err = literal(columns[j].Type, value); err != nil {
				return data, at(data, rows.lines[i], 1, fmt.Sprintf("column %s: %v", columns[j].Name, err), "")
			}
		}
		fmt.Fprintf(&b, "\n    struct(%s)%s", strings.Join(cells, ", "), comma(i, len(rows.rows)))
	}
	b.WriteString("\n]) as seed\n")
	if b.Len() > maxSeedText {
		return data, data.At(0, fmt.Sprintf("%d rows are too many for a seed: written as a statement they take %d KB of %d", len(rows.rows), b.Len()>>10, maxSeedText>>10), advice)
	}
	return syntax.Source{Name: data.Name, Text: b.String()}, nil
}

// seedColumns are those of the header.
func (c *config) seedColumns(data syntax.Source) ([]schemas.Column, error) {
	reader := csv.NewReader(strings.NewReader(data.Text))
	reader.Comment, reader.TrimLeadingSpace = '#', true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, data.At(0, "the header is missing", "write the names of the columns, separated by commas")
	}
	if err != nil {
		return nil, data.At(0, err.Error(), "")
	}
	columns := make([]schemas.Column, len(header))
	for i, name := range header {
		if !datasetName.MatchString(name) {
			line, column := reader.FieldPos(i)
			return nil, at(data, line, column, fmt.Sprintf("%q is not a column name", name), "use lower-case letters, digits and underscores")
		}
		columns[i] = schemas.Column{Name: name, Type: schemas.Type{Kind: schemas.String}}
		if stated := c.Columns[name].Type; stated != "" {
			if columns[i].Type, err = schemas.ParseType(stated); err != nil {
				return nil, c.source.At(c.offset("columns"), err.Error(), "")
			}
		}
	}
	return columns, nil
}

func comma(i, of int) string {
	if i+1 < of {
		return ","
	}
	return ""
}

// literal writes a value, as Rows describes it, in GoogleSQL.
func literal(t schemas.Type, value any) (string, error) {
	if value == nil {
		return "null", nil
	}
	switch t.Kind {
	case schemas.String:
		return googleText(fmt.Sprint(value)), nil
	case schemas.Int64, schemas.Bool:
		return fmt.Sprint(value), nil
	case schemas.Float64:
		f, ok := value.(float64)
		if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
			return "cast(" + googleText(fmt.Sprint(value)) + " as float64)", nil
		}
		text := strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text, nil
	case schemas.Datetime:
		return "datetime " + googleText(strings.TrimSuffix(fmt.Sprint(value), "Z")), nil
	case schemas.Numeric, schemas.Date, schemas.Timestamp, schemas.Time:
		return strings.ToLower(string(t.Kind)) + " " + googleText(fmt.Sprint(value)), nil
	case schemas.Bytes:
		return "from_base64(" + googleText(fmt.Sprint(value)) + ")", nil
	case schemas.Array:
		list, _ := value.([]any)
		items := make([]string, len(list))
		for i, item := range list {
			var err error
			if items[i], err = literal(*t.Elem, item); err != nil {
				return "", err
			}
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	case schemas.Struct:
		fields, _ := value.(map[string]any)
		items := make([]string, len(t.Fields))
		for i, field := range t.Fields {
			var err error
			if items[i], err = literal(field.Type, fields[field.Name]); err != nil {
				return "", err
			}
		}
		return "struct(" + strings.Join(items, ", ") + ")", nil
	}
	return "", fmt.Errorf("a seed cannot hold %s", t)
}

// googleText writes a STRING literal of GoogleSQL.
func googleText(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ':
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}
