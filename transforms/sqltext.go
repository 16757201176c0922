package transforms

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// The statements that move rows between tables and keep the ledgers are not
// compiled: they are written in what every engine reads alike. Columns stand as
// table.column, where even reserved words need no quotes.

// text writes a STRING. Engines differ in what a quote, a backslash and a line
// break in a literal mean, so those are written by their code.
func text(s string) string {
	var parts []string
	plain := func(t string) {
		if t != "" {
			parts = append(parts, "'"+t+"'")
		}
	}
	from := 0
	for i, r := range s {
		if r < ' ' || r == '\'' || r == '\\' {
			plain(s[from:i])
			parts = append(parts, fmt.Sprintf("chr(%d)", r))
			from = i + 1
		}
	}
	plain(s[from:])
	switch len(parts) {
	case 0:
		return "''"
	case 1:
		return parts[0]
	}
	return "concat(" + strings.Join(parts, ", ") + ")"
}

// instantText writes a TIMESTAMP.
func instantText(t time.Time) string {
	return "timestamp '" + t.UTC().Format("2006-01-02 15:04:05.000000") + "'"
}

// instantAs writes an instant as a value of a column of time.
func instantAs(t time.Time, kind schemas.Kind) string {
	switch kind {
	case schemas.Date:
		return "date '" + t.UTC().Format(time.DateOnly) + "'"
	case schemas.Datetime:
		return "cast(" + instantText(t) + " as datetime)"
	}
	return instantText(t)
}

// plainLiteral writes a value, which is given as in the cases of a model.
func plainLiteral(t schemas.Type, value string) (string, error) {
	if t.Kind == schemas.String {
		return text(value), nil
	}
	parsed, err := parseCell(t, value)
	if err == nil && parsed == nil {
		err = fmt.Errorf("%q is not of type %s", value, t)
	}
	if err != nil {
		return "", err
	}
	switch t.Kind {
	case schemas.Int64, schemas.Bool, schemas.Numeric:
		return fmt.Sprint(parsed), nil
	case schemas.Float64:
		if f, _ := parsed.(float64); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return Text(f), nil
		}
	case schemas.Date, schemas.Timestamp, schemas.Datetime:
		at, err := parseInstant(Text(parsed))
		return instantAs(at, t.Kind), err
	}
	return "", fmt.Errorf("%q of %s is nothing that values can be compared with", value, t)
}

// isComparable reports whether all engines can tell two values of a type apart.
func isComparable(t schemas.Type) bool {
	switch t.Kind {
	case schemas.Array, schemas.JSON, schemas.Interval:
		return false
	}
	return !slices.ContainsFunc(t.Fields, func(f schemas.Field) bool { return !isComparable(f.Type) })
}

// plainName is a name that needs no quotes behind a table and a point.
var plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// qualified writes columns as table.column, separated by commas.
func qualified(table string, columns []string) string {
	list := make([]string, len(columns))
	for i, column := range columns {
		list[i] = table + "." + column
	}
	return strings.Join(list, ", ")
}

// equal compares columns of two tables, which must not be NULL.
func equal(a, b string, columns []string) string {
	list := make([]string, len(columns))
	for i, column := range columns {
		list[i] = fmt.Sprintf("%s.%s = %s.%s", a, column, b, column)
	}
	return strings.Join(list, " and ")
}

func compareNames(a, b warehouse.TableName) int {
	return cmp.Or(cmp.Compare(a.Dataset, b.Dataset), cmp.Compare(a.Table, b.Table))
}
