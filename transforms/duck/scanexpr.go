package duck

import (
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// inScan writes the text of an expression of a scan, whose columns have ids.
func (w *writer) inScan(write func() string) string {
	direct, selects, from := w.low.direct, w.selects, w.from
	w.low.direct, w.selects, w.from = true, nil, nil
	defer func() { w.low.direct, w.selects, w.from = direct, selects, from }()
	return write()
}

// apart writes the text of a query within one that is written from its scans.
func (w *writer) apart(write func() string) string {
	direct := w.low.direct
	w.low.direct = false
	defer func() { w.low.direct = direct }()
	return write()
}

// expr writes an expression of a scan: from the author's text, or, where the
// analyzer made it, from its tree.
func (w *writer) expr(r *syntax.Resolved) string {
	return w.guarded(func() string { return w.exprOf(r) })
}

func (w *writer) exprOf(r *syntax.Resolved) string {
	if r.Kind == "Cast" && r.Start < 0 && len(r.Kids) == 1 && r.Type != nil {
		return w.implicitCast(r)
	}
	n := w.low.nodes[span{r.Start, r.End}]
	// A column of a query around this one keeps its text.
	outer := r.Kind == "ColumnRef" && n != nil && n.Kind == "PathExpression" && w.low.names[r.Columns[0].ID] == ""
	if n != nil && r.Start >= 0 && (r.Kind != "ColumnRef" || outer) {
		return w.local(r, func() string { return w.inScan(func() string { return w.node(n) }) })
	}
	return w.tree(r)
}

// local writes r with its own tree in sight.
func (w *writer) local(r *syntax.Resolved, write func() string) string {
	outer := w.low.local
	w.low.local = map[span]*syntax.Resolved{}
	defer func() { w.low.local = outer }()
	var index func(r *syntax.Resolved)
	index = func(r *syntax.Resolved) {
		at := span{r.Start, r.End}
		if _, ok := w.low.local[at]; !ok && r.Start >= 0 && r.Type != nil {
			w.low.local[at] = r
		}
		for _, kid := range r.Kids {
			index(kid)
		}
	}
	index(r)
	return write()
}

// computed writes an expression that a scan below has computed; "" if none has.
func (w *writer) computed(n *syntax.Node) string {
	r := w.low.local[spanOf(n)]
	if r == nil || r.Kind != "ColumnRef" || n.Kind == "PathExpression" || !isExpression(n.Kind) {
		return ""
	}
	return w.low.names[r.Columns[0].ID]
}

// operandOf writes an expression that stands beside an operator.
func (w *writer) operandOf(r *syntax.Resolved) string {
	text := w.expr(r)
	if n := w.low.nodes[span{r.Start, r.End}]; n != nil && r.Start >= 0 {
		return wrap(n, text)
	}
	return text
}

func (w *writer) implicitCast(r *syntax.Resolved) string {
	from, to := r.Kids[0], *r.Type
	if n := w.low.nodes[span{from.Start, from.End}]; n != nil && from.Start >= 0 && from.Kind != "ColumnRef" {
		return w.local(from, func() string { return w.inScan(func() string { return w.as(n, to) }) })
	}
	text := w.typed(w.expr(from), r)
	if from.Type == nil {
		w.failScan(from, "the type of this value is not known", "cast it")
	}
	return w.recast(w.low.at, text, *from.Type, to)
}

// recast writes a value of one type as another one to which GoogleSQL coerces it.
// Fields of STRUCTs keep their places; their names become those of the new type.
func (w *writer) recast(n *syntax.Node, text string, from, to schemas.Type) string {
	switch {
	case from.Equal(to):
		return text
	case from.Kind == schemas.Array && to.Kind == schemas.Array:
		name := w.newAlias("e")
		inner := w.recast(n, name, *from.Elem, *to.Elem)
		if inner == name {
			return text
		}
		return "list_transform(" + text + ", lambda " + name + ": " + inner + ")"
	case from.Kind == schemas.Struct && to.Kind == schemas.Struct && len(from.Fields) == len(to.Fields):
		name := w.newAlias("e")
		fields := make([]string, len(to.Fields))
		for i, f := range to.Fields {
			if f.Name == "" || from.Fields[i].Name == "" {
				w.fail(n, "a field of this STRUCT has no name", "write STRUCT(x AS name, …)")
			}
			fields[i] = stringText(f.Name) + ": " + w.recast(n, name+"."+quote(from.Fields[i].Name), from.Fields[i].Type, f.Type)
		}
		row := "{" + strings.Join(fields, ", ") + "}"
		return "list_transform([" + text + "], lambda " + name + ": CASE WHEN " + name + " IS NOT NULL THEN " + row + " END)[1]"
	}
	if !plainCast(from, to) && castForm(from.Kind, to.Kind) == "" {
		w.fail(n, "a value of "+from.String()+" as "+to.String()+" does not run on DuckDB", "cast it")
	}
	return "CAST(" + text + " AS " + w.duckType(n, to) + ")"
}

// treeForms are functions that the analyzer puts into queries itself.
var treeForms = map[string]string{
	"$not": "(NOT $1)", "$is_null": "($1 IS NULL)", "$is_not_distinct_from": "($1 IS NOT DISTINCT FROM $2)",
	"$is_distinct_from": "($1 IS DISTINCT FROM $2)", "$equal": "($1 = $2)", "if": "CASE WHEN $1 THEN $2 ELSE $3 END",
	"$array_at_offset": "bq.at_offset($1, $2)",
}

// tree writes an expression that has no text of its own.
func (w *writer) tree(r *syntax.Resolved) string {
	switch r.Kind {
	case "ColumnRef":
		if name := w.low.names[r.Columns[0].ID]; name != "" {
			return name
		}
		w.failScan(r, "column "+r.Columns[0].Name+" cannot be followed here", "give it an alias in the step before")
	case "Literal":
		return w.value(r)
	case "GetStructField":
		if of := r.Kids[0]; of.Type != nil && !uniqueFields(*of.Type) {
			w.failScan(r, "a STRUCT whose fields have no names of their own does not run on DuckDB", "write STRUCT(x AS name, …)")
		}
		return "(" + w.expr(r.Kids[0]) + ")." + quote(r.Attr)
	case "MakeStruct":
		if r.Type == nil || r.Type.Kind != schemas.Struct || len(r.Type.Fields) != len(r.Kids) || len(r.Kids) == 0 || !uniqueFields(*r.Type) {
			w.failScan(r, "this STRUCT has fields without names of their own", "write STRUCT(x AS name, …)")
		}
		fields := make([]string, len(r.Kids))
		for i, kid := range r.Kids {
			fields[i] = stringText(r.Type.Fields[i].Name) + ": " + w.typed(w.expr(kid), kid)
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case "SubqueryExpr":
		return w.treeSubquery(r)
	case "FunctionCall":
		return w.treeCall(r)
	case "AggregateFunctionCall":
		return w.treeAggregate(r)
	}
	w.failScan(r, "this expression does not run on DuckDB here", "write it in a step of its own")
	return ""
}

func uniqueFields(t schemas.Type) bool {
	seen := map[string]bool{"": true}
	for _, f := range t.Fields {
		if seen[strings.ToLower(f.Name)] {
			return false
		}
		seen[strings.ToLower(f.Name)] = true
	}
	return true
}

// value writes a literal that the analyzer made.
func (w *writer) value(r *syntax.Resolved) string {
	switch kind := r.Type.Kind; {
	case r.Mode == "NULL":
		return w.typed("NULL", r)
	case kind == schemas.Int64:
		return r.Mode + "::BIGINT"
	case kind == schemas.Bool:
		return r.Mode
	case kind == schemas.String:
		if text, ok := unquote(r.Mode); ok {
			return stringText(text)
		}
	case kind == schemas.Date:
		return "DATE " + stringText(r.Mode)
	}
	w.failScan(r, "this value does not run on DuckDB here", "write it in a step of its own")
	return ""
}

func (w *writer) treeSubquery(r *syntax.Resolved) string {
	scan := firstScan(r)
	prefix := map[string]string{"Scalar": "", "Exists": "EXISTS", "Array": "ARRAY"}
	word, ok := prefix[r.Attr]
	if !ok || scan == nil {
		w.failScan(r, "this subquery does not run on DuckDB here", "write it in a step of its own")
	}
	return word + "(" + w.rows(scan) + ")"
}

func (w *writer) treeCall(r *syntax.Resolved) string {
	args := make([]string, len(r.Kids))
	for i, kid := range r.Kids {
		args[i] = w.operandOf(kid)
	}
	switch r.Attr {
	case "$and":
		return "(" + strings.Join(args, " AND ") + ")"
	case "$or":
		return "(" + strings.Join(args, " OR ") + ")"
	case "coalesce":
		return "coalesce(" + strings.Join(args, ", ") + ")"
	case "$make_array":
		return "[" + strings.Join(args, ", ") + "]"
	}
	form, ok := treeForms[r.Attr]
	if !ok {
		w.failScan(r, "the function "+strings.ToUpper(strings.TrimPrefix(r.Attr, "$"))+" does not run on DuckDB here", "write it in a step of its own")
	}
	if r.Attr == "$equal" && r.Kids[0].Type != nil && r.Kids[0].Type.Kind == schemas.Float64 {
		form = "bq.eq($1, $2)" // NaN equals nothing
	}
	pairs := []string{}
	for i, text := range args {
		pairs = append(pairs, "$"+string(rune('1'+i)), text)
	}
	return strings.NewReplacer(pairs...).Replace(form)
}

// treeAggregate writes the aggregates of PIVOT.
func (w *writer) treeAggregate(r *syntax.Resolved) string {
	var args []string
	var order []*syntax.Resolved
	for _, kid := range r.Kids {
		if kid.Kind == "OrderByItem" {
			order = append(order, kid)
			continue
		}
		args = append(args, w.expr(kid))
	}
	limit := ""
	if strings.Contains(r.Mode, "LIMIT") {
		limit = strings.TrimSuffix(args[len(args)-1], "::BIGINT")
		args = args[:len(args)-1]
	}
	if len(args) == 0 || len(args) > 1 && r.Attr != "string_agg" {
		w.failScan(r, strings.ToUpper(r.Attr)+" does not run on DuckDB here", "aggregate in a step of its own")
	}
	inside := args[0]
	if strings.Contains(r.Mode, "DISTINCT") {
		inside = "DISTINCT " + inside
	}
	if order != nil {
		args = append(args, w.orderOf(order))
	}
	list := func() string {
		text := inside
		if order != nil {
			text += " " + args[len(args)-1]
		}
		text = "list(" + text + ")"
		if strings.Contains(r.Mode, "IGNORE NULLS") || r.Attr == "string_agg" {
			text += filter(args[0] + " IS NOT NULL")
		}
		if limit != "" {
			text = "(" + text + ")[1:" + limit + "]"
		}
		return text
	}
	switch r.Attr {
	case "countif":
		return "count(*)" + filter(args[0])
	case "array_agg":
		return list()
	case "string_agg":
		delimiter := "','"
		if len(args) > 1 && args[1] != args[0] && !strings.HasPrefix(args[1], "ORDER BY") {
			delimiter = args[1]
		}
		return "array_to_string(" + list() + ", " + delimiter + ")"
	}
	if order != nil || limit != "" {
		w.failScan(r, "ORDER BY in "+strings.ToUpper(r.Attr)+" does not run on DuckDB here", "aggregate in a step of its own")
	}
	name, ok := map[string]string{
		"count": "count", "min": "min", "max": "max", "any_value": "any_value", "sum": "sum", "avg": "avg",
		"logical_or": "bool_or", "logical_and": "bool_and", "bit_and": "bit_and", "bit_or": "bit_or", "bit_xor": "bit_xor",
	}[r.Attr]
	if !ok {
		w.failScan(r, strings.ToUpper(r.Attr)+" does not run on DuckDB here", "aggregate in a step of its own")
	}
	text := name + "(" + inside + ")"
	switch {
	case name == "min" && r.Type.Kind == schemas.Float64:
		return "(-max(" + strings.TrimSuffix(inside, args[0]) + "-(" + args[0] + ")))" // see aggregate
	case name == "sum" && r.Type.Kind == schemas.Numeric:
		return "bq.in_numeric(" + text + ")"
	case name == "avg" && r.Type.Kind == schemas.Numeric:
		return "bq.numeric_avg(sum(" + inside + "), count(" + inside + "))"
	case r.Type.Kind == schemas.Int64 || r.Type.Kind == schemas.Numeric:
		return "CAST(" + text + " AS " + w.duckType(w.low.at, *r.Type) + ")"
	}
	return text
}

// lowPath writes a path whose column a scan made; "" if it is none.
func (w *writer) lowPath(n *syntax.Node, names []string, r *syntax.Resolved) string {
	if r == nil && w.low.direct {
		r = w.low.ordered[n.Start]
	}
	depth, root := 0, r
	for root != nil && root.Kind == "GetStructField" && len(root.Kids) > 0 {
		depth, root = depth+1, root.Kids[0]
	}
	if root != nil && depth <= len(names) {
		switch {
		case root.Kind == "ColumnRef" && w.low.names[root.Columns[0].ID] != "":
			text := w.low.names[root.Columns[0].ID]
			for _, field := range names[len(names)-depth:] {
				text += "." + quote(field)
			}
			return text
		case root.Kind == "MakeStruct" && w.low.direct && w.low.nodes[span{root.Start, root.End}] == n:
			text := w.tree(root)
			for _, field := range names[len(names)-depth:] {
				text = "(" + text + ")." + quote(field)
			}
			return text
		}
	}
	if w.low.direct && (root == nil || root.Kind != "ColumnRef") {
		w.fail(n, "this name cannot be followed here", "write it in a step of its own")
	}
	return ""
}
