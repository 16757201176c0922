package duckdb

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// arrowType reads a type as the driver spells it, e.g.
// STRUCT("k" VARCHAR, "v" DECIMAL(38,9)[])[], and returns the Arrow type that
// Query yields for it:
//
//	BOOLEAN                        bool
//	integers of any width          int64; a value beyond it is an error
//	FLOAT, DOUBLE                  float64
//	DECIMAL(p,s)                   decimal128(p,s); NUMERIC is DECIMAL(38,9)
//	VARCHAR, ENUM, UUID, BIT       string
//	JSON                           string, written anew: blanks are gone, and so are digits beyond a float64
//	BLOB                           binary
//	DATE                           date32
//	TIME                           time64[us]
//	TIMESTAMP of any kind          timestamp[us, UTC]
//	INTERVAL                       month_day_nano_interval
//	LIST, ARRAY                    list
//	STRUCT                         struct
func arrowType(name string) (arrow.DataType, error) {
	p := typeReader{rest: name}
	t, err := p.read()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("unexpected %q", p.rest)
	}
	if err != nil {
		return nil, fmt.Errorf("DuckDB type %s: %w", name, err)
	}
	return t, nil
}

type typeReader struct{ rest string }

func (p *typeReader) take(symbol string) bool {
	rest, ok := strings.CutPrefix(p.rest, symbol)
	p.rest = rest
	return ok
}

func (p *typeReader) read() (arrow.DataType, error) {
	t, err := p.readElem()
	if err != nil {
		return nil, err
	}
	for strings.HasPrefix(p.rest, "[") { // [] of a list, [3] of an array
		end := strings.IndexByte(p.rest, ']')
		if end < 0 {
			return nil, fmt.Errorf("[ is not closed")
		}
		p.rest = p.rest[end+1:]
		t = arrow.ListOf(t)
	}
	return t, nil
}

func (p *typeReader) readElem() (arrow.DataType, error) {
	end := strings.IndexAny(p.rest, "([,)")
	if end < 0 {
		end = len(p.rest)
	}
	name := p.rest[:end]
	p.rest = p.rest[end:]
	switch name {
	case "BOOLEAN":
		return arrow.FixedWidthTypes.Boolean, nil
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT":
		return arrow.PrimitiveTypes.Int64, nil
	case "FLOAT", "DOUBLE":
		return arrow.PrimitiveTypes.Float64, nil
	case "VARCHAR", "ENUM", "UUID", "BIT", "JSON":
		return arrow.BinaryTypes.String, nil
	case "BLOB":
		return arrow.BinaryTypes.Binary, nil
	case "DATE":
		return arrow.FixedWidthTypes.Date32, nil
	case "TIME":
		return arrow.FixedWidthTypes.Time64us, nil
	case "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ":
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, nil
	case "INTERVAL":
		return arrow.FixedWidthTypes.MonthDayNanoInterval, nil
	case "DECIMAL":
		return p.readDecimal()
	case "STRUCT":
		return p.readStruct()
	default:
		return nil, fmt.Errorf("%s has no form in GoogleSQL; cast it in the query", name)
	}
}

func (p *typeReader) readDecimal() (arrow.DataType, error) {
	digits, rest, ok := strings.Cut(strings.TrimPrefix(p.rest, "("), ")")
	precision, scale, both := strings.Cut(digits, ",")
	width, err1 := strconv.Atoi(precision)
	point, err2 := strconv.Atoi(scale)
	if !ok || !both || err1 != nil || err2 != nil {
		return nil, fmt.Errorf("DECIMAL needs precision and scale")
	}
	p.rest = rest
	return &arrow.Decimal128Type{Precision: int32(width), Scale: int32(point)}, nil
}

func (p *typeReader) readStruct() (arrow.DataType, error) {
	var fields []arrow.Field
	for open := p.take("("); open && !p.take(")"); {
		if len(fields) > 0 && !p.take(", ") {
			return nil, fmt.Errorf("fields of a STRUCT are separated by a comma")
		}
		name, err := p.readName()
		if err != nil {
			return nil, err
		}
		t, err := p.read()
		if err != nil {
			return nil, err
		}
		fields = append(fields, arrow.Field{Name: name, Type: t, Nullable: true})
	}
	return arrow.StructOf(fields...), nil
}

// readName reads a quoted name and the blank behind it.
func (p *typeReader) readName() (string, error) {
	if !p.take(`"`) {
		return "", fmt.Errorf("a field of a STRUCT begins with a quoted name")
	}
	var name strings.Builder
	for {
		part, rest, ok := strings.Cut(p.rest, `"`)
		if !ok {
			return "", fmt.Errorf("a name is not closed")
		}
		name.WriteString(part)
		p.rest = rest
		if p.take(" ") {
			return name.String(), nil
		}
		if !p.take(`"`) {
			return "", fmt.Errorf("no type behind the name %s", name.String())
		}
		name.WriteByte('"')
	}
}
