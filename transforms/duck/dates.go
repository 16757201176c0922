package duck

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// dateFunctions are those of DATE, TIMESTAMP, DATETIME and TIME. TIMESTAMP is a
// DuckDB TIMESTAMP in UTC, so that it and DATETIME share their functions.
func dateFunctions() map[string]rule {
	rules := map[string]rule{
		"date":                     {min: 1, max: 3, write: (*writer).date},
		"timestamp":                {min: 1, max: 2, write: (*writer).timestamp},
		"datetime":                 {min: 1, max: 6, write: (*writer).datetime},
		"time":                     {min: 1, max: 3, write: (*writer).timeOfDay},
		"last_day":                 {min: 1, max: 2, write: (*writer).lastDay},
		"format_date":              {min: 2, max: 2, write: (*writer).format},
		"format_datetime":          {min: 2, max: 2, write: (*writer).format},
		"format_timestamp":         {min: 2, max: 3, write: (*writer).format},
		"parse_date":               {min: 2, max: 2, write: (*writer).parseTime},
		"parse_datetime":           {min: 2, max: 2, write: (*writer).parseTime},
		"parse_timestamp":          {min: 2, max: 2, write: (*writer).parseTime},
		"unix_seconds":             {min: 1, max: 1, text: "bq.unix_seconds"},
		"unix_millis":              {min: 1, max: 1, text: "bq.unix_millis"},
		"unix_micros":              {min: 1, max: 1, text: "epoch_us"},
		"unix_date":                {min: 1, max: 1, text: "date_diff('day', DATE '1970-01-01', $1)"},
		"date_from_unix_date":      {min: 1, max: 1, text: "bq.in_date(DATE '1970-01-01' + CAST($1 AS INTEGER))"},
		"timestamp_seconds":        {min: 1, max: 1, text: "bq.in_timestamp(make_timestamp(($1) * 1000000))"},
		"timestamp_millis":         {min: 1, max: 1, text: "bq.in_timestamp(make_timestamp(($1) * 1000))"},
		"timestamp_micros":         {min: 1, max: 1, text: "bq.in_timestamp(make_timestamp($1))"},
		"generate_date_array":      {min: 2, max: 3, write: (*writer).dateArray},
		"generate_timestamp_array": {min: 3, max: 3, write: (*writer).timestampArray},
	}
	rules["make_interval"] = rule{min: 0, max: 6, write: (*writer).makeInterval}
	for _, kind := range []string{"date", "datetime", "timestamp"} {
		rules[kind+"_bucket"] = rule{min: 2, max: 3, write: (*writer).bucket}
	}
	for _, kind := range []string{"date", "datetime", "timestamp", "time"} {
		rules[kind+"_add"] = rule{min: 2, max: 2, write: (*writer).addInterval}
		rules[kind+"_sub"] = rule{min: 2, max: 2, write: (*writer).addInterval}
		rules[kind+"_diff"] = rule{min: 3, max: 3, write: (*writer).diff}
		rules[kind+"_trunc"] = rule{min: 2, max: 3, write: (*writer).trunc}
	}
	return rules
}

// zone writes a time zone; "" for UTC.
func (w *writer) zone(n *syntax.Node) string {
	value, ok := w.constant(n)
	if !ok {
		return "bq.zone(" + w.node(n) + ")"
	}
	if strings.EqualFold(value, "UTC") || value == "+00" || value == "+00:00" {
		return ""
	}
	if _, known := parseTimestamp("2000-01-01 00:00:00 " + value); !known || strings.ContainsAny(value[:1], "+-0123456789") {
		w.fail(n, "this time zone is not known", "write a name of the IANA data base, e.g. 'Europe/Berlin'")
	}
	return stringText(value)
}

// local writes a TIMESTAMP as the wall clock of a zone.
func local(text, zone string) string {
	if zone == "" {
		return text
	}
	return "bq.to_local(" + text + ", " + zone + ")"
}

