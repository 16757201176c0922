package landing

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/xitongsys/parquet-go/parquet"
)

// verifyFooter compares a footer with what was written: columns and types, rows
// per row group, NULLs per column, and column chunks that tile the file from the
// magic to where the footer starts.
func verifyFooter(footer *parquet.FileMetaData, start int64, want shape) error {
	fields := want.schema.Fields()
	if err := verifySchema(footer.Schema, fields); err != nil {
		return err
	}
	if footer.NumRows != want.rows() {
		return fmt.Errorf("%d rows written, %d in the footer", want.rows(), footer.NumRows)
	}
	if len(footer.RowGroups) != len(want.groups) {
		return fmt.Errorf("%d row groups written, %d in the footer", len(want.groups), len(footer.RowGroups))
	}
	next := int64(len(magic))
	for i, group := range footer.RowGroups {
		end, err := verifyGroup(group, fields, next, want.groups[i])
		if err != nil {
			return fmt.Errorf("row group %d: %w", i, err)
		}
		next = end
	}
	if next != start {
		return fmt.Errorf("column chunks end at byte %d, the footer starts at %d", next, start)
	}
	return nil
}

// verifyGroup returns the offset behind the row group, which starts at next.
func verifyGroup(group *parquet.RowGroup, fields []arrow.Field, next int64, want groupShape) (int64, error) {
	if group == nil || group.NumRows != want.rows || want.rows == 0 {
		return 0, fmt.Errorf("%d rows written, %d in the footer", want.rows, group.GetNumRows())
	}
	if len(group.Columns) != len(fields) {
		return 0, fmt.Errorf("%d columns written, %d in the footer", len(fields), len(group.Columns))
	}
	for i, chunk := range group.Columns {
		end, err := verifyChunk(chunk, fields[i], next, want.rows, want.nulls[i])
		if err != nil {
			return 0, fmt.Errorf("column %s: %w", fields[i].Name, err)
		}
		next = end
	}
	return next, nil
}

func verifyChunk(chunk *parquet.ColumnChunk, field arrow.Field, next, rows, nulls int64) (int64, error) {
	if chunk == nil || chunk.MetaData == nil || chunk.FilePath != nil {
		return 0, fmt.Errorf("no metadata")
	}
	meta := chunk.MetaData
	start := meta.DataPageOffset
	if meta.DictionaryPageOffset != nil {
		start = *meta.DictionaryPageOffset
	}
	switch {
	case !slices.Equal(meta.PathInSchema, []string{field.Name}):
		return 0, fmt.Errorf("the footer calls it %v", meta.PathInSchema)
	case meta.Type != physicalType(field.Type):
		return 0, fmt.Errorf("%s in the footer, %s expected", meta.Type, physicalType(field.Type))
	case meta.Codec != parquet.CompressionCodec_ZSTD:
		return 0, fmt.Errorf("compressed with %s", meta.Codec)
	case meta.NumValues != rows:
		return 0, fmt.Errorf("%d values written, %d in the footer", rows, meta.NumValues)
	case meta.Statistics == nil || meta.Statistics.NullCount == nil:
		return 0, fmt.Errorf("no null count")
	case *meta.Statistics.NullCount != nulls:
		return 0, fmt.Errorf("%d NULLs written, %d in the footer", nulls, *meta.Statistics.NullCount)
	case start != next || meta.DataPageOffset < start || meta.TotalCompressedSize <= meta.DataPageOffset-start:
		return 0, fmt.Errorf("chunk expected at byte %d, the footer says %d, data at %d, %d bytes",
			next, start, meta.DataPageOffset, meta.TotalCompressedSize)
	}
	return start + meta.TotalCompressedSize, nil
}

func verifySchema(elements []*parquet.SchemaElement, fields []arrow.Field) error {
	if len(elements) != len(fields)+1 || elements[0].GetNumChildren() != int32(len(fields)) {
		return fmt.Errorf("%d columns written, %d schema elements in the footer", len(fields), len(elements))
	}
	for i, field := range fields {
		element := elements[i+1]
		repetition := parquet.FieldRepetitionType_REQUIRED
		if field.Nullable {
			repetition = parquet.FieldRepetitionType_OPTIONAL
		}
		switch {
		case element == nil || element.Name != field.Name:
			return fmt.Errorf("column %d written as %s, the footer calls it %s", i+1, field.Name, element.GetName())
		case element.Type == nil || *element.Type != physicalType(field.Type) || element.GetNumChildren() != 0:
			return fmt.Errorf("column %s: %s in the footer, %s expected", field.Name, element.GetType(), physicalType(field.Type))
		case element.RepetitionType == nil || *element.RepetitionType != repetition:
			return fmt.Errorf("column %s: %s in the footer, %s expected", field.Name, element.GetRepetitionType(), repetition)
		case !logicalTypeFits(element, field.Type):
			return fmt.Errorf("column %s: logical type %v in the footer does not fit %s", field.Name, element.LogicalType, field.Type)
		}
	}
	return nil
}

// physicalType is how Parquet stores a column; -1 for types that are never landed.
func physicalType(t arrow.DataType) parquet.Type {
	switch t.ID() {
	case arrow.STRING:
		return parquet.Type_BYTE_ARRAY
	case arrow.INT64, arrow.TIMESTAMP:
		return parquet.Type_INT64
	case arrow.FLOAT64:
		return parquet.Type_DOUBLE
	case arrow.BOOL:
		return parquet.Type_BOOLEAN
	case arrow.DATE32:
		return parquet.Type_INT32
	case arrow.DECIMAL128:
		return parquet.Type_FIXED_LEN_BYTE_ARRAY
	}
	return -1
}

// logicalTypeFits reports whether readers will see the column as the contract means it.
func logicalTypeFits(e *parquet.SchemaElement, t arrow.DataType) bool {
	logical := e.LogicalType
	if logical == nil {
		logical = &parquet.LogicalType{}
	}
	switch t := t.(type) {
	case *arrow.StringType:
		return logical.STRING != nil
	case *arrow.TimestampType:
		return logical.TIMESTAMP != nil && logical.TIMESTAMP.IsAdjustedToUTC && logical.TIMESTAMP.Unit != nil &&
			logical.TIMESTAMP.Unit.MICROS != nil
	case *arrow.Date32Type:
		return logical.DATE != nil
	case *arrow.Decimal128Type:
		return logical.DECIMAL != nil && logical.DECIMAL.Precision == t.Precision && logical.DECIMAL.Scale == t.Scale &&
			e.GetTypeLength() == decimalBytes(t)
	case *arrow.Int64Type:
		return e.LogicalType == nil || logical.INTEGER != nil && logical.INTEGER.BitWidth == 64 && logical.INTEGER.IsSigned
	}
	return e.LogicalType == nil
}

// decimalBytes is the number of bytes that hold a decimal of the type's precision.
func decimalBytes(t *arrow.Decimal128Type) int32 {
	limit, n := 1.0, int32(0)
	for range t.Precision {
		limit *= 10
	}
	for reach := 0.5; reach < limit; reach *= 256 {
		n++
	}
	return n
}
