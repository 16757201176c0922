package landing

import (
	"fmt"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// checkRecord refuses what the schema does not promise to readers of the file:
// other columns, NULL in a required column, text that is not UTF-8.
func checkRecord(schema *arrow.Schema, record arrow.Record) error {
	if int(record.NumCols()) != schema.NumFields() {
		return fmt.Errorf("a batch has %d columns, the contract %d", record.NumCols(), schema.NumFields())
	}
	for i, field := range schema.Fields() {
		values := record.Column(i)
		switch name := record.ColumnName(i); {
		case name != field.Name:
			return fmt.Errorf("column %d of a batch is %s, of the contract %s", i+1, name, field.Name)
		case !arrow.TypeEqual(values.DataType(), field.Type):
			return fmt.Errorf("column %s: a batch has %s, the contract %s", name, values.DataType(), field.Type)
		case !field.Nullable && values.NullN() > 0:
			return fmt.Errorf("column %s is required, but a batch has %d NULLs in it", name, values.NullN())
		}
		if text, ok := values.(*array.String); ok {
			if row := invalidText(text); row >= 0 {
				return fmt.Errorf("column %s: row %d of a batch is not UTF-8", field.Name, row)
			}
		}
	}
	return nil
}

// invalidText returns the first row that is not UTF-8, or -1. All text is looked
// at in one go: it is valid if the whole is and every value starts a rune.
func invalidText(values *array.String) int {
	if values.Len() == 0 {
		return -1
	}
	text := values.ValueBytes()
	offsets := values.ValueOffsets()
	valid := utf8.Valid(text)
	for _, offset := range offsets {
		if at := int(offset - offsets[0]); valid && at < len(text) {
			valid = utf8.RuneStart(text[at])
		}
	}
	if valid {
		return -1
	}
	for row := range values.Len() {
		if values.IsValid(row) && !utf8.ValidString(values.Value(row)) {
			return row
		}
	}
	return -1 // only the unused bytes behind NULLs are not
}

// recordBytes estimates the memory that a record's values occupy.
func recordBytes(record arrow.Record) (n int64) {
	for _, values := range record.Columns() {
		n += arrayBytes(values)
	}
	return n
}

func arrayBytes(values arrow.Array) int64 {
	rows := int64(values.Len())
	switch values := values.(type) {
	case *array.String:
		if rows == 0 {
			return 0
		}
		return int64(len(values.ValueBytes())) + 4*rows + rows/8
	case *array.Boolean:
		return rows / 4
	}
	if fixed, ok := values.DataType().(arrow.FixedWidthDataType); ok {
		return rows*int64(fixed.BitWidth()/8) + rows/8
	}
	return 16 * rows
}
