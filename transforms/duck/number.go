package duck

import (
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// numberFunctions are those of numbers, and the conditional ones.
var numberFunctions = map[string]rule{
	"abs":           {min: 1, max: 1},
	"sign":          {min: 1, max: 1, write: (*writer).sign},
	"sqrt":          {min: 1, max: 1},
	"cbrt":          {min: 1, max: 1},
	"exp":           {min: 1, max: 1},
	"ln":            {min: 1, max: 1},
	"log10":         {min: 1, max: 1},
	"log":           {min: 1, max: 2, write: (*writer).log},
	"pow":           {min: 2, max: 2},
	"power":         {min: 2, max: 2},
	"sin":           {min: 1, max: 1},
	"cos":           {min: 1, max: 1},
	"tan":           {min: 1, max: 1},
	"asin":          {min: 1, max: 1},
	"acos":          {min: 1, max: 1},
	"atan":          {min: 1, max: 1},
	"atan2":         {min: 2, max: 2},
	"pi":            {min: 0, max: 0},
	"is_nan":        {min: 1, max: 1, text: "isnan"},
	"is_inf":        {min: 1, max: 1, text: "isinf"},
	"round":         {min: 1, max: 3, write: (*writer).round},
	"ceil":          {min: 1, max: 1, write: (*writer).round},
	"ceiling":       {min: 1, max: 1, write: (*writer).round},
	"floor":         {min: 1, max: 1, write: (*writer).round},
	"trunc":         {min: 1, max: 1, write: (*writer).round},
	"div":           {min: 2, max: 2, write: (*writer).div},
	"mod":           {min: 2, max: 2, text: "bq.mod"},
	"safe_divide":   {min: 2, max: 2, write: (*writer).safeDivide},
	"ieee_divide":   {min: 2, max: 2, text: "(CAST($1 AS DOUBLE) / CAST($2 AS DOUBLE))"},
	"safe_add":      {min: 2, max: 2, write: (*writer).safeArithmetic},
	"safe_subtract": {min: 2, max: 2, write: (*writer).safeArithmetic},
	"safe_multiply": {min: 2, max: 2, write: (*writer).safeArithmetic},
	"safe_negate":   {min: 1, max: 1, write: (*writer).safeNegate},
	"bit_count":     {min: 1, max: 1, text: "CAST(bit_count($1) AS BIGINT)"},
	"greatest":      {min: 1, max: 8, write: (*writer).extreme},
	"least":         {min: 1, max: 8, write: (*writer).extreme},
	"if":            {min: 3, max: 3, bytes: true, json: true, write: (*writer).ifElse},
	"ifnull":        {min: 2, max: 2, bytes: true, json: true, write: (*writer).coalesce},
	"coalesce":      {min: 1, max: 99, bytes: true, json: true, write: (*writer).coalesce},
	"nullif":        {min: 2, max: 2, bytes: true, write: (*writer).nullIf},
	"nullifzero":    {min: 1, max: 1, text: "NULLIF($1, 0)"},
	"zeroifnull":    {min: 1, max: 1, text: "COALESCE($1, 0)"},
	"error":         {min: 1, max: 1, write: (*writer).errorCall},
	"nulliferror":   {min: 1, max: 1, bytes: true, write: (*writer).nullIfError},
	"range_bucket":  {min: 2, max: 2, text: "bq.range_bucket"},
}

// sign keeps the type: DuckDB's has 8 bits.
func (w *writer) sign(c call) string {
	return "CAST(" + w.rename(c, "") + " AS " + w.duckType(c.node, c.result) + ")"
}

func (w *writer) log(c call) string {
	if len(c.args) == 1 {
		return w.rename(c, "ln")
	}
	return w.comments(c.node) + "log(" + w.node(c.args[1]) + ", " + w.node(c.args[0]) + ")"
}

// round writes ROUND and its kin, which keep DuckDB's integers integers.
func (w *writer) round(c call) string {
	name := map[string]string{"ceiling": "ceil"}[c.name]
	if name == "" {
		name = c.name
	}
	if len(c.args) == 3 {
		return w.roundBy(c)
	}
	if len(c.args) == 2 && c.result.Kind != schemas.Float64 {
		if _, ok := w.isInteger(c.args[1]); !ok {
			w.fail(c.args[1], "the digits of "+strings.ToUpper(c.name)+" must be a literal to run on DuckDB", "write a number")
		}
	}
	value := w.node(c.args[0])
	rest := ""
	if len(c.args) == 2 {
		rest = ", " + w.plain(c.args[1])
		if _, ok := w.isInteger(c.args[1]); !ok {
			rest = ", CAST(" + w.node(c.args[1]) + " AS INTEGER)"
		}
	}
	switch c.result.Kind {
	case schemas.Numeric:
		return w.comments(c.node) + "CAST(" + name + "(" + value + rest + ") AS " + w.duckType(c.node, c.result) + ")"
	default:
		if w.typeOf(c.args[0]).Kind != schemas.Float64 {
			value = "CAST(" + value + " AS DOUBLE)"
		}
		return w.comments(c.node) + name + "(" + value + rest + ")"
	}
}

// roundBy writes ROUND of a NUMERIC with a mode.
func (w *writer) roundBy(c call) string {
	mode, isText := w.constant(c.args[2])
	digits, isNumber := w.isInteger(c.args[1])
	switch {
	case !isText || c.result.Kind != schemas.Numeric:
		w.fail(c.args[2], "the mode of ROUND must be a literal to run on DuckDB", "write 'ROUND_HALF_EVEN' or leave it out")
	case !isNumber:
		w.fail(c.args[1], "the digits of ROUND must be a literal to run on DuckDB", "write a number")
	case strings.EqualFold(mode, "ROUND_HALF_AWAY_FROM_ZERO"):
		return w.comments(c.node) + "CAST(round(" + w.node(c.args[0]) + ", " + w.plain(c.args[1]) + ") AS " + w.duckType(c.node, c.result) + ")"
	case !strings.EqualFold(mode, "ROUND_HALF_EVEN"):
		w.fail(c.args[2], "ROUND knows no mode "+mode, "write 'ROUND_HALF_EVEN' or 'ROUND_HALF_AWAY_FROM_ZERO'")
	case digits >= 9:
		return w.comments(c.node) + w.node(c.args[0])
	case digits < -28:
		w.fail(c.args[1], "ROUND with so few digits does not run on DuckDB", "write a number from -28")
	}
	unit := "1" + strings.Repeat("0", int(9-digits))
	return w.comments(c.node) + "bq.round_half_even(" + w.node(c.args[0]) + ", CAST('" + unit + "' AS HUGEINT))"
}

func (w *writer) nullIfError(c call) string {
	if contains(c.node, "ExpressionSubquery") {
		w.fail(c.node, "NULLIFERROR of a subquery does not run on DuckDB", "compute the subquery in a CTE")
	}
	if w.aggregates(c.args[0]) {
		w.fail(c.node, "NULLIFERROR of an aggregate does not run on DuckDB", "aggregate in a CTE")
	}
	return w.comments(c.node) + "TRY(" + w.node(c.args[0]) + ")"
}

func (w *writer) div(c call) string {
	if c.result.Kind == schemas.Numeric {
		return w.rename(c, "bq.numeric_idiv")
	}
	return w.rename(c, "bq.idiv")
}

func (w *writer) safeNegate(c call) string {
	w.refuseFaults(c.args)
	return w.comments(c.node) + "TRY(-(" + w.node(c.args[0]) + "))"
}

// safeArithmetic writes SAFE_ADD and its kin: NULL where the operator faults.
func (w *writer) safeArithmetic(c call) string {
	w.refuseFaults(c.args)
	operator := map[string]string{"safe_add": " + ", "safe_subtract": " - ", "safe_multiply": " * "}[c.name]
	a, b := wrap(c.args[0], w.node(c.args[0])), wrap(c.args[1], w.node(c.args[1]))
	switch c.result.Kind {
	case schemas.Float64:
		return w.comments(c.node) + "bq.safe_finite(" + a + operator + b + ", CAST(" + a + " AS DOUBLE), CAST(" + b + " AS DOUBLE))"
	case schemas.Numeric:
		return w.comments(c.node) + "TRY(CAST(" + a + operator + b + " AS " + w.duckType(c.node, c.result) + "))"
	}
	return w.comments(c.node) + "TRY(" + a + operator + b + ")"
}

// nullIf compares as = does.
func (w *writer) nullIf(c call) string {
	if w.mayBeNaN(c.args[0]) && w.mayBeNaN(c.args[1]) {
		first := w.node(c.args[0])
		return w.comments(c.node) + "CASE WHEN bq.eq(" + first + ", " + w.node(c.args[1]) + ") THEN NULL ELSE " + first + " END"
	}
	w.comparable(c.node, c.args[0], c.args[1])
	return w.rename(c, "")
}

func (w *writer) safeDivide(c call) string {
	if c.result.Kind == schemas.Numeric {
		return w.rename(c, "bq.numeric_safe_divide")
	}
	return w.rename(c, "bq.safe_divide")
}

// extreme is NULL if any argument is; DuckDB's own skips NULLs.
func (w *writer) extreme(c call) string {
	if len(c.args) == 1 {
		return w.node(c.args[0])
	}
	if c.name == "least" && c.result.Kind == schemas.Float64 {
		// NaN is the least of all, too: the negated greatest of the negated values.
		texts := make([]string, len(c.args))
		for i, arg := range c.args {
			texts[i] = "-(" + w.node(arg) + ")"
		}
		return w.comments(c.node) + "(-bq.greatest(" + strings.Join(texts, ", ") + "))"
	}
	return w.rename(c, "bq."+c.name)
}

func (w *writer) ifElse(c call) string {
	t := w.typeWanted(c.node)
	branches := w.unifiedAs(c.args[1:], t)
	return w.comments(c.node) + "CASE WHEN " + w.node(c.args[0]) + " THEN " + branches[0] + " ELSE " + branches[1] + " END"
}

func (w *writer) coalesce(c call) string {
	texts := w.unifiedAs(c.args, w.typeWanted(c.node))
	if len(c.args) == 1 {
		return texts[0]
	}
	written := map[*syntax.Node]string{}
	for i, arg := range c.args {
		written[arg] = texts[i]
	}
	path := firstKid(c.node, "PathExpression")
	return w.copyWith(c.node, func(kid *syntax.Node) string {
		if kid == path {
			if strings.EqualFold(c.name, "coalesce") {
				return w.text[kid.Start:kid.End]
			}
			return "coalesce"
		}
		return written[kid]
	})
}

// unifiedAs is unified for values that may be STRUCTs.
func (w *writer) unifiedAs(nodes []*syntax.Node, t schemas.Type) []string {
	if !hasStruct(t) {
		return w.unified(nodes)
	}
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		texts[i] = w.as(n, t)
	}
	return texts
}