// utc writes the wall clock of a zone as a TIMESTAMP.
func utc(text, zone string) string {
	if zone == "" {
		return text
	}
	return "bq.from_local(" + text + ", " + zone + ")"
}

func (w *writer) date(c call) string {
	note := w.comments(c.node)
	if len(c.args) == 3 {
		return note + "bq.in_date(make_date(" + w.plain(c.args[0]) + ", " + w.plain(c.args[1]) + ", " + w.plain(c.args[2]) + "))"
	}
	text := w.node(c.args[0])
	if len(c.args) == 2 {
		if w.typeWanted(c.args[0]).Kind != schemas.Timestamp {
			w.fail(c.args[1], "DATE with a time zone is for a TIMESTAMP", "leave the zone out")
		}
		text = local(text, w.zone(c.args[1]))
	}
	return note + "CAST(" + text + " AS DATE)"
}

func (w *writer) timestamp(c call) string {
	zone := ""
	if len(c.args) == 2 {
		zone = w.zone(c.args[1])
	}
	text := w.node(c.args[0])
	switch w.typeWanted(c.args[0]).Kind {
	case schemas.String:
		if zone != "" {
			w.fail(c.args[1], "TIMESTAMP of a STRING with a time zone does not run on DuckDB", "write the zone into the string")
		}
		return w.comments(c.node) + "bq.str_timestamp(" + text + ")"
	case schemas.Timestamp:
		return w.comments(c.node) + text
	default:
		return w.comments(c.node) + utc("CAST("+text+" AS TIMESTAMP)", zone)
	}
}

func (w *writer) datetime(c call) string {
	note := w.comments(c.node)
	first := w.typeWanted(c.args[0]).Kind
	switch {
	case len(c.args) == 6:
		texts := make([]string, 6)
		for i, arg := range c.args {
			texts[i] = w.plain(arg)
		}
		return note + "bq.in_timestamp(make_timestamp(" + strings.Join(texts, ", ") + "))"
	case len(c.args) == 1:
		return note + "CAST(" + w.node(c.args[0]) + " AS TIMESTAMP)"
	case len(c.args) == 2 && first == schemas.Timestamp:
		return note + local(w.node(c.args[0]), w.zone(c.args[1]))
	case len(c.args) == 2 && first == schemas.Date:
		return note + "(" + w.operand(c.args[0]) + " + " + w.operand(c.args[1]) + ")"
	}
	w.fail(c.node, "this form of DATETIME does not run on DuckDB", "write DATETIME(date, time) or DATETIME(timestamp)")
	return ""
}

func (w *writer) timeOfDay(c call) string {
	note := w.comments(c.node)
	switch {
	case len(c.args) == 3:
		return note + "make_time(" + w.plain(c.args[0]) + ", " + w.plain(c.args[1]) + ", " + w.plain(c.args[2]) + ")"
	case len(c.args) == 2:
		return note + "CAST(" + local(w.node(c.args[0]), w.zone(c.args[1])) + " AS TIME)"
	}
	return note + "CAST(" + w.node(c.args[0]) + " AS TIME)"
}

// spans are the lengths of the parts that have one, in microseconds.
var spans = map[string]int64{
	"MICROSECOND": 1, "MILLISECOND": 1_000, "SECOND": 1_000_000, "MINUTE": 60_000_000,
	"HOUR": 3_600_000_000, "DAY": 86_400_000_000,
}

