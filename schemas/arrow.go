package schemas

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

// NUMERIC of GoogleSQL holds 38 digits, 9 of them behind the point.
const (
	NumericPrecision = 38
	NumericScale     = 9
)

// ArrowSchema is the schema of a landed file: the contract's columns, then ExtraColumn.
func (t Table) ArrowSchema() *arrow.Schema {
	fields := make([]arrow.Field, 0, len(t.Columns)+1)
	for _, c := range t.Columns {
		dt, err := arrowType(c.Type)
		if err != nil {
			panic(err) // Validate refuses such a contract
		}
		fields = append(fields, arrow.Field{Name: c.Name, Type: dt, Nullable: !c.Required})
	}
	fields = append(fields, arrow.Field{Name: ExtraColumn, Type: arrow.BinaryTypes.String, Nullable: true})
	return arrow.NewSchema(fields, nil)
}

// SchemaHash identifies the landed schema: names, types and nullability, in order.
func (t Table) SchemaHash() string {
	sum := sha256.Sum256([]byte(t.ArrowSchema().String()))
	return hex.EncodeToString(sum[:8])
}

// arrowType is the Arrow type of a landed column. Only types that Parquet, DuckDB
// and a BigQuery load job carry without loss are allowed.
func arrowType(t Type) (arrow.DataType, error) {
	switch t.Kind {
	case String, JSON:
		return arrow.BinaryTypes.String, nil
	case Int64:
		return arrow.PrimitiveTypes.Int64, nil
	case Float64:
		return arrow.PrimitiveTypes.Float64, nil
	case Bool:
		return arrow.FixedWidthTypes.Boolean, nil
	case Numeric:
		return &arrow.Decimal128Type{Precision: NumericPrecision, Scale: NumericScale}, nil
	case Date:
		return arrow.FixedWidthTypes.Date32, nil
	case Timestamp:
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, nil
	default:
		return nil, fmt.Errorf("type %s cannot be landed", t)
	}
}
