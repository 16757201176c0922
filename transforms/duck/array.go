package duck

import (
	"strings"

	"github.com/ripen-data/ripen/schemas"
)

// arrayFunctions are those of ARRAY.
var arrayFunctions = map[string]rule{
	"array_length":    {min: 1, max: 1, text: "len"},
	"array_reverse":   {min: 1, max: 1, text: "list_reverse"},
	"array_to_string": {min: 2, max: 3, write: (*writer).arrayToString},
	"array_concat":    {min: 1, max: 99, write: (*writer).arrayConcat},
	"generate_array":  {min: 2, max: 3, write: (*writer).generateArray},
	"array_first":     {min: 1, max: 1, text: "bq.at_ordinal($1, 1)"},
	"array_last":      {min: 1, max: 1, text: "bq.array_last"},
}

func (w *writer) arrayToString(c call) string {
	if t := w.typeOf(c.args[0]); t.Kind != schemas.Array || t.Elem.Kind != schemas.String {
		w.fail(c.args[0], "ARRAY_TO_STRING of "+t.String()+" does not run on DuckDB", "cast the elements to STRING")
	}
	if len(c.args) == 3 {
		return w.rename(c, "bq.array_to_string")
	}
	return w.rename(c, "array_to_string")
}

func (w *writer) arrayConcat(c call) string {
	texts := make([]string, len(c.args))
	for i, arg := range c.args {
		texts[i] = wrap(arg, w.as(arg, c.result))
	}
	return w.comments(c.node) + "(" + strings.Join(texts, " || ") + ")"
}

func (w *writer) generateArray(c call) string {
	if c.result.Kind != schemas.Array || c.result.Elem.Kind != schemas.Int64 {
		w.fail(c.node, "GENERATE_ARRAY of "+c.result.String()+" does not run on DuckDB", "generate INT64 and divide")
	}
	if len(c.args) == 3 {
		if step, ok := w.isInteger(c.args[2]); !ok || step == 0 {
			w.fail(c.args[2], "the step of GENERATE_ARRAY must be a literal other than 0 to run on DuckDB", "write a number")
		}
	}
	texts := make([]string, len(c.args))
	for i, arg := range c.args {
		texts[i] = w.plain(arg)
	}
	return w.comments(c.node) + "generate_series(" + strings.Join(texts, ", ") + ")"
}

// arrayConcatAgg puts arrays together; NULLs among them are left out.
func (w *writer) arrayConcatAgg(c call) string {
	if c.distinct || c.ignore || c.respect {
		w.fail(c.node, "DISTINCT and NULLS inside ARRAY_CONCAT_AGG do not run on DuckDB", "leave them out")
	}
	if c.over != "" && (c.limit != nil || c.order != nil) {
		w.fail(c.node, "ARRAY_CONCAT_AGG with ORDER BY or LIMIT and OVER does not run on DuckDB", "aggregate in a GROUP BY")
	}
	value := w.node(c.args[0])
	list := "list(" + w.arguments(c, value) + ")" + filter(wrap(c.args[0], value)+" IS NOT NULL")
	return w.comments(c.node) + "flatten(" + w.cut(c, list+c.over) + ")"
}