// interval writes INTERVAL n PART for an addition.
func (w *writer) interval(n *syntax.Node) string {
	if n.Kind == "IntervalExpr" && len(n.Kids) == 3 {
		return w.spannedInterval(n)
	}
	if n.Kind != "IntervalExpr" || len(n.Kids) != 2 {
		w.fail(n, "this INTERVAL does not run on DuckDB", "write INTERVAL 1 DAY")
	}
	value, part := n.Kids[0], w.part(n.Kids[1])
	if w.typeOf(value).Kind != schemas.Int64 {
		w.fail(value, "an INTERVAL of a "+w.typeOf(value).String()+" does not run on DuckDB", "write an INT64: INTERVAL n DAY")
	}
	if _, ok := spans[part]; !ok && !slices.Contains([]string{"WEEK", "MONTH", "QUARTER", "YEAR"}, part) {
		w.fail(n.Kids[1], "an INTERVAL of "+part+" does not run on DuckDB", "write DAY, WEEK, MONTH, QUARTER or YEAR")
	}
	factor := ""
	switch part {
	case "WEEK":
		factor, part = "7", "DAY"
	case "QUARTER":
		factor, part = "3", "MONTH"
	}
	if literal, ok := w.isInteger(value); ok {
		if factor != "" {
			times, _ := strconv.ParseInt(factor, 10, 64)
			literal *= times
		}
		switch {
		case literal < 0 && literal > math.MinInt32:
			return fmt.Sprintf("INTERVAL (%d) %s", literal, part)
		case literal >= 0 && literal <= math.MaxInt32: // larger ones are not parsed
			return fmt.Sprintf("INTERVAL %d %s", literal, part)
		}
	}
	text := w.node(value)
	if factor != "" {
		text = wrap(value, text) + " * " + factor
	}
	function := map[string]string{
		"MICROSECOND": "to_microseconds(%s)", "MILLISECOND": "to_milliseconds(%s)", "SECOND": "to_seconds(%s)",
		"MINUTE": "to_minutes(%s)", "HOUR": "to_hours(%s)", "DAY": "to_days(CAST(%s AS INTEGER))",
		"MONTH": "to_months(CAST(%s AS INTEGER))", "YEAR": "to_years(CAST(%s AS INTEGER))",
	}[part]
	return fmt.Sprintf(function, text)
}

// addInterval writes X_ADD and X_SUB.
func (w *writer) addInterval(c call) string {
	sign := " + "
	if strings.HasSuffix(c.name, "_sub") {
		sign = " - "
	}
	sum := w.operand(c.args[0]) + sign + w.interval(c.args[1])
	if w.timeKind(c.args[0]) == schemas.Date && strings.HasPrefix(c.name, "date_") {
		return w.comments(c.node) + "bq.in_date(" + sum + ")"
	}
	if w.timeKind(c.args[0]) == schemas.Time {
		return w.comments(c.node) + "(" + sum + ")"
	}
	return w.comments(c.node) + "bq.in_timestamp(" + sum + ")"
}

// timeKind is the kind of a value of time. It must be known: the same function is
// written otherwise for each.
func (w *writer) timeKind(n *syntax.Node) schemas.Kind {
	kind := w.typeWanted(n).Kind
	if !isTime(kind) {
		w.fail(n, "the type of this value is not known here", "compute it in a CTE, or GROUP BY its name")
	}
	return kind
}

var weekdays = map[string]int{
	"WEEK": 0, "WEEK(SUNDAY)": 0, "WEEK(MONDAY)": 1, "ISOWEEK": 1, "WEEK(TUESDAY)": 2, "WEEK(WEDNESDAY)": 3,
	"WEEK(THURSDAY)": 4, "WEEK(FRIDAY)": 5, "WEEK(SATURDAY)": 6,
}

// diff writes X_DIFF: whole spans for TIMESTAMP, crossed boundaries for the others.
func (w *writer) diff(c call) string {
	note := w.comments(c.node)
	part := w.part(c.args[2])
	end, start := w.node(c.args[0]), w.node(c.args[1])
	kind := w.timeKind(c.args[0])
	if kind == schemas.Timestamp {
		span, ok := spans[part]
		if !ok {
			w.fail(c.args[2], strings.ToUpper(c.name)+" of TIMESTAMPs counts no "+part, "write DATE_DIFF(DATE(a), DATE(b), "+part+")")
		}
		return note + "bq.span(" + end + ", " + start + ", " + strconv.FormatInt(span, 10) + ")"
	}
	if day, ok := weekdays[part]; ok {
		return note + "bq.week_diff(" + end + ", " + start + ", " + strconv.Itoa(day) + ")"
	}
	switch _, ok := spans[part]; {
	case kind == schemas.Time && part != "DAY" && ok:
	case ok && (kind != schemas.Date || part == "DAY"):
	case slices.Contains([]string{"MONTH", "QUARTER", "YEAR", "ISOYEAR"}, part):
	default:
		w.fail(c.args[2], strings.ToUpper(c.name)+" by "+part+" does not run on DuckDB", "write DAY, WEEK, MONTH, QUARTER or YEAR")
	}
	return note + "date_diff('" + strings.ToLower(part) + "', " + start + ", " + end + ")"
}

