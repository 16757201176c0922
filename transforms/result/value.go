package result

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/ripen-data/ripen/schemas"
)

// appendText appends a value that is not NULL as text and CSV show it; see the
// package's doc.
func appendText(b []byte, t schemas.Type, column arrow.Array, i int) ([]byte, error) {
	switch a := column.(type) {
	case *array.Boolean:
		return strconv.AppendBool(b, a.Value(i)), nil
	case *array.Int64:
		return strconv.AppendInt(b, a.Value(i), 10), nil
	case *array.Float64:
		return appendFloat(b, a.Value(i)), nil
	case *array.Decimal128:
		return append(b, decimalText(a, i)...), nil
	case *array.String:
		if t.Kind == schemas.JSON {
			return appendJSONValue(b, a.Value(i)), nil
		}
		return append(b, a.Value(i)...), nil
	case *array.Binary:
		return base64.StdEncoding.AppendEncode(b, a.Value(i)), nil
	case *array.Date32:
		return a.Value(i).ToTime().AppendFormat(b, time.DateOnly), nil
	case *array.Time64:
		return a.Value(i).ToTime(arrow.Microsecond).AppendFormat(b, "15:04:05.999999"), nil
	case *array.Timestamp:
		at := a.Value(i).ToTime(arrow.Microsecond)
		if t.Kind == schemas.Datetime {
			return at.AppendFormat(b, "2006-01-02 15:04:05.999999"), nil
		}
		return append(at.AppendFormat(b, "2006-01-02 15:04:05.999999"), "+00"...), nil
	case *array.MonthDayNanoInterval:
		return append(b, intervalText(a.Value(i))...), nil
	}
	return appendJSON(b, t, column, i)
}

// appendJSON appends a value as JSON.
func appendJSON(b []byte, t schemas.Type, column arrow.Array, i int) ([]byte, error) {
	if column.IsNull(i) {
		return append(b, "null"...), nil
	}
	switch a := column.(type) {
	case *array.Boolean, *array.Int64:
		return appendText(b, t, column, i)
	case *array.Float64:
		if f := a.Value(i); math.IsNaN(f) || math.IsInf(f, 0) {
			return append(append(append(b, '"'), appendFloat(nil, f)...), '"'), nil
		}
		return appendFloat(b, a.Value(i)), nil
	case *array.String:
		if t.Kind == schemas.JSON {
			return appendJSONValue(b, a.Value(i)), nil
		}
		return appendString(b, a.Value(i)), nil
	case *array.Timestamp:
		layout := "2006-01-02T15:04:05.999999Z07:00"
		if t.Kind == schemas.Datetime {
			layout = "2006-01-02T15:04:05.999999"
		}
		b = append(b, '"')
		return append(a.Value(i).ToTime(arrow.Microsecond).AppendFormat(b, layout), '"'), nil
	case *array.Decimal128, *array.Binary, *array.Date32, *array.Time64, *array.MonthDayNanoInterval:
		b, err := appendText(append(b, '"'), t, column, i)
		return append(b, '"'), err
	case *array.List:
		return appendArray(b, t, a, i)
	case *array.Struct:
		return appendStruct(b, t, a, i)
	default:
		return nil, fmt.Errorf("no way to print %s", column.DataType())
	}
}

func appendArray(b []byte, t schemas.Type, a *array.List, i int) ([]byte, error) {
	if t.Elem == nil {
		return nil, fmt.Errorf("a list came for %s", t)
	}
	from, to := a.ValueOffsets(i)
	b = append(b, '[')
	for k := from; k < to; k++ {
		if k > from {
			b = append(b, ',')
		}
		var err error
		if b, err = appendJSON(b, *t.Elem, a.ListValues(), int(k)); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendStruct(b []byte, t schemas.Type, a *array.Struct, i int) ([]byte, error) {
	if a.NumField() != len(t.Fields) {
		return nil, fmt.Errorf("%d fields came for %s", a.NumField(), t)
	}
	b = append(b, '{')
	for k, name := range t.FieldNames() {
		if k > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		var err error
		if b, err = appendJSON(b, t.Fields[k].Type, a.Field(k), i); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendFloat writes the shortest number that reads back as f.
func appendFloat(b []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	form := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		form = 'e'
	}
	return strconv.AppendFloat(b, f, form, -1, 64)
}

func decimalText(a *array.Decimal128, i int) string {
	text := a.Value(i).ToString(a.DataType().(*arrow.Decimal128Type).Scale)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// intervalText writes an interval as BigQuery does: Y-M D H:M:S[.F].
func intervalText(v arrow.MonthDayNanoInterval) string {
	months, micros := int64(v.Months), v.Nanoseconds/1000
	sign := func(n *int64) string {
		if *n < 0 {
			*n = -*n
			return "-"
		}
		return ""
	}
	text := sign(&months) + fmt.Sprintf("%d-%d %d ", months/12, months%12, v.Days)
	text += sign(&micros)
	seconds := micros / 1e6
	text += fmt.Sprintf("%d:%d:%d", seconds/3600, seconds/60%60, seconds%60)
	if fraction := micros % 1e6; fraction != 0 {
		text += "." + strings.TrimRight(fmt.Sprintf("%06d", fraction), "0")
	}
	return text
}

// appendJSONValue appends the text of a JSON value on one line. Text that is no
// JSON, which a column of that type should not hold, becomes a string.
func appendJSONValue(b []byte, text string) []byte {
	if !json.Valid([]byte(text)) {
		return appendString(b, text)
	}
	inString, escaped := false, false
	for i := range len(text) {
		c := text[i]
		switch {
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case !inString && (c == ' ' || c == '\n' || c == '\r' || c == '\t'):
			continue
		}
		b = append(b, c)
	}
	return b
}

const hexDigits = "0123456789abcdef"

// appendString appends a JSON string. Only what must be escaped is.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '\r':
			b = append(b, '\\', 'r')
		case c == '\t':
			b = append(b, '\\', 't')
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		case c < utf8.RuneSelf:
			b = append(b, c)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r) // what is not UTF-8 becomes U+FFFD
			i += size
			continue
		}
		i++
	}
	return append(b, '"')
}
