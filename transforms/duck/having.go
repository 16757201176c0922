package duck

import (
	"strings"

	"github.com/ripen-data/ripen/schemas"
)

// havingForms are aggregates of the rows that HAVING MAX or MIN leaves, over
// their list of values.
var havingForms = map[string]string{
	"sum": "list_sum($1)", "min": "list_min($1)", "max": "list_max($1)", "avg": "list_avg($1)",
	"count": "coalesce(list_count($1), 0)", "countif": "coalesce(len(list_filter($1, lambda _h: _h)), 0)",
	"logical_or": "list_bool_or($1)", "logical_and": "list_bool_and($1)",
	"bit_and": "list_aggregate($1, 'bit_and')", "bit_or": "list_aggregate($1, 'bit_or')", "bit_xor": "list_aggregate($1, 'bit_xor')",
	"stddev": "list_stddev_samp($1)", "stddev_samp": "list_stddev_samp($1)", "stddev_pop": "list_stddev_pop($1)",
	"variance": "list_var_samp($1)", "var_samp": "list_var_samp($1)", "var_pop": "list_var_pop($1)",
	"array_agg":             "nullif($1, [])",
	"string_agg":            "array_to_string(nullif(list_filter($1, lambda _h: _h IS NOT NULL), []), $2)",
	"approx_count_distinct": "coalesce(list_unique($1), 0)",
}

// havingCall writes f(x HAVING MAX y): f of the rows of the group whose y is the
// greatest of all. DuckDB has no such filter, so the rows go through a list.
func (w *writer) havingCall(c call) string {
	name := strings.ToUpper(c.name)
	form, ok := havingForms[c.name]
	if !ok {
		w.fail(c.having, "HAVING in "+name+" does not run on DuckDB", "aggregate in two steps")
	}
	function := ""
	for _, word := range w.words(c.having) {
		switch word {
		case "MAX":
			function = "max"
		case "MIN":
			function = "min"
		}
	}
	if function == "" || len(c.having.Kids) != 1 {
		w.refuseKind(c.having)
	}
	if c.name == "array_agg" && (c.distinct || c.ignore) || c.name == "string_agg" && c.distinct {
		w.fail(c.having, "HAVING beside DISTINCT or IGNORE NULLS in "+name+" does not run on DuckDB", "aggregate in two steps")
	}
	if c.name != "array_agg" && c.name != "string_agg" && (c.order != nil || c.limit != nil || c.ignore) {
		w.plainAggregate(c)
	}
	if c.result.Kind == schemas.Numeric && strings.Contains(form, "list_var") || c.result.Kind == schemas.Numeric && strings.Contains(form, "list_std") {
		w.fail(c.node, name+" of NUMERIC does not run on DuckDB", "cast to FLOAT64")
	}
	value, by := "1", w.node(c.having.Kids[0])
	if c.args[0].Kind != "Star" {
		value = w.node(c.args[0])
	}
	row := "{'v': " + value + ", 'h': " + by + "}"
	if c.order != nil {
		row += " " + w.node(c.order)
	}
	kept := "_h.h = " + function + "(" + by + ")" + c.over
	if w.typeOf(c.having.Kids[0]).Kind == schemas.Float64 {
		// The greatest of values with a NaN is NaN, which equals nothing.
		kept += " AND NOT coalesce(bool_or(isnan(" + by + "))" + c.over + ", false)"
	}
	rows := "list_filter(list(" + row + ")" + c.over + ", lambda _h: " + kept + ")"
	list := w.cut(c, "list_transform("+rows+", lambda _h: _h.v)")
	if c.distinct {
		list = "list_distinct(" + list + ")"
	}
	delimiter := "','"
	if len(c.args) == 2 {
		delimiter = stringText(w.literal(c, 1, "delimiter"))
	}
	text := strings.NewReplacer("$1", list, "$2", delimiter).Replace(form)
	if c.result.Kind == schemas.Int64 || c.result.Kind == schemas.Numeric {
		text = "CAST(" + text + " AS " + w.duckType(c.node, c.result) + ")"
	}
	return w.comments(c.node) + text
}
