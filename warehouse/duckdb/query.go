package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"math/big"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"
	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/ripen-data/ripen/warehouse"
)

// queryBatchRows is DuckDB's own vector size: what it hands out at a time.
const queryBatchRows = 2048

// Query runs a statement; see warehouse.Models. The types of the batches are those
// that arrowType lists. DuckDB computes the whole result before the first batch,
// within its memory limit.
func (db *DB) Query(ctx context.Context, stmt warehouse.Statement) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		if err := queryOn(ctx, db.sql, stmt, func(r arrow.Record) bool { return yield(r, nil) }); err != nil {
			yield(nil, &warehouse.StatementError{Name: stmt.Name, SQL: stmt.SQL, Err: asFault(err)})
		}
	}
}

// queryOn calls emit with every batch until it returns false.
func queryOn(ctx context.Context, q querier, stmt warehouse.Statement, emit func(arrow.Record) bool) error {
	params, err := bindParams(stmt.Params)
	if err != nil {
		return err
	}
	rows, err := q.QueryContext(ctx, stmt.SQL, params...)
	if err != nil {
		return err
	}
	defer rows.Close()
	schema, isJSON, err := resultSchema(rows)
	if err != nil {
		return err
	}
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	// flush reports whether the caller wants more.
	flush := func() bool {
		record := builder.NewRecord()
		defer record.Release()
		return emit(record)
	}
	values := make([]any, schema.NumFields())
	targets := make([]any, len(values))
	for i := range values {
		targets[i] = &values[i]
	}
	n, flushed := 0, false
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return err
		}
		for i, v := range values {
			if isJSON[i] && v != nil {
				text, err := json.Marshal(v)
				if err != nil {
					return fmt.Errorf("column %s: %w", schema.Field(i).Name, err)
				}
				v = string(text)
			}
			if err := appendValue(builder.Field(i), v); err != nil {
				return fmt.Errorf("column %s: %w", schema.Field(i).Name, err)
			}
		}
		if n++; n == queryBatchRows {
			if !flush() {
				return nil
			}
			n, flushed = 0, true
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if n > 0 || !flushed {
		flush()
	}
	return nil
}

func resultSchema(rows *sql.Rows) (*arrow.Schema, []bool, error) {
	columns, err := rows.ColumnTypes()
	if err != nil {
		return nil, nil, err
	}
	fields := make([]arrow.Field, len(columns))
	isJSON := make([]bool, len(columns))
	for i, c := range columns {
		t, err := arrowType(c.DatabaseTypeName())
		if err != nil {
			return nil, nil, fmt.Errorf("column %s: %w", c.Name(), err)
		}
		fields[i] = arrow.Field{Name: c.Name(), Type: t, Nullable: true}
		isJSON[i] = c.DatabaseTypeName() == "JSON"
	}
	return arrow.NewSchema(fields, nil), isJSON, nil
}

// appendValue appends a value as the driver scans it.
func appendValue(builder array.Builder, value any) error {
	if value == nil {
		builder.AppendNull()
		return nil
	}
	switch b := builder.(type) {
	case *array.BooleanBuilder:
		return appendAs(value, b.Append)
	case *array.Int64Builder:
		n, err := asInt64(value)
		b.Append(n)
		return err
	case *array.Float64Builder:
		if f, ok := value.(float32); ok {
			value = float64(f)
		}
		return appendAs(value, b.Append)
	case *array.StringBuilder:
		return appendString(b, value)
	case *array.BinaryBuilder:
		return appendAs(value, b.Append)
	case *array.Decimal128Builder:
		return appendAs(value, func(d duck.Decimal) { b.Append(decimal128.FromBigInt(d.Value)) })
	case *array.Date32Builder:
		return appendAs(value, func(t time.Time) { b.Append(arrow.Date32FromTime(t)) })
	case *array.Time64Builder:
		return appendAs(value, func(t time.Time) {
			midnight := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, t.Location())
			b.Append(arrow.Time64(t.Sub(midnight).Microseconds()))
		})
	case *array.TimestampBuilder:
		return appendAs(value, func(t time.Time) { b.Append(arrow.Timestamp(t.UnixMicro())) })
	case *array.MonthDayNanoIntervalBuilder:
		return appendAs(value, func(i duck.Interval) {
			b.Append(arrow.MonthDayNanoInterval{Months: i.Months, Days: i.Days, Nanoseconds: i.Micros * 1000})
		})
	case *array.ListBuilder:
		return appendList(b, value)
	case *array.StructBuilder:
		return appendStruct(b, value)
	default:
		return fmt.Errorf("no way to append to %s", builder.Type())
	}
}

func appendAs[T any](value any, do func(T)) error {
	v, ok := value.(T)
	if !ok {
		return fmt.Errorf("the driver gave a %T, not a %T", value, v)
	}
	do(v)
	return nil
}

func appendString(b *array.StringBuilder, value any) error {
	switch v := value.(type) {
	case string:
		b.Append(v)
	case []byte: // a UUID
		if len(v) != 16 {
			return fmt.Errorf("%d bytes are no UUID", len(v))
		}
		b.Append(fmt.Sprintf("%x-%x-%x-%x-%x", v[:4], v[4:6], v[6:8], v[8:10], v[10:]))
	default: // JSON inside of a list or struct comes decoded
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		b.Append(string(text))
	}
	return nil
}

func appendList(b *array.ListBuilder, value any) error {
	values, ok := value.([]any)
	if !ok {
		return fmt.Errorf("the driver gave a %T, not a list", value)
	}
	b.Append(true)
	for _, v := range values {
		if err := appendValue(b.ValueBuilder(), v); err != nil {
			return err
		}
	}
	return nil
}

func appendStruct(b *array.StructBuilder, value any) error {
	values, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("the driver gave a %T, not a struct", value)
	}
	b.Append(true)
	for i, field := range b.Type().(*arrow.StructType).Fields() {
		if err := appendValue(b.FieldBuilder(i), values[field.Name]); err != nil {
			return fmt.Errorf("field %s: %w", field.Name, err)
		}
	}
	return nil
}

// asInt64 takes every integer type of DuckDB; SUM(BIGINT) alone is a HUGEINT.
func asInt64(value any) (int64, error) {
	switch v := value.(type) {
	case int8:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case int64:
		return v, nil
	case uint8:
		return int64(v), nil
	case uint16:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v), nil
		}
		return 0, fmt.Errorf("%d does not fit INT64", v)
	case *big.Int:
		if v.IsInt64() {
			return v.Int64(), nil
		}
		return 0, fmt.Errorf("%s does not fit INT64", v)
	default:
		return 0, fmt.Errorf("the driver gave a %T, not an integer", value)
	}
}
