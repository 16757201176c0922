package transforms

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ripen-data/ripen/schemas"
)

// nullCell is how a cell of a case says NULL. So says an empty cell, except in
// a STRING column, where it is the empty text.
const nullCell = "NULL"

// parseCell reads a cell of a case as a value of a type, in the form that Rows
// describes. ARRAY and STRUCT are written as JSON.
func parseCell(t schemas.Type, text string) (any, error) {
	if text == nullCell || text == "" && t.Kind != schemas.String && t.Kind != schemas.JSON {
		return nil, nil
	}
	if t.Kind != schemas.Array && t.Kind != schemas.Struct {
		return parseScalar(t, text)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("%q is not the JSON of %s: %w", text, t, err)
	}
	return fromJSON(t, value)
}

func parseScalar(t schemas.Type, text string) (any, error) {
	var value any
	var err error
	switch t.Kind {
	case schemas.String, schemas.JSON:
		return text, nil
	case schemas.Int64:
		value, err = strconv.ParseInt(text, 10, 64)
	case schemas.Float64:
		value, err = strconv.ParseFloat(text, 64)
	case schemas.Bool:
		value, err = strconv.ParseBool(text)
	case schemas.Numeric:
		value, err = parseNumeric(text)
	case schemas.Date:
		_, err = time.Parse(time.DateOnly, text)
		value = text
	case schemas.Timestamp, schemas.Datetime:
		var instant time.Time
		instant, err = parseInstant(text)
		value = formatTimestamp(instant)
	case schemas.Time:
		var clock time.Time
		clock, err = time.Parse("15:04:05.999999", text)
		value = clock.Format("15:04:05.999999")
	case schemas.Bytes:
		_, err = base64.StdEncoding.DecodeString(text)
		value = text
	default:
		err = fmt.Errorf("cases cannot write this type")
	}
	if err != nil {
		return nil, fmt.Errorf("%q is not of type %s", text, t)
	}
	return value, nil
}

func parseNumeric(text string) (string, error) {
	value, ok := new(big.Rat).SetString(text)
	if !ok || strings.Contains(text, "/") {
		return "", fmt.Errorf("not a number")
	}
	return trimDecimal(value.FloatString(schemas.NumericScale)), nil
}

// instantLayouts are tried in order; without a zone the time is UTC.
var instantLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999Z07:00", "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05.999999",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly,
}

// parseInstant reads a timestamp as ISO 8601 writes it; a date is its midnight UTC.
func parseInstant(text string) (time.Time, error) {
	for _, layout := range instantLayouts {
		if t, err := time.Parse(layout, strings.TrimSuffix(text, " UTC")); err == nil {
			return t.UTC().Truncate(time.Microsecond), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a timestamp; write e.g. 2026-01-31T10:00:00Z", text)
}

// fromJSON reads a decoded JSON value as a value of a type.
func fromJSON(t schemas.Type, value any) (any, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		if t.Kind != schemas.Array && t.Kind != schemas.Struct {
			return parseScalar(t, v)
		}
	case json.Number, bool:
		if slices.Contains([]schemas.Kind{schemas.Int64, schemas.Float64, schemas.Numeric, schemas.Bool}, t.Kind) {
			return parseScalar(t, fmt.Sprint(v))
		}
	case []any:
		if t.Kind == schemas.Array {
			items := make([]any, len(v))
			for i := range v {
				item, err := fromJSON(*t.Elem, v[i])
				if err != nil {
					return nil, err
				}
				items[i] = item
			}
			return items, nil
		}
	case map[string]any:
		if t.Kind == schemas.Struct {
			return structFromJSON(t, v)
		}
	}
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode a value of %s: %w", t, err)
	}
	return nil, fmt.Errorf("%s is not of type %s", text, t)
}

func structFromJSON(t schemas.Type, value map[string]any) (any, error) {
	fields := map[string]any{}
	for _, f := range t.Fields {
		field, err := fromJSON(f.Type, value[f.Name])
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		fields[f.Name] = field
	}
	for name := range value {
		if _, ok := fields[name]; !ok {
			return nil, fmt.Errorf("%s has no field %q", t, name)
		}
	}
	return fields, nil
}

// duckLiteral writes a value of parseCell as DuckDB reads it: cases run on
// DuckDB in memory, wherever the models run.
func duckLiteral(t schemas.Type, value any) (string, error) {
	name, err := schemas.DuckDBType(t)
	if err != nil {
		return "", err
	}
	quoted := func(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
	var text string
	switch v := value.(type) {
	case nil:
		text = "NULL"
	case string:
		switch t.Kind {
		case schemas.Bytes:
			return "from_base64(" + quoted(v) + ")", nil
		case schemas.Timestamp, schemas.Datetime:
			text = quoted(strings.TrimSuffix(v, "Z"))
		default:
			text = quoted(v)
		}
	case []any:
		items := make([]string, len(v))
		for i := range v {
			if items[i], err = duckLiteral(*t.Elem, v[i]); err != nil {
				return "", err
			}
		}
		text = "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			field, err := duckLiteral(f.Type, v[f.Name])
			if err != nil {
				return "", err
			}
			fields[i] = quoted(f.Name) + ": " + field
		}
		text = "{" + strings.Join(fields, ", ") + "}"
	default:
		text = quoted(Text(v)) // numbers and booleans, NaN and infinities among them
	}
	return "CAST(" + text + " AS " + name + ")", nil
}

// tolerance is how far two FLOAT64 may differ, absolutely up to 1 and
// relatively above, and still be the same number.
const tolerance = 1e-9

// sameValue compares values of one type, in the form that Rows describes.
func sameValue(want, got any) bool {
	switch w := want.(type) {
	case float64:
		g, ok := got.(float64)
		if !ok || math.IsNaN(w) || math.IsNaN(g) {
			return ok && math.IsNaN(w) && math.IsNaN(g)
		}
		return w == g || math.Abs(w-g) <= tolerance*max(1, math.Abs(w), math.Abs(g))
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(w, g, sameValue)
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(w) != len(g) {
			return false
		}
		for name := range w {
			if field, ok := g[name]; !ok || !sameValue(w[name], field) {
				return false
			}
		}
		return true
	default:
		return want == got
	}
}

// cellText prints a value inside a difference; quotes tell ” and 'NULL' from NULL.
func cellText(value any) string {
	if text, ok := value.(string); ok {
		var out bytes.Buffer
		encoder := json.NewEncoder(&out)
		encoder.SetEscapeHTML(false)
		if encoder.Encode(text) == nil {
			return strings.TrimSpace(out.String())
		}
	}
	return Text(value)
}