// trunc writes X_TRUNC.
func (w *writer) trunc(c call) string {
	part := w.part(c.args[1])
	text := w.node(c.args[0])
	kind := w.timeKind(c.args[0])
	zone := ""
	if len(c.args) == 3 {
		zone = w.zone(c.args[2])
		text = local(text, zone)
	}
	cut := ""
	if day, ok := weekdays[part]; ok {
		// DuckDB's weeks start on Monday: move the day there and back.
		switch shift := day - 1; {
		case shift < 0:
			cut = fmt.Sprintf("date_trunc('week', %s + INTERVAL 1 DAY) - INTERVAL 1 DAY", wrapText(text))
		case shift > 0:
			cut = fmt.Sprintf("date_trunc('week', %s - INTERVAL %d DAY) + INTERVAL %d DAY", wrapText(text), shift, shift)
		default:
			cut = fmt.Sprintf("date_trunc('week', %s)", text)
		}
	} else {
		_, isSpan := spans[part]
		if !isSpan && !slices.Contains([]string{"MONTH", "QUARTER", "YEAR"}, part) || kind == schemas.Date && isSpan && part != "DAY" {
			w.fail(c.args[1], strings.ToUpper(c.name)+" by "+part+" does not run on DuckDB", "write DAY, WEEK, MONTH, QUARTER or YEAR")
		}
		cut = "date_trunc('" + strings.ToLower(part) + "', " + text + ")"
	}
	switch {
	case kind == schemas.Date && weekdays[part] != 1 && part != "MONTH" && part != "QUARTER" && part != "YEAR" && part != "DAY":
		cut = "bq.in_date(" + cut + ")" // a week may start before year 1
	case kind == schemas.Date:
		cut = "CAST(" + cut + " AS DATE)"
	case kind == schemas.Time:
		w.fail(c.node, "TIME_TRUNC does not run on DuckDB", "truncate the TIMESTAMP")
	default:
		cut = "(" + cut + ")"
	}
	return w.comments(c.node) + utc(cut, zone)
}

func wrapText(text string) string {
	if strings.ContainsAny(text, " ") && !strings.HasSuffix(text, ")") {
		return "(" + text + ")"
	}
	return text
}

func (w *writer) lastDay(c call) string {
	part := "MONTH"
	if len(c.args) == 2 {
		part = w.part(c.args[1])
	}
	text := w.node(c.args[0])
	note := w.comments(c.node)
	if day, ok := weekdays[part]; ok {
		return note + fmt.Sprintf("CAST(date_trunc('week', CAST(%s AS DATE) - INTERVAL (%d) DAY) + INTERVAL (%d) DAY AS DATE)", text, day-1, day+5)
	}
	switch part {
	case "MONTH":
		return note + "last_day(" + text + ")"
	case "QUARTER", "YEAR":
		months := map[string]int{"QUARTER": 3, "YEAR": 12}[part]
		return note + fmt.Sprintf("CAST(date_trunc('%s', %s) + INTERVAL %d MONTH - INTERVAL 1 DAY AS DATE)", strings.ToLower(part), text, months)
	}
	w.fail(c.args[1], "LAST_DAY of "+part+" does not run on DuckDB", "write WEEK, MONTH, QUARTER or YEAR")
	return ""
}

