package gsql

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/ripen-data/ripen/schemas"
)

// Both what the suite expects and what DuckDB gives become text in one form: a
// list of rows in order or, where the order is unknown, sorted.

// floatDigits is how far two FLOAT64 may differ: the suite allows some units in
// the last place, for sums that are taken in another order.
const floatDigits = 12

const microLayout = "2006-01-02 15:04:05.999999"

// valueReader reads the typed literals of the suite. Arrays whose order is not
// known are sorted; loose holds their places in the type, for duckText to do so
// as well.
type valueReader struct {
	rest  string
	loose map[string]bool
}

var typePrefix = regexp.MustCompile(`^(ARRAY|STRUCT)\s*<`)

func (r *valueReader) space() { r.rest = strings.TrimLeft(r.rest, " \t\r\n") }

func (r *valueReader) take(mark string) bool {
	r.space()
	rest, ok := strings.CutPrefix(r.rest, mark)
	if ok {
		r.rest = rest
	}
	return ok
}

// typeText takes ARRAY<…> or STRUCT<…> in front of a value; "" if there is none.
func (r *valueReader) typeText() string {
	r.space()
	if !typePrefix.MatchString(r.rest) {
		return ""
	}
	depth := 0
	for i, c := range r.rest {
		switch c {
		case '<':
			depth++
		case '>':
			if depth--; depth == 0 {
				text := r.rest[:i+1]
				r.rest = r.rest[i+1:]
				return text
			}
		}
	}
	return ""
}

func (r *valueReader) list(end string, element func() (string, error)) ([]string, error) {
	var items []string
	for !r.take(end) {
		if len(items) > 0 && !r.take(",") {
			return nil, fmt.Errorf("no comma at %.20q", r.rest)
		}
		item, err := element()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

// array reads […] at a place of the type.
func (r *valueReader) array(at string, element func() (string, error)) ([]string, error) {
	if !r.take("[") {
		return nil, fmt.Errorf("no array at %.20q", r.rest)
	}
	if r.take("unknown order:") {
		r.loose[at] = true
	}
	r.take("known order:")
	items, err := r.list("]", element)
	if r.loose[at] {
		slices.Sort(items)
	}
	return items, err
}

var suiteToken = regexp.MustCompile(`^[^,\]\}\s]+(?: [0-9:.]+(?:[+-][0-9:]+)?)?`)

func (r *valueReader) value(at string, t schemas.Type) (string, error) {
	prefix := r.typeText()
	if prefix != "" && r.take("(NULL)") || r.take("NULL") {
		return "NULL", nil
	}
	r.space()
	switch t.Kind {
	case schemas.Array:
		items, err := r.array(at, func() (string, error) { return r.value(at+"[]", *t.Elem) })
		return "[" + strings.Join(items, ", ") + "]", err
	case schemas.Struct:
		if !r.take("{") {
			return "", fmt.Errorf("no STRUCT at %.20q", r.rest)
		}
		i := 0
		items, err := r.list("}", func() (string, error) {
			if i++; i > len(t.Fields) {
				return "", fmt.Errorf("more fields than %s", t)
			}
			return r.value(at+"."+strconv.Itoa(i), t.Fields[i-1].Type)
		})
		return "{" + strings.Join(items, ", ") + "}", err
	case schemas.String, schemas.Bytes:
		return r.quoted(t.Kind == schemas.Bytes)
	case schemas.JSON:
		decoder := json.NewDecoder(strings.NewReader(r.rest))
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return "", err
		}
		r.rest = r.rest[decoder.InputOffset():]
		return string(raw), nil
	}
	token := suiteToken.FindString(r.rest)
	r.rest = r.rest[len(token):]
	return scalarText(t.Kind, token)
}

func (r *valueReader) quoted(bytes bool) (string, error) {
	if bytes {
		r.take("b")
	}
	if r.rest == "" || r.rest[0] != '"' && r.rest[0] != '\'' {
		return "", fmt.Errorf("no string at %.20q", r.rest)
	}
	for i := 1; i < len(r.rest); i++ {
		if r.rest[i] == '\\' {
			i++
		} else if r.rest[i] == r.rest[0] {
			body := r.rest[1:i]
			r.rest = r.rest[i+1:]
			text, err := unescapeC(body)
			return strconv.Quote(text), err
		}
	}
	return "", fmt.Errorf("string without an end")
}

// unescapeC decodes the escapes of C, in bytes.
func unescapeC(body string) (string, error) {
	simple := map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'a': '\a', 'b': '\b', 'f': '\f', 'v': '\v'}
	var b strings.Builder
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' || i+1 == len(body) {
			b.WriteByte(body[i])
			continue
		}
		i++
		base, from, digits := 16, i+1, 2
		switch c := body[i]; {
		case simple[c] != 0:
			b.WriteByte(simple[c])
			continue
		case c >= '0' && c <= '3':
			base, from, digits = 8, i, 3
		case c == 'u':
			digits = 4
		case c == 'U':
			digits = 8
		case c != 'x' && c != 'X':
			b.WriteByte(c)
			continue
		}
		if from+digits > len(body) {
			return "", fmt.Errorf("escape without an end in %q", body)
		}
		value, err := strconv.ParseUint(body[from:from+digits], base, 32)
		if err != nil {
			return "", err
		}
		if digits > 3 {
			b.WriteRune(rune(value))
		} else {
			b.WriteByte(byte(value))
		}
		i = from + digits - 1
	}
	return b.String(), nil
}

