package duck

import (
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// cast writes CAST and SAFE_CAST. Those from and to text, and from a fraction to
// an integer, follow other rules in DuckDB: '1.5' becomes 2, 'yes' becomes true.
func (w *writer) cast(n *syntax.Node) string {
	w.reviewed(n, "expr", "SimpleType", "ArrayType", "StructType", "FormatClause")
	if clause := firstKid(n, "FormatClause"); clause != nil && len(n.Kids) == 3 && !strings.Contains(n.Attr, "return_null_on_error=true") {
		return w.castFormat(n, n.Kids[0], clause, w.typeOf(n))
	} else if clause != nil {
		w.refuseKind(clause)
	}
	if len(n.Kids) != 2 {
		w.refuseKind(n)
	}
	value, target := n.Kids[0], n.Kids[1]
	if bad := find(target, "TypeParameterList"); bad != nil {
		w.refuseKind(bad)
	}
	if slices.Contains(w.words(n), "ZONE") {
		w.fail(n, "CAST with AT TIME ZONE does not run on DuckDB", "use FORMAT_TIMESTAMP or DATETIME(ts, zone)")
	}
	safe := strings.Contains(n.Attr, "return_null_on_error=true")
	from, to := w.typeOf(value), w.typeOf(n)
	if to.Kind == "" {
		// A constant that the analyzer folded with what is around it.
		to, _ = schemas.ParseType(strings.Join(strings.Fields(w.text[target.Start:target.End]), " "))
	}
	if to.Kind == "" {
		w.fail(n, "the type of this cast is not known", "cast to STRING, INT64, NUMERIC, FLOAT64, BOOL, DATE or TIMESTAMP")
	}
	note := w.comments(n)
	if value.Kind == "NullLiteral" && to.Kind == schemas.JSON {
		return note + "CAST(NULL AS JSON)"
	}
	name := w.duckType(n, to)
	if value.Kind == "NullLiteral" {
		return note + "CAST(NULL AS " + name + ")"
	}
	if constructor := value.Kind == "ArrayConstructor" && len(value.Kids) == 0; constructor {
		return note + "CAST([] AS " + name + ")"
	}
	if to.Kind == schemas.Numeric && w.isFloatLiteral(value) {
		w.want(value, to) // exactly as written, not the nearest FLOAT64
		return note + w.node(value)
	}
	text := w.plain(value)
	if form := castForm(from.Kind, to.Kind); form != "" {
		if safe {
			if strings.HasPrefix(form, "bq.str_") {
				form = "bq.safe_" + strings.TrimPrefix(form, "bq.")
			} else {
				if w.beyondTry(value) {
					// Computed outside of TRY, which takes it from there.
					return note + "list_transform([" + text + "], lambda _q: TRY(" + strings.ReplaceAll(form, "$1", "_q") + "))[1]"
				}
				return note + "TRY(" + strings.ReplaceAll(form, "$1", text) + ")"
			}
		}
		return note + strings.ReplaceAll(form, "$1", text)
	}
	if !plainCast(from, to) {
		w.fail(n, "a cast from "+from.String()+" to "+to.String()+" does not run on DuckDB", "cast the parts, or go through another type")
	}
	if safe {
		return note + "TRY_CAST(" + text + " AS " + name + ")"
	}
	return note + "CAST(" + text + " AS " + name + ")"
}

func find(n *syntax.Node, kind string) *syntax.Node {
	if n.Kind == kind {
		return n
	}
	for _, kid := range n.Kids {
		if found := find(kid, kind); found != nil {
			return found
		}
	}
	return nil
}

// castForm is how a cast is written where DuckDB's own differs; "" elsewhere.
func castForm(from, to schemas.Kind) string {
	type pair struct{ from, to schemas.Kind }
	return map[pair]string{
		{schemas.Float64, schemas.String}:      "bq.float_text($1)",
		{schemas.Numeric, schemas.String}:      "bq.numeric_text($1)",
		{schemas.Timestamp, schemas.String}:    "bq.timestamp_text($1)",
		{schemas.Datetime, schemas.String}:     "bq.datetime_text($1)",
		{schemas.Interval, schemas.String}:     "bq.interval_text($1)",
		{schemas.Bytes, schemas.String}:        "decode($1)",
		{schemas.String, schemas.Bytes}:        "encode($1)",
		{schemas.String, schemas.Int64}:        "bq.str_int64($1)",
		{schemas.String, schemas.Float64}:      "bq.str_float64($1)",
		{schemas.String, schemas.Numeric}:      "bq.str_numeric($1)",
		{schemas.String, schemas.Bool}:         "bq.str_bool($1)",
		{schemas.String, schemas.Date}:         "bq.str_date($1)",
		{schemas.String, schemas.Timestamp}:    "bq.str_timestamp($1)",
		{schemas.String, schemas.Datetime}:     "bq.str_datetime($1)",
		{schemas.Float64, schemas.Int64}:       "CAST(round($1) AS BIGINT)",
		{schemas.Numeric, schemas.Int64}:       "CAST(round($1) AS BIGINT)",
		{schemas.Timestamp, schemas.Timestamp}: "$1",
	}[pair{from, to}]
}

// plainCast reports whether DuckDB's cast gives the same value.
func plainCast(from, to schemas.Type) bool {
	if from.Equal(to) {
		return true
	}
	if from.Kind == schemas.Array && to.Kind == schemas.Array {
		return plainCast(*from.Elem, *to.Elem) && castForm(from.Elem.Kind, to.Elem.Kind) == ""
	}
	number := func(k schemas.Kind) bool {
		return k == schemas.Int64 || k == schemas.Float64 || k == schemas.Numeric
	}
	moment := func(k schemas.Kind) bool {
		return k == schemas.Date || k == schemas.Timestamp || k == schemas.Datetime
	}
	switch {
	case number(from.Kind) && number(to.Kind), moment(from.Kind) && moment(to.Kind):
		return true
	case from.Kind == schemas.Int64 || from.Kind == schemas.Bool:
		return to.Kind == schemas.String || to.Kind == schemas.Bool || to.Kind == schemas.Int64
	case from.Kind == schemas.Date:
		return to.Kind == schemas.String
	case from.Kind == schemas.Timestamp || from.Kind == schemas.Datetime:
		return to.Kind == schemas.Time
	}
	return false
}
