package duck

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// An INTERVAL has months, days and microseconds on both sides. They are compared by
// their whole length, a month of 30 days and a day of 24 hours; DuckDB compares
// part by part, which is another order where parts have different signs.

// intervalTypes are functions that take INTERVAL values, beside those of dates.
var intervalTypes = []string{"count", "if", "ifnull", "coalesce", "any_value", "array_agg", "lag", "lead", "first_value", "last_value", "nth_value"}

// intervalExpr writes an INTERVAL as a value.
func (w *writer) intervalExpr(n *syntax.Node) string { return "(" + w.interval(n) + ")" }

var (
	wholeInterval = regexp.MustCompile(`^([+-]?)(\d+)-(\d+) ([+-]?\d+) ([+-]?)(\d+):(\d+):(\d+)(?:\.(\d{1,6}))?$`)
	dayInterval   = regexp.MustCompile(`^([+-]?\d+) ([+-]?)(\d+):(\d+):(\d+)(?:\.(\d{1,6}))?$`)
)

// spannedInterval writes INTERVAL '1-2 3 4:5:6' YEAR TO SECOND and DAY TO SECOND.
func (w *writer) spannedInterval(n *syntax.Node) string {
	text, ok := w.constant(n.Kids[0])
	from, to := w.part(n.Kids[1]), w.part(n.Kids[2])
	var m []string
	switch {
	case !ok || to != "SECOND":
	case from == "YEAR":
		m = wholeInterval.FindStringSubmatch(text)
	case from == "DAY":
		if m = dayInterval.FindStringSubmatch(text); m != nil {
			m = append([]string{m[0], "", "0", "0"}, m[1:]...)
		}
	}
	if m == nil {
		w.fail(n, "this INTERVAL does not run on DuckDB", "write INTERVAL '1 2:3:4' DAY TO SECOND, or INTERVAL 1 DAY + INTERVAL 2 HOUR")
	}
	value := func(sign, digits string) int64 {
		v, err := strconv.ParseInt(sign+digits, 10, 64)
		if err != nil || v > math.MaxInt32 || v < math.MinInt32 {
			w.fail(n, "this INTERVAL is too long", "write smaller numbers")
		}
		return v
	}
	months := value(m[1], m[2])*12 + value(m[1], m[3])
	micros := (value(m[5], m[6])*3600+value(m[5], m[7])*60+value(m[5], m[8]))*1_000_000 + value(m[5], (m[9] + "000000")[:6])
	return fmt.Sprintf("(to_months(%d) + to_days(%d) + to_microseconds(%d))", months, value("", m[4]), micros)
}

// compareIntervals writes a comparison of INTERVALs.
func (w *writer) compareIntervals(n, left, right *syntax.Node) string {
	return w.comments(n) + "(bq.interval_length(" + w.node(left) + ") " + n.Attr + " bq.interval_length(" + w.node(right) + "))"
}

// addIntervals writes + and - where a side is an INTERVAL.
func (w *writer) addIntervals(n, left, right *syntax.Node) string {
	l, r := w.typeWanted(left).Kind, w.typeWanted(right).Kind
	sum := func(moment, span *syntax.Node, kind schemas.Kind) string {
		value := w.node(span)
		if kind == schemas.Timestamp {
			value = "bq.without_months(" + value + ")"
		}
		return w.comments(n) + w.inTime(kind, w.operand(moment)+" "+n.Attr+" "+value)
	}
	switch {
	case l == schemas.Interval && r == schemas.Interval:
		return w.comments(n) + "(" + w.operand(left) + " " + n.Attr + " " + w.operand(right) + ")"
	case r == schemas.Interval && isTime(l) && l != schemas.Time:
		return sum(left, right, l)
	case l == schemas.Interval && isTime(r) && r != schemas.Time && n.Attr == "+":
		return sum(right, left, r)
	}
	w.fail(n, "this arithmetic with INTERVAL does not run on DuckDB", "write DATE_ADD(d, INTERVAL 1 DAY)")
	return ""
}

