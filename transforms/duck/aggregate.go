package duck

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// aggregateFunctions may have OVER too.
var aggregateFunctions = map[string]rule{
	"count":                 {min: 1, max: 1, json: true, aggregate: true, bytes: true, write: (*writer).count},
	"countif":               {min: 1, max: 1, aggregate: true, write: (*writer).countIf},
	"sum":                   {min: 1, max: 1, aggregate: true, write: (*writer).sum},
	"avg":                   {min: 1, max: 1, aggregate: true, write: (*writer).avg},
	"min":                   {min: 1, max: 1, bytes: true, aggregate: true, write: (*writer).aggregate},
	"max":                   {min: 1, max: 1, bytes: true, aggregate: true, write: (*writer).aggregate},
	"stddev":                {min: 1, max: 1, aggregate: true, write: (*writer).statistic},
	"stddev_samp":           {min: 1, max: 1, aggregate: true, write: (*writer).statistic},
	"stddev_pop":            {min: 1, max: 1, aggregate: true, write: (*writer).statistic},
	"variance":              {min: 1, max: 1, aggregate: true, write: (*writer).statistic},
	"var_samp":              {min: 1, max: 1, aggregate: true, write: (*writer).statistic},
	"var_pop":               {min: 1, max: 1, aggregate: true, write: (*writer).statistic},
	"corr":                  {min: 2, max: 2, aggregate: true, write: (*writer).statistic},
	"covar_pop":             {min: 2, max: 2, aggregate: true, write: (*writer).statistic},
	"covar_samp":            {min: 2, max: 2, aggregate: true, write: (*writer).statistic},
	"logical_or":            {min: 1, max: 1, aggregate: true, write: (*writer).aggregate},
	"logical_and":           {min: 1, max: 1, aggregate: true, write: (*writer).aggregate},
	"bit_and":               {min: 1, max: 1, aggregate: true, write: (*writer).aggregate},
	"bit_or":                {min: 1, max: 1, aggregate: true, write: (*writer).aggregate},
	"bit_xor":               {min: 1, max: 1, aggregate: true, write: (*writer).aggregate},
	"any_value":             {min: 1, max: 1, bytes: true, json: true, aggregate: true, write: (*writer).anyValue},
	"approx_count_distinct": {min: 1, max: 1, aggregate: true, write: (*writer).approxCount},
	"approx_quantiles":      {min: 2, max: 2, aggregate: true, write: (*writer).approxQuantiles},
	"approx_top_count":      {min: 2, max: 2, aggregate: true, write: (*writer).topCount},
	"array_agg":             {min: 1, max: 1, bytes: true, json: true, aggregate: true, write: (*writer).arrayAgg},
	"array_concat_agg":      {min: 1, max: 1, aggregate: true, write: (*writer).arrayConcatAgg},
	"string_agg":            {min: 1, max: 2, aggregate: true, write: (*writer).stringAgg},
	"percentile_cont":       {min: 2, max: 2, window: true, write: (*writer).percentile},
	"percentile_disc":       {min: 2, max: 2, window: true, write: (*writer).percentile},
}

// windowFunctions need OVER.
var windowFunctions = map[string]rule{
	"row_number":   {min: 0, max: 0, window: true, write: (*writer).window},
	"rank":         {min: 0, max: 0, window: true, write: (*writer).window},
	"dense_rank":   {min: 0, max: 0, window: true, write: (*writer).window},
	"percent_rank": {min: 0, max: 0, window: true, write: (*writer).window},
	"cume_dist":    {min: 0, max: 0, window: true, write: (*writer).window},
	"ntile":        {min: 1, max: 1, window: true, write: (*writer).window},
	"lag":          {min: 1, max: 3, bytes: true, json: true, window: true, write: (*writer).window},
	"lead":         {min: 1, max: 3, bytes: true, json: true, window: true, write: (*writer).window},
	"first_value":  {min: 1, max: 1, bytes: true, json: true, window: true, write: (*writer).window},
	"last_value":   {min: 1, max: 1, bytes: true, json: true, window: true, write: (*writer).window},
	"nth_value":    {min: 2, max: 2, bytes: true, json: true, window: true, write: (*writer).window},
}