// extract writes EXTRACT(part FROM x AT TIME ZONE z).
func (w *writer) extract(n *syntax.Node) string {
	w.reviewed(n, "expr")
	if len(n.Kids) < 2 {
		w.refuseKind(n)
	}
	part, value := w.part(n.Kids[0]), n.Kids[1]
	kind := w.typeWanted(value).Kind
	if kind == schemas.Interval {
		return w.extractInterval(n, part, w.node(value))
	}
	if !isTime(kind) {
		w.fail(n, "EXTRACT from "+w.typeWanted(value).String()+" does not run on DuckDB", "extract from a DATE or TIMESTAMP")
	}
	text := w.node(value)
	if len(n.Kids) == 3 {
		text = local(text, w.zone(n.Kids[2]))
	}
	note := w.comments(n)
	if day, ok := weekdays[part]; ok && part != "ISOWEEK" {
		return note + fmt.Sprintf("bq.week_of_year(%s, %d)", text, day)
	}
	switch part {
	case "YEAR", "QUARTER", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND":
		return note + "date_part('" + strings.ToLower(part) + "', " + text + ")"
	case "ISOYEAR":
		return note + "date_part('isoyear', " + text + ")"
	case "ISOWEEK":
		return note + "date_part('week', " + text + ")"
	case "DAYOFYEAR":
		return note + "date_part('doy', " + text + ")"
	case "DAYOFWEEK":
		return note + "(date_part('dow', " + text + ") + 1)"
	case "MILLISECOND":
		return note + "(date_part('millisecond', " + text + ") % 1000)"
	case "MICROSECOND":
		return note + "(date_part('microsecond', " + text + ") % 1000000)"
	case "DATE":
		return note + "CAST(" + text + " AS DATE)"
	case "TIME":
		return note + "CAST(" + text + " AS TIME)"
	case "DATETIME":
		return note + "CAST(" + text + " AS TIMESTAMP)"
	}
	w.fail(n.Kids[0], "EXTRACT of "+part+" does not run on DuckDB", "extract YEAR, MONTH, DAY, HOUR, MINUTE or SECOND")
	return ""
}

// step is the literal interval of a generated array.
func (w *writer) step(n *syntax.Node) (count int64, part string) {
	if n.Kind != "IntervalExpr" || len(n.Kids) != 2 {
		w.fail(n, "the step of a generated array must be written out to run on DuckDB", "write INTERVAL 1 DAY")
	}
	count, ok := w.isInteger(n.Kids[0])
	if !ok || count <= 0 {
		w.fail(n.Kids[0], "the step of a generated array must be a positive literal to run on DuckDB", "write INTERVAL 1 DAY")
	}
	return count, w.part(n.Kids[1])
}

func (w *writer) dateArray(c call) string {
	count, part := int64(1), "DAY"
	if len(c.args) == 3 {
		count, part = w.step(c.args[2])
	}
	ends := w.node(c.args[0]) + ", " + w.node(c.args[1])
	note := w.comments(c.node)
	switch part {
	case "DAY", "WEEK":
		if part == "WEEK" {
			count *= 7
		}
		return note + fmt.Sprintf("bq.date_array(%s, %d)", ends, count)
	case "MONTH", "QUARTER", "YEAR":
		count *= map[string]int64{"MONTH": 1, "QUARTER": 3, "YEAR": 12}[part]
		return note + fmt.Sprintf("bq.month_array(%s, %d)", ends, count)
	}
	w.fail(c.args[2], "GENERATE_DATE_ARRAY by "+part+" does not run on DuckDB", "write DAY, WEEK, MONTH, QUARTER or YEAR")
	return ""
}

func (w *writer) timestampArray(c call) string {
	count, part := w.step(c.args[2])
	span, ok := spans[part]
	if !ok {
		w.fail(c.args[2], "GENERATE_TIMESTAMP_ARRAY by "+part+" does not run on DuckDB", "write SECOND, MINUTE, HOUR or DAY")
	}
	return w.comments(c.node) + fmt.Sprintf("generate_series(%s, %s, to_microseconds(%d))", w.node(c.args[0]), w.node(c.args[1]), count*span)
}