// timeBetween writes the difference of two moments, which is an INTERVAL: days of DATEs, else a time.
func (w *writer) timeBetween(n, left, right *syntax.Node) string {
	l, r := w.typeWanted(left).Kind, w.typeWanted(right).Kind
	switch {
	case n.Attr != "-" || l != r || l == schemas.Time:
		w.fail(n, "this arithmetic with times does not run on DuckDB", "write DATE_DIFF(a, b, DAY) or TIMESTAMP_DIFF(a, b, SECOND)")
	case l == schemas.Date:
		return w.comments(n) + "to_days(CAST(" + w.operand(left) + " - " + w.operand(right) + " AS INTEGER))"
	}
	return w.comments(n) + "to_microseconds(epoch_us(" + w.node(left) + ") - epoch_us(" + w.node(right) + "))"
}

// extractInterval writes EXTRACT(part FROM interval).
func (w *writer) extractInterval(n *syntax.Node, part, text string) string {
	switch part {
	case "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND":
		return w.comments(n) + "date_part('" + strings.ToLower(part) + "', " + text + ")"
	case "MILLISECOND":
		return w.comments(n) + "(date_part('millisecond', " + text + ") % 1000)"
	case "MICROSECOND":
		return w.comments(n) + "(date_part('microsecond', " + text + ") % 1000000)"
	}
	w.fail(n.Kids[0], "EXTRACT of "+part+" from an INTERVAL does not run on DuckDB", "extract YEAR, MONTH, DAY, HOUR, MINUTE or SECOND")
	return ""
}

// makeInterval writes MAKE_INTERVAL, whose arguments may have names.
func (w *writer) makeInterval(c call) string {
	names := []string{"year", "month", "day", "hour", "minute", "second"}
	values := make([]string, len(names))
	for i, arg := range c.args {
		values[i] = w.node(arg)
	}
	for name, arg := range c.named {
		i := slices.Index(names, name)
		if i < 0 {
			w.fail(arg, "MAKE_INTERVAL has no argument "+name, "write year, month, day, hour, minute or second")
		}
		values[i] = w.node(arg)
	}
	forms := []string{"to_years(CAST(%s AS INTEGER))", "to_months(CAST(%s AS INTEGER))", "to_days(CAST(%s AS INTEGER))", "to_hours(%s)", "to_minutes(%s)", "to_seconds(%s)"}
	var parts []string
	for i, value := range values {
		if value != "" {
			parts = append(parts, fmt.Sprintf(forms[i], value))
		}
	}
	if parts == nil {
		parts = []string{"to_days(0)"}
	}
	return w.comments(c.node) + "(" + strings.Join(parts, " + ") + ")"
}

// bucket writes DATE_BUCKET and its kin. Buckets are counted from 1950-01-01.
func (w *writer) bucket(c call) string {
	kind := w.timeKind(c.args[0])
	step := c.args[1]
	if step.Kind != "IntervalExpr" || len(step.Kids) != 2 {
		w.fail(step, "the width of "+strings.ToUpper(c.name)+" must be written out to run on DuckDB", "write INTERVAL 7 DAY")
	}
	if count, ok := w.isInteger(step.Kids[0]); !ok || count < 1 {
		w.fail(step, "the width of "+strings.ToUpper(c.name)+" must be a positive literal to run on DuckDB", "write INTERVAL 7 DAY")
	}
	months := slices.Contains([]string{"MONTH", "QUARTER", "YEAR"}, w.part(step.Kids[1]))
	name, err := schemas.DuckDBType(schemas.Type{Kind: kind})
	if err != nil {
		w.fail(c.node, err.Error(), "cast it to DATE or TIMESTAMP")
	}
	origin := "CAST('1950-01-01' AS " + name + ")"
	switch {
	case months && (kind == schemas.Timestamp || len(c.args) == 3):
		w.fail(step, strings.ToUpper(c.name)+" of months does not run on DuckDB here", "truncate: DATE_TRUNC(d, MONTH), or leave the origin out")
	case len(c.args) == 3:
		origin = w.node(c.args[2])
	}
	text := "time_bucket(" + w.interval(step) + ", " + w.node(c.args[0]) + ", " + origin + ")"
	if kind == schemas.Date {
		return w.comments(c.node) + "bq.in_date(" + text + ")"
	}
	return w.comments(c.node) + "bq.in_timestamp(" + text + ")"
}