func (w *writer) window(c call) string {
	if c.name == "lag" || c.name == "lead" {
		if len(c.args) > 1 && c.args[1].Kind != "IntLiteral" && c.args[1].Kind != "ParameterExpr" {
			w.fail(c.args[1], "the offset of "+strings.ToUpper(c.name)+" must be a literal from 0 or a parameter", "write a number")
		}
		for _, arg := range c.args[min(2, len(c.args)):] {
			if !w.isConstant(arg) {
				w.fail(arg, "the default of "+strings.ToUpper(c.name)+" must be a constant", "write IFNULL around the call")
			}
		}
	}
	return w.rename(c, "") + c.over
}

// isConstant reports whether an expression refers to no column.
func (w *writer) isConstant(n *syntax.Node) bool {
	r := w.resolved[spanOf(n)]
	return r != nil && !contains(n, "PathExpression") && !contains(n, "ExpressionSubquery") || n.Kind == "NullLiteral" || isNumber(n)
}

// filter is for aggregates that skip rows: FILTER (WHERE …).
func filter(condition string) string { return " FILTER (WHERE " + condition + ")" }

func (w *writer) plainAggregate(c call) {
	if c.order != nil || c.limit != nil || c.ignore || c.respect {
		w.fail(c.node, "ORDER BY, LIMIT and NULLS inside "+strings.ToUpper(c.name)+" do not run on DuckDB", "leave them out")
	}
}

func (w *writer) aggregate(c call) string {
	w.plainAggregate(c)
	if k := w.typeOf(c.args[0]).Kind; k == schemas.Array || k == schemas.Struct {
		w.fail(c.args[0], strings.ToUpper(c.name)+" of "+string(k)+" does not run on DuckDB", "aggregate its parts")
	}
	if c.name == "min" && c.result.Kind == schemas.Float64 {
		// NaN is the least of all and the most of all: -max(-x).
		return w.comments(c.node) + "(-max(" + w.distinct(c) + "-(" + w.node(c.args[0]) + "))" + c.over + ")"
	}
	name := map[string]string{"logical_or": "bool_or", "logical_and": "bool_and"}[c.name]
	return w.rename(c, name) + c.over
}

func (w *writer) count(c call) string {
	w.plainAggregate(c)
	if c.args[0].Kind == "Star" {
		all := "(*)"
		if strings.Contains(strings.ToUpper(c.over), "BETWEEN") || c.over != "" && !strings.Contains(c.over, "(") {
			all = "(1)" // COUNT(*) of a frame that ends before it starts is negative
		}
		return w.comments(c.node) + w.nameAsWritten(c) + all + c.over
	}
	return w.rename(c, "") + c.over
}

func (w *writer) nameAsWritten(c call) string {
	path := firstKid(c.node, "PathExpression")
	last := path.Kids[len(path.Kids)-1] // without SAFE.
	return w.nameOf(last)
}

func (w *writer) countIf(c call) string {
	w.plainAggregate(c)
	if c.distinct {
		w.fail(c.node, "COUNTIF(DISTINCT …) does not run on DuckDB", "write COUNT(DISTINCT IF(condition, x, NULL))")
	}
	return w.comments(c.node) + "count(*)" + filter(w.node(c.args[0])) + c.over
}

// sum keeps the type: DuckDB's sum of BIGINT has 128 bits.
func (w *writer) sum(c call) string {
	w.plainAggregate(c)
	text := w.rename(c, "") + c.over
	switch c.result.Kind {
	case schemas.Int64:
		return "CAST(" + text + " AS BIGINT)"
	case schemas.Numeric:
		return "bq.in_numeric(" + text + ")"
	}
	return text
}

func (w *writer) distinct(c call) string {
	if c.distinct {
		return "DISTINCT "
	}
	return ""
}

func (w *writer) avg(c call) string {
	w.plainAggregate(c)
	if c.result.Kind == schemas.Numeric {
		value := "(" + w.distinct(c) + w.node(c.args[0]) + ")" + c.over
		return w.comments(c.node) + "bq.numeric_avg(sum" + value + ", count" + value + ")"
	}
	return w.rename(c, "") + c.over
}

