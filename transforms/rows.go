package transforms

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/ripen-data/ripen/warehouse"
)

// Rows is a small result: at most as many rows as were asked for.
//
// A value is nil, bool, int64, float64, string, []any or map[string]any, so that
// it can be printed as JSON. NUMERIC is its decimal text, DATE and TIMESTAMP are
// ISO 8601 (timestamps in UTC, with Z), BYTES is base64.
type Rows struct {
	Columns []string
	Values  [][]any
}

// Text prints a value for people: NULL, text without quotes, nested values as JSON.
func Text(value any) string {
	switch v := value.(type) {
	case nil:
		return "NULL"
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case []any, map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v) // NaN and infinities, which JSON has not
		}
		return string(text)
	default:
		return fmt.Sprint(v)
	}
}

// query reads at most limit rows of a statement.
func query(ctx context.Context, w warehouse.Models, statement warehouse.Statement, limit int) (*Rows, error) {
	rows := &Rows{}
	for record, err := range w.Query(ctx, statement) {
		if err != nil {
			return nil, err
		}
		if rows.Columns == nil {
			for _, f := range record.Schema().Fields() {
				rows.Columns = append(rows.Columns, f.Name)
			}
		}
		for i := range int(record.NumRows()) {
			if len(rows.Values) == limit {
				return rows, nil
			}
			row := make([]any, record.NumCols())
			for j, column := range record.Columns() {
				value, err := goValue(column, i)
				if err != nil {
					return nil, fmt.Errorf("%s: column %s: %w", statement.Name, record.ColumnName(j), err)
				}
				row[j] = value
			}
			rows.Values = append(rows.Values, row)
		}
	}
	return rows, nil
}

// goValue copies one value out of an array, see Rows.
func goValue(column arrow.Array, i int) (any, error) {
	if column.IsNull(i) {
		return nil, nil
	}
	switch a := column.(type) {
	case *array.Boolean:
		return a.Value(i), nil
	case *array.Int8:
		return int64(a.Value(i)), nil
	case *array.Int16:
		return int64(a.Value(i)), nil
	case *array.Int32:
		return int64(a.Value(i)), nil
	case *array.Int64:
		return a.Value(i), nil
	case *array.Float32:
		return float64(a.Value(i)), nil
	case *array.Float64:
		return a.Value(i), nil
	case *array.String:
		return strings.Clone(a.Value(i)), nil // the record's memory is not ours
	case *array.LargeString:
		return strings.Clone(a.Value(i)), nil
	case *array.Binary:
		return base64.StdEncoding.EncodeToString(a.Value(i)), nil
	case *array.Decimal128:
		scale := a.DataType().(*arrow.Decimal128Type).Scale
		return trimDecimal(a.Value(i).ToString(scale)), nil
	case *array.Date32:
		return a.Value(i).ToTime().Format(time.DateOnly), nil
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		return formatTimestamp(a.Value(i).ToTime(unit)), nil
	case *array.Time64:
		unit := a.DataType().(*arrow.Time64Type).Unit
		return a.Value(i).ToTime(unit).Format("15:04:05.999999"), nil
	case *array.List:
		from, to := a.ValueOffsets(i)
		items := make([]any, 0, to-from)
		for k := from; k < to; k++ {
			item, err := goValue(a.ListValues(), int(k))
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		return items, nil
	case *array.Struct:
		fields := map[string]any{}
		for k, f := range a.DataType().(*arrow.StructType).Fields() {
			value, err := goValue(a.Field(k), i)
			if err != nil {
				return nil, err
			}
			fields[f.Name] = value
		}
		return fields, nil
	default:
		return a.ValueStr(i), nil // INTERVAL and other types that models rarely return
	}
}

func formatTimestamp(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.999999Z07:00")
}

// trimDecimal writes 12.500000000 as 12.5.
func trimDecimal(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}
