package duck

import (
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// operand writes an expression that stands beside an operator this package wrote.
func (w *writer) operand(n *syntax.Node) string { return wrap(n, w.plain(n)) }

func wrap(n *syntax.Node, text string) string {
	switch n.Kind {
	case "BinaryExpression", "BitwiseShiftExpression", "UnaryExpression", "AndExpr", "OrExpr", "BetweenExpression", "InExpression",
		"CaseValueExpression", "CaseNoValueExpression":
		return "(" + text + ")"
	}
	return text
}

// isLiteral reports whether an expression is a number as written.
func isNumber(n *syntax.Node) bool {
	return n.Kind == "IntLiteral" || n.Kind == "UnaryExpression" && len(n.Kids) == 1 && isNumber(n.Kids[0])
}

// unified writes expressions that have one type together, e.g. the arguments of
// COALESCE: integers stay as written if something else decides the type.
func (w *writer) unified(nodes []*syntax.Node) []string {
	decided := slices.ContainsFunc(nodes, func(n *syntax.Node) bool { return !isNumber(n) && n.Kind != "NullLiteral" })
	texts := make([]string, len(nodes))
	for i, n := range nodes {
		if decided && w.typeWanted(n).Kind != schemas.Numeric {
			texts[i] = w.plain(n)
		} else {
			texts[i] = w.node(n)
		}
	}
	return texts
}

func (w *writer) binary(n *syntax.Node) string {
	if len(n.Kids) < 2 {
		w.refuseKind(n)
	}
	w.reviewed(n, "expr", "Location", "IntervalExpr")
	left, right := n.Kids[0], n.Kids[len(n.Kids)-1]
	switch n.Attr {
	case "=", "!=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM":
		if isComposite(w.typeOf(left)) || isComposite(w.typeOf(right)) {
			return w.composite(n, left, right, n.Attr)
		}
		if w.typeOf(left).Kind == schemas.Interval || w.typeOf(right).Kind == schemas.Interval {
			return w.compareIntervals(n, left, right)
		}
		w.comparable(n, left, right)
		if text := w.compareFloats(n, left, right); text != "" {
			return text
		}
		return w.copyPlain(n, left, right)
	case "IS", "IS NOT":
		return w.copy(n)
	case "LIKE", "NOT LIKE":
		return w.like(n, right)
	case "+", "-":
		return w.add(n, left, right)
	case "*":
		return w.multiply(n, left, right)
	case "/":
		return w.divide(n, left, right)
	case "||":
		return w.copyWith(n, func(kid *syntax.Node) string {
			if kid.Kind == "BinaryExpression" && kid.Attr == "||" {
				return w.node(kid)
			}
			return wrap(kid, w.node(kid))
		})
	case "&", "|":
		return w.copyWith(n, w.operand)
	case "^":
		return w.comments(n) + "xor(" + w.node(left) + ", " + w.node(right) + ")"
	}
	w.fail(n, "the operator "+n.Attr+" does not run on DuckDB", "write it with a function")
	return ""
}

// copyPlain copies an operator whose integers take the type of the other side.
func (w *writer) copyPlain(n, left, right *syntax.Node) string {
	if isNumber(left) && isNumber(right) {
		return w.copy(n)
	}
	return w.copyWith(n, w.plain)
}

// comparable refuses comparisons that have another meaning in DuckDB.
func (w *writer) comparable(n, left, right *syntax.Node) {
	for _, side := range []*syntax.Node{left, right} {
		switch w.typeOf(side).Kind {
		case schemas.Struct:
			w.fail(n, "comparing STRUCTs does not run on DuckDB, which compares them by field name", "compare the fields")
		case schemas.Array:
			w.fail(n, "comparing ARRAYs does not run on DuckDB, which treats NULL elements otherwise", "compare TO_JSON_STRING(x)")
		case schemas.JSON:
			w.fail(n, "comparing JSON does not run on DuckDB", "compare JSON_VALUE(x, '$.name')")
		case schemas.Interval:
			w.fail(n, "comparing INTERVALs does not run on DuckDB", "compare DATE_DIFF or TIMESTAMP_DIFF")
		}
	}
}

// mayBeNaN reports whether an expression is a FLOAT64 other than a literal.
func (w *writer) mayBeNaN(n *syntax.Node) bool {
	if _, isNumber := w.number(n); isNumber || n.Kind == "NullLiteral" {
		return false
	}
	if n.Kind == "UnaryExpression" && len(n.Kids) == 1 && n.Attr != "NOT" {
		return w.mayBeNaN(n.Kids[0])
	}
	return w.typeOf(n).Kind == schemas.Float64
}

// compareFloats writes a comparison that DuckDB answers otherwise for NaN; "" for
// one that it answers alike.
func (w *writer) compareFloats(n, left, right *syntax.Node) string {
	type form struct {
		macro string
		swap  bool
	}
	forms := map[string]form{
		"=": {"eq", false}, "!=": {"ne", false}, "<>": {"ne", false},
		">": {"gt", false}, ">=": {"ge", false}, "<": {"gt", true}, "<=": {"ge", true},
	}
	f, ok := forms[n.Attr]
	if !ok {
		return ""
	}
	if f.swap {
		left, right = right, left
	}
	if !w.mayBeNaN(left) || (f.macro == "eq" || f.macro == "ne") && !w.mayBeNaN(right) {
		return ""
	}
	return w.comments(n) + "bq." + f.macro + "(" + w.plain(left) + ", " + w.plain(right) + ")"
}

func (w *writer) like(n, pattern *syntax.Node) string {
	text := w.copy(n)
	if value, ok := w.constant(pattern); ok && !strings.Contains(value, `\`) {
		return text
	}
	return text + ` ESCAPE '\'`
}

func isTime(k schemas.Kind) bool {
	return k == schemas.Date || k == schemas.Timestamp || k == schemas.Datetime || k == schemas.Time
}

func (w *writer) add(n, left, right *syntax.Node) string {
	l, r := w.typeOf(left).Kind, w.typeOf(right).Kind
	switch {
	case right.Kind == "IntervalExpr" && isTime(l):
		w.refuseMonths(right, l)
		return w.inTime(l, w.operand(left)+" "+n.Attr+" "+w.interval(right))
	case left.Kind == "IntervalExpr" && isTime(r) && n.Attr == "+":
		w.refuseMonths(left, r)
		return w.inTime(r, w.operand(right)+" + "+w.interval(left))
	case l == schemas.Interval || r == schemas.Interval:
		return w.addIntervals(n, left, right)
	case isTime(l) && isTime(r):
		return w.timeBetween(n, left, right)
	case l == schemas.Date:
		return "bq.in_date(" + w.operand(left) + " " + n.Attr + " " + w.days(right) + ")"
	case r == schemas.Date:
		return "bq.in_date(" + w.operand(right) + " + " + w.days(left) + ")"
	}
	return w.copyPlain(n, left, right)
}

// refuseMonths refuses months beside a TIMESTAMP, which are a fault in GoogleSQL.
func (w *writer) refuseMonths(interval *syntax.Node, kind schemas.Kind) {
	if kind != schemas.Timestamp || len(interval.Kids) < 2 {
		return
	}
	if part := w.part(interval.Kids[1]); part == "MONTH" || part == "QUARTER" || part == "YEAR" {
		w.fail(interval, "a TIMESTAMP has no "+part+" to add", "write TIMESTAMP(DATETIME(ts) + INTERVAL 1 MONTH)")
	}
}

// inTime writes a sum with an interval, which faults beyond the years 1 and 9999.
func (w *writer) inTime(kind schemas.Kind, sum string) string {
	if kind == schemas.Time {
		return "(" + sum + ")"
	}
	return "bq.in_timestamp(" + sum + ")"
}

// days is a number of days that DuckDB can add to a DATE.
func (w *writer) days(n *syntax.Node) string {
	if isNumber(n) {
		return w.plain(n)
	}
	return "CAST(" + w.node(n) + " AS INTEGER)"
}

func (w *writer) multiply(n, left, right *syntax.Node) string {
	if w.typeOf(left).Kind == schemas.Interval || w.typeOf(right).Kind == schemas.Interval {
		w.fail(n, "a product of an INTERVAL does not run on DuckDB", "write INTERVAL n DAY with another n")
	}
	fraction := func(n *syntax.Node) bool {
		t := w.typeOf(n).Kind
		return t == schemas.Numeric && !isNumber(n)
	}
	if w.typeOf(n).Kind == schemas.Numeric && fraction(left) && fraction(right) {
		// Both have nine digits behind the point, the product would have eighteen.
		return "CAST(" + w.copyPlain(n, left, right) + " AS " + w.duckType(n, w.typeOf(n)) + ")"
	}
	return w.copyPlain(n, left, right)
}

func (w *writer) divide(n, left, right *syntax.Node) string {
	if w.typeOf(left).Kind == schemas.Interval {
		w.fail(n, "a quotient of an INTERVAL does not run on DuckDB", "write INTERVAL n DAY with another n")
	}
	if w.typeOf(n).Kind == schemas.Numeric {
		return w.comments(n) + "bq.numeric_div(" + w.plain(left) + ", " + w.plain(right) + ")"
	}
	if value, ok := w.number(right); ok && value >= 1 {
		return w.copyWith(n, w.plain)
	}
	return w.comments(n) + "bq.div(" + w.plain(left) + ", " + w.plain(right) + ")"
}

// number is the value of a literal number.
func (w *writer) number(n *syntax.Node) (float64, bool) {
	switch n.Kind {
	case "IntLiteral":
		value, ok := w.isInteger(n)
		return float64(value), ok
	case "FloatLiteral":
		value, err := strconv.ParseFloat(w.text[n.Start:n.End], 64)
		return value, err == nil
	}
	return 0, false
}

func (w *writer) shift(n *syntax.Node) string {
	w.reviewed(n, "expr", "Location")
	return w.copyWith(n, func(kid *syntax.Node) string {
		if kid.Kind == "Location" {
			return w.text[kid.Start:kid.End]
		}
		return wrap(kid, w.node(kid))
	})
}

func (w *writer) unary(n *syntax.Node) string {
	w.reviewed(n, "expr")
	switch n.Attr {
	case "NOT", "+", "-", "~":
		if len(n.Kids) == 1 && n.Attr == "-" && n.Kids[0].Kind == "IntLiteral" {
			if t := w.typeWanted(n); t.Kind == schemas.Numeric {
				return "CAST(-" + w.integer(n.Kids[0]) + " AS " + w.duckType(n, t) + ")"
			} else if t.Kind == schemas.Float64 {
				return "-" + w.integer(n.Kids[0]) + "e0"
			}
			return "(-" + w.integer(n.Kids[0]) + ")::BIGINT"
		}
		return w.copy(n)
	case "IS TRUE", "IS FALSE", "IS NOT TRUE", "IS NOT FALSE", "IS NULL", "IS NOT NULL", "IS UNKNOWN", "IS NOT UNKNOWN":
		return w.copy(n)
	}
	w.fail(n, "the operator "+n.Attr+" does not run on DuckDB", "write it in another way")
	return ""
}

func (w *writer) between(n *syntax.Node) string {
	w.reviewed(n, "expr", "Location")
	w.comparable(n, n.Kids[0], n.Kids[len(n.Kids)-1])
	if slices.ContainsFunc(n.Kids[1:], w.mayBeNaN) || w.mayBeNaN(n.Kids[0]) && slices.ContainsFunc(n.Kids[1:], isNull) {
		return w.floatBetween(n)
	}
	return w.copyWith(n, func(kid *syntax.Node) string {
		if kid.Kind == "Location" {
			return w.text[kid.Start:kid.End]
		}
		return w.plain(kid)
	})
}

func (w *writer) subquery(n *syntax.Node) string {
	w.reviewed(n, "Query")
	switch n.Attr {
	case "", "modifier=EXISTS", "modifier=ARRAY":
		if len(n.Kids) == 1 {
			if one := firstKid(n.Kids[0], "Select"); one != nil {
				w.values[one] = n.Attr != "modifier=EXISTS"
			}
		}
		return w.copy(n)
	}
	w.fail(n, "this subquery does not run on DuckDB", "use IN, EXISTS or ARRAY")
	return ""
}

// arrayConstructor writes [a, b] and ARRAY<T>[a, b].
func (w *writer) arrayConstructor(n *syntax.Node) string {
	w.reviewed(n, "expr", "ArrayType")
	t := w.typeWanted(n)
	if t.Kind != schemas.Array {
		w.fail(n, "the type of this array is not known", "write ARRAY<T>[…]")
	}
	return w.arrayAs(n, t)
}

func (w *writer) arrayAs(n *syntax.Node, t schemas.Type) string {
	typed := firstKid(n, "ArrayType")
	text := w.comments(n) + "["
	first := true
	for _, kid := range n.Kids {
		if kid == typed {
			continue
		}
		if !first {
			text += ", "
		}
		if t.Elem.Kind == schemas.Int64 && (typed != nil || !first) {
			text += w.plain(kid)
		} else {
			text += w.as(kid, *t.Elem)
		}
		first = false
	}
	if typed != nil || first {
		return "CAST(" + text + "] AS " + w.duckType(n, t) + ")"
	}
	return text + "]"
}

// as writes an expression as a value of type t: the fields of a STRUCT take the
// names of t, because DuckDB matches them by name and GoogleSQL by position.
func (w *writer) as(n *syntax.Node, t schemas.Type) string {
	switch n.Kind {
	case "StructConstructorWithKeyword", "StructConstructorWithParens":
		if t.Kind == schemas.Struct {
			return w.structAs(n, t)
		}
	case "ArrayConstructor":
		if t.Kind == schemas.Array {
			return w.arrayAs(n, t)
		}
	case "NullLiteral":
		return w.node(n)
	case "IntLiteral", "FloatLiteral", "StringLiteral":
		w.wanted[spanOf(n)] = t
		return w.node(n)
	case "UnaryExpression":
		if isNumber(n) || len(n.Kids) == 1 && n.Kids[0].Kind == "FloatLiteral" {
			w.wanted[spanOf(n)], w.wanted[spanOf(n.Kids[0])] = t, t
			return w.node(n)
		}
	}
	if own := w.typeOf(n); hasStruct(t) && hasStruct(own) && !sameNames(own, t) {
		return w.recast(n, w.node(n), own, t)
	}
	text := w.node(n)
	if own := w.typeOf(n); own.Kind != t.Kind && (t.Kind == schemas.Float64 || t.Kind == schemas.Numeric) {
		text = "CAST(" + text + " AS " + w.duckType(n, t) + ")"
	}
	return text
}

func (w *writer) structConstructor(n *syntax.Node) string {
	t := w.typeWanted(n)
	if t.Kind != schemas.Struct {
		w.fail(n, "the type of this STRUCT is not known", "write STRUCT<name T>(…)")
	}
	return w.structAs(n, t)
}

func (w *writer) structAs(n *syntax.Node, t schemas.Type) string {
	w.reviewed(n, "expr", "StructConstructorArg", "StructType")
	typed := firstKid(n, "StructType") != nil
	names := t.FieldNames()
	var fields []string
	for _, kid := range n.Kids {
		if kid.Kind == "StructType" {
			continue
		}
		value := kid
		if kid.Kind == "StructConstructorArg" {
			w.reviewed(kid, "expr", "Alias")
			value = kid.Kids[0]
		}
		i := len(fields)
		if i >= len(t.Fields) {
			w.fail(kid, "this STRUCT has more fields than its type", "write STRUCT(x AS name, …)")
		}
		if strings.ContainsRune(names[i], 0) {
			w.fail(kid, "a field of this STRUCT has a name with a zero byte", "write STRUCT(x AS name, …)")
		}
		text := w.as(value, t.Fields[i].Type)
		if (typed || value.Kind == "NullLiteral") && !hasStruct(t.Fields[i].Type) {
			text = "CAST(" + text + " AS " + w.duckType(kid, t.Fields[i].Type) + ")"
		}
		fields = append(fields, stringText(names[i])+": "+text)
	}
	if len(fields) == 0 {
		w.fail(n, "a STRUCT without fields does not run on DuckDB", "give it a field")
	}
	return w.comments(n) + "{" + strings.Join(fields, ", ") + "}"
}

// arrayElement writes array[OFFSET(i)] and its kin.
func (w *writer) arrayElement(n *syntax.Node) string {
	w.reviewed(n, "expr", "Location")
	array, at := n.Kids[0], n.Kids[len(n.Kids)-1]
	if w.typeOf(array).Kind == schemas.JSON {
		return w.jsonElement(n, array, at)
	}
	if w.typeOf(array).Kind != schemas.Array {
		w.fail(n, "[] of a "+w.typeOf(array).String()+" does not run on DuckDB", "write JSON_VALUE(x, '$.name')")
	}
	if at.Kind != "FunctionCall" || len(at.Kids) != 2 {
		w.fail(at, "an array index needs its base", "write [OFFSET(0)] or [SAFE_OFFSET(0)]")
	}
	name, index := w.functionName(at), at.Kids[1]
	base := strings.TrimPrefix(name, "safe_")
	if base != "offset" && base != "ordinal" {
		w.fail(at, "an array index needs its base", "write [OFFSET(0)] or [SAFE_OFFSET(0)]")
	}
	value, isLiteral := w.isInteger(index)
	if name == base {
		return w.comments(n) + "bq.at_" + base + "(" + w.node(array) + ", " + w.plain(index) + ")"
	}
	if base == "offset" {
		value++
	}
	if isLiteral && value > 0 {
		return w.comments(n) + "(" + w.node(array) + ")[" + strconv.FormatInt(value, 10) + "]"
	}
	return w.comments(n) + "bq.safe_" + base + "(" + w.node(array) + ", " + w.plain(index) + ")"
}