// statistic is NULL where GoogleSQL's is: DuckDB's stddev of one row is NULL too.
func (w *writer) statistic(c call) string {
	w.plainAggregate(c)
	if c.result.Kind == schemas.Numeric {
		w.fail(c.node, strings.ToUpper(c.name)+" of NUMERIC does not run on DuckDB", "cast to FLOAT64")
	}
	if c.distinct && len(c.args) == 2 {
		w.fail(c.node, "DISTINCT in "+strings.ToUpper(c.name)+" does not run on DuckDB", "make the pairs distinct in a CTE")
	}
	floats := slices.ContainsFunc(c.args, w.mayBeNaN)
	switch {
	case c.over == "" && !c.distinct && (floats || c.name == "corr"):
		texts := make([]string, len(c.args))
		for i, arg := range c.args {
			texts[i] = "CAST(" + w.node(arg) + " AS DOUBLE)"
			if w.typeOf(arg).Kind == schemas.Float64 {
				texts[i] = w.node(arg)
			}
		}
		return w.comments(c.node) + "bq." + c.name + "(" + strings.Join(texts, ", ") + ")"
	case floats:
		return w.comments(c.node) + w.floatStatistic(c)
	case c.name == "corr":
		return "CASE WHEN regr_count(" + w.node(c.args[0]) + ", " + w.node(c.args[1]) + ")" + c.over + " > 1 THEN " + w.rename(c, "") + c.over + " END"
	}
	return w.rename(c, "") + c.over
}

// floatStatistic is what the macros of these names do, for OVER and DISTINCT.
func (w *writer) floatStatistic(c call) string {
	least := "1"
	if strings.HasSuffix(c.name, "_samp") || c.name == "stddev" || c.name == "variance" || c.name == "corr" {
		least = "2"
	}
	x := w.node(c.args[0])
	count := "count(" + w.distinct(c) + x + ")"
	value, finite := w.distinct(c)+"bq.finite("+x+")", "isfinite("+x+")"
	if len(c.args) == 2 {
		y := w.node(c.args[1])
		count = "regr_count(" + x + ", " + y + ")"
		value = "bq.finite(" + x + "), bq.finite(" + y + ")"
		finite = "bq.finite_pair(" + x + ", " + y + ")"
	}
	start := "CASE WHEN "
	if c.name == "corr" {
		start += count + c.over + " < 2 THEN NULL WHEN "
	}
	return start + count + c.over + " >= " + least + " AND NOT bool_and(" + finite + ")" + c.over +
		" THEN CAST('NaN' AS DOUBLE) ELSE " + c.name + "(" + value + ")" + c.over + " END"
}

func (w *writer) anyValue(c call) string {
	if c.order != nil || c.limit != nil || c.distinct || c.ignore || c.respect {
		w.plainAggregate(c)
		w.fail(c.node, "DISTINCT inside ANY_VALUE does not run on DuckDB", "leave it out")
	}
	if c.having == nil {
		return w.rename(c, "") + c.over
	}
	name := ""
	for _, word := range w.words(c.having) {
		switch word {
		case "MAX":
			name = "arg_max_null"
		case "MIN":
			name = "arg_min_null"
		}
	}
	if name == "" || len(c.having.Kids) != 1 {
		w.refuseKind(c.having)
	}
	return w.comments(c.node) + name + "(" + w.node(c.args[0]) + ", " + w.node(c.having.Kids[0]) + ")" + c.over
}

// topCount counts exactly; of values that are as frequent the lesser comes first.
func (w *writer) topCount(c call) string {
	w.plainAggregate(c)
	if c.distinct || c.over != "" {
		w.fail(c.node, "APPROX_TOP_COUNT with DISTINCT or OVER does not run on DuckDB", "count in a GROUP BY and keep the first by ROW_NUMBER")
	}
	if t := w.typeOf(c.args[0]).Kind; t == schemas.Float64 {
		w.fail(c.args[0], "APPROX_TOP_COUNT of FLOAT64 does not run on DuckDB", "cast to NUMERIC or STRING")
	}
	size, ok := w.isInteger(c.args[1])
	if !ok || size < 1 {
		w.fail(c.args[1], "the number of APPROX_TOP_COUNT must be a literal from 1 to run on DuckDB", "write a number")
	}
	return w.comments(c.node) + "bq.top_count(" + w.node(c.args[0]) + ", " + strconv.FormatInt(size, 10) + ")"
}

// approxCount counts exactly: DuckDB's approximation gave 10 for 9 values.
func (w *writer) approxCount(c call) string {
	w.plainAggregate(c)
	return w.comments(c.node) + "count(DISTINCT " + w.node(c.args[0]) + ")" + c.over
}