func scalarText(kind schemas.Kind, token string) (string, error) {
	switch kind {
	case schemas.Bool:
		if token == "true" || token == "false" {
			return token, nil
		}
	case schemas.Int64:
		if _, err := strconv.ParseInt(token, 10, 64); err == nil {
			return token, nil
		}
	case schemas.Float64:
		if value, err := strconv.ParseFloat(token, 64); err == nil {
			return floatText(value), nil
		}
	case schemas.Numeric:
		if value, ok := new(big.Rat).SetString(token); ok {
			return value.RatString(), nil
		}
	case schemas.Date:
		if _, err := time.Parse(time.DateOnly, token); err == nil {
			return token, nil
		}
	case schemas.Timestamp, schemas.Datetime:
		for _, layout := range []string{"2006-01-02 15:04:05.999999999-07", "2006-01-02 15:04:05.999999999-07:00", "2006-01-02 15:04:05.999999999"} {
			if at, err := time.Parse(layout, token); err == nil {
				return at.UTC().Format(microLayout), nil
			}
		}
	case schemas.Time:
		if at, err := time.Parse("15:04:05.999999999", token); err == nil {
			return at.Format("15:04:05.999999"), nil
		}
	}
	return "", fmt.Errorf("%q is no %s", token, kind)
}

func floatText(value float64) string {
	if value == 0 {
		return "0"
	}
	return strconv.FormatFloat(value, 'g', floatDigits, 64)
}

// readExpected reads a result: rows of the given columns.
func readExpected(text string, columns []schemas.Column) (rows []string, loose map[string]bool, err error) {
	row := rowType(columns)
	loose = map[string]bool{}
	for range 2 { // the first time finds which arrays are loose
		r := &valueReader{rest: text, loose: loose}
		if declared := r.typeText(); !strings.HasPrefix(declared, "ARRAY<STRUCT<") {
			return nil, nil, fmt.Errorf("no table: %.40s", text)
		} else if bad := narrowType.FindString(declared); bad != "" {
			return nil, nil, fmt.Errorf("result of type %s", bad)
		}
		rows, err = r.array("", func() (string, error) { return r.value("[]", row) })
		if r.space(); err == nil && r.rest != "" {
			err = fmt.Errorf("more text: %.40s", r.rest)
		}
	}
	return rows, loose, err
}

// rowType is a row as a STRUCT.
func rowType(columns []schemas.Column) schemas.Type {
	row := schemas.Type{Kind: schemas.Struct}
	for _, c := range columns {
		row.Fields = append(row.Fields, schemas.Field{Name: c.Name, Type: c.Type})
	}
	return row
}

// duckText is a value as the driver gives it.
func duckText(at string, t schemas.Type, v any, loose map[string]bool) (string, error) {
	if v == nil {
		return "NULL", nil
	}
	switch x := v.(type) {
	case []any:
		items := make([]string, len(x))
		for i, e := range x {
			text, err := duckText(at+"[]", *t.Elem, e, loose)
			if err != nil {
				return "", err
			}
			items[i] = text
		}
		if loose[at] {
			slices.Sort(items)
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	case map[string]any:
		items := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			text, err := duckText(at+"."+strconv.Itoa(i+1), f.Type, x[f.Name], loose)
			if err != nil {
				return "", err
			}
			items[i] = text
		}
		return "{" + strings.Join(items, ", ") + "}", nil
	case string:
		if t.Kind == schemas.JSON {
			return x, nil
		}
		return strconv.Quote(x), nil
	case []byte:
		return strconv.Quote(string(x)), nil
	case float64:
		switch {
		case math.IsNaN(x):
			return "NaN", nil
		case math.IsInf(x, 0):
			return floatText(x), nil
		}
		return floatText(x), nil
	case duckdb.Decimal:
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(x.Scale)), nil)
		return new(big.Rat).SetFrac(x.Value, scale).RatString(), nil
	case time.Time:
		switch t.Kind {
		case schemas.Date:
			return x.UTC().Format(time.DateOnly), nil
		case schemas.Time:
			return x.UTC().Format("15:04:05.999999"), nil
		}
		return x.UTC().Format(microLayout), nil
	case int64, bool:
		return fmt.Sprint(x), nil
	}
	return "", fmt.Errorf("value of Go type %T", v)
}