func (w *writer) approxQuantiles(c call) string {
	if c.distinct || c.order != nil || c.limit != nil || c.ignore || c.respect || c.over != "" {
		w.fail(c.node, "this form of APPROX_QUANTILES does not run on DuckDB", "write APPROX_QUANTILES(x, 100)")
	}
	parts, ok := w.isInteger(c.args[1])
	if !ok || parts < 1 || parts > 1000 {
		w.fail(c.args[1], "the number of APPROX_QUANTILES must be a literal from 1 to 1000 to run on DuckDB", "write a number")
	}
	at := make([]string, parts+1)
	for i := range at {
		at[i] = strconv.FormatFloat(float64(i)/float64(parts), 'g', -1, 64)
	}
	value := w.node(c.args[0])
	if w.mayBeNaN(c.args[0]) {
		value = "bq.not_nan(" + value + ")"
	}
	return w.comments(c.node) + "quantile_disc(" + value + ", [" + strings.Join(at, ", ") + "])"
}

// percentile writes PERCENTILE_CONT and PERCENTILE_DISC, which skip NULLs unless told.
func (w *writer) percentile(c call) string {
	if c.respect {
		w.fail(c.node, "RESPECT NULLS in "+strings.ToUpper(c.name)+" does not run on DuckDB", "leave it out")
	}
	if _, ok := w.number(c.args[1]); !ok {
		w.fail(c.args[1], "the fraction of "+strings.ToUpper(c.name)+" must be a literal to run on DuckDB", "write a number")
	}
	value, name := w.node(c.args[0]), "quantile_disc"
	if c.name == "percentile_cont" {
		if c.result.Kind != schemas.Float64 {
			w.fail(c.node, "PERCENTILE_CONT of NUMERIC does not run on DuckDB", "cast to FLOAT64")
		}
		value, name = "CAST("+value+" AS DOUBLE)", "quantile_cont"
	}
	if w.mayBeNaN(c.args[0]) {
		value = "bq.not_nan(" + value + ")"
	}
	return w.comments(c.node) + name + "(" + value + ", " + w.text[c.args[1].Start:c.args[1].End] + ")" + c.over
}

// arguments are the DISTINCT, the value and the ORDER BY of a list.
func (w *writer) arguments(c call, value string) string {
	text := value
	if c.distinct {
		text = "DISTINCT " + text
	}
	if c.order != nil {
		text += " " + w.node(c.order)
	}
	return text
}

func (w *writer) cut(c call, list string) string {
	if c.limit == nil {
		return list
	}
	count := firstKid(c.limit, "Limit")
	if count == nil || len(c.limit.Kids) != 1 || len(count.Kids) != 1 {
		w.fail(c.limit, "this LIMIT does not run on DuckDB", "write LIMIT and a number")
	}
	value, ok := w.isInteger(count.Kids[0])
	if !ok {
		w.fail(count, "the LIMIT in "+strings.ToUpper(c.name)+" must be a literal to run on DuckDB", "write a number")
	}
	return "(" + list + ")[1:" + strconv.FormatInt(value, 10) + "]"
}

func (w *writer) arrayAgg(c call) string {
	if c.over != "" && (c.limit != nil || c.order != nil) {
		w.fail(c.node, "ARRAY_AGG with ORDER BY or LIMIT and OVER does not run on DuckDB", "aggregate in a GROUP BY")
	}
	value := w.node(c.args[0])
	list := "list(" + w.arguments(c, value) + ")"
	if c.ignore {
		list += filter(wrap(c.args[0], value) + " IS NOT NULL")
	}
	return w.comments(c.node) + w.cut(c, list+c.over)
}

func (w *writer) stringAgg(c call) string {
	if c.ignore || c.respect {
		w.plainAggregate(c)
	}
	if w.typeOf(c.args[0]).Kind != schemas.String {
		w.fail(c.args[0], "STRING_AGG of BYTES does not run on DuckDB", "use STRING")
	}
	delimiter := ","
	if len(c.args) == 2 {
		delimiter = w.literal(c, 1, "delimiter")
	}
	value := w.node(c.args[0])
	if c.limit != nil {
		if c.over != "" {
			w.fail(c.limit, "STRING_AGG with LIMIT and OVER does not run on DuckDB", "aggregate in a GROUP BY")
		}
		list := "list(" + w.arguments(c, value) + ")" + filter(wrap(c.args[0], value)+" IS NOT NULL")
		return w.comments(c.node) + "array_to_string(" + w.cut(c, list) + ", " + stringText(delimiter) + ")"
	}
	text := value + ", " + stringText(delimiter)
	return w.comments(c.node) + "string_agg(" + w.arguments(c, text) + ")" + c.over
}
