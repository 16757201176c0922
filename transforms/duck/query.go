package duck

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// selectItem is one column of a select list.
type selectItem struct {
	name     string       // "" if it has none; lower or mixed case as written
	expr     *syntax.Node // nil for a star
	isColumn bool         // a column under its own name
}

// items are the columns of a Select.
func (w *writer) items(n *syntax.Node) []selectItem {
	list := firstKid(n, "SelectList")
	if list == nil {
		return nil
	}
	items := make([]selectItem, len(list.Kids))
	for i, column := range list.Kids {
		expr := column.Kids[0]
		if !isExpression(expr.Kind) {
			continue // a star
		}
		items[i].expr = expr
		last := ""
		switch expr.Kind {
		case "PathExpression", "DotIdentifier":
			last = w.nameOf(expr.Kids[len(expr.Kids)-1])
		}
		items[i].name = last
		if alias := firstKid(column, "Alias"); alias != nil {
			items[i].name = w.nameOf(alias.Kids[0])
		}
		r := w.resolved[spanOf(expr)]
		items[i].isColumn = expr.Kind == "PathExpression" && len(expr.Kids) == 1 && strings.EqualFold(items[i].name, last) &&
			(r == nil || r.Kind == "ColumnRef")
	}
	return items
}

// query writes a Query: WITH, a body, ORDER BY, LIMIT.
func (w *writer) query(n *syntax.Node) string {
	if w.needsLowering(n) {
		return w.lowered(n)
	}
	w.reviewed(n, "WithClause", "Select", "SetOperation", "Query", "OrderBy", "LimitOffset")
	outer, outerFrom, direct, hidden := w.selects, w.from, w.low.direct, w.hidden
	w.selects, w.from, w.low.direct, w.hidden = nil, nil, false, append(slices.Clone(hidden), outer...)
	defer func() { w.selects, w.from, w.low.direct, w.hidden = outer, outerFrom, direct, hidden }()
	return w.copyWith(n, func(kid *syntax.Node) string {
		if kid.Kind == "Query" && firstKid(n, "WithClause") != nil && firstKid(kid, "WithClause") != nil {
			return "SELECT * FROM (" + w.node(kid) + ")" // not parsed otherwise
		}
		if kid.Kind == "SetOperation" && w.ordersFloats(firstKid(n, "OrderBy")) {
			return "SELECT * FROM (" + w.node(kid) + ")" // whose rows a key may be computed of
		}
		if kid.Kind == "OrderBy" {
			if body := firstKid(n, "Select"); body != nil {
				w.selects = w.items(body)
				defer func() { w.selects = nil }()
			}
		}
		return w.node(kid)
	})
}

func (w *writer) setOperation(n *syntax.Node) string {
	list := firstKid(n, "SetOperationMetadataList")
	if list == nil {
		w.refuseKind(n)
	}
	flat := &syntax.Node{Kind: n.Kind, Start: n.Start, End: n.End}
	for _, metadata := range list.Kids {
		w.reviewed(metadata, "SetOperationType", "SetOperationAllOrDistinct")
		flat.Kids = append(flat.Kids, metadata.Kids...)
	}
	for _, kid := range n.Kids {
		if kid != list {
			flat.Kids = append(flat.Kids, kid)
		}
	}
	w.reviewed(flat, "SetOperationType", "SetOperationAllOrDistinct", "Query", "Select", "SetOperation")
	w.checkBranches(n)
	w.coerceBranches(n)
	return w.copyWith(flat, func(kid *syntax.Node) string {
		switch kid.Kind {
		case "SetOperationType":
			return strings.ToUpper(w.text[kid.Start:kid.End])
		case "SetOperationAllOrDistinct":
			// DISTINCT is what the bare word means in DuckDB.
			if strings.EqualFold(w.text[kid.Start:kid.End], "all") {
				return "ALL"
			}
			return ""
		}
		return w.node(kid)
	})
}

// checkBranches refuses branches whose STRUCTs have other field names: DuckDB
// would match them by name, GoogleSQL by position.
func (w *writer) checkBranches(n *syntax.Node) {
	var first []selectItem
	for _, branch := range inOrder(n.Kids) {
		for branch.Kind == "Query" && firstKid(branch, "Select", "Query") != nil {
			branch = firstKid(branch, "Select", "Query")
		}
		if branch.Kind != "Select" {
			continue
		}
		items := w.items(branch)
		if first == nil {
			first = items
			continue
		}
		for i := range min(len(items), len(first)) {
			if items[i].expr == nil || first[i].expr == nil {
				continue
			}
			a, b := w.typeOf(first[i].expr), w.typeOf(items[i].expr)
			if hasStruct(a) && hasStruct(b) && !sameNames(a, b) {
				w.fail(items[i].expr, "the STRUCT of this branch has other field names than the first branch", "write STRUCT(x AS name, …) with the same names")
			}
		}
	}
}

func hasStruct(t schemas.Type) bool {
	return t.Kind == schemas.Struct || t.Kind == schemas.Array && hasStruct(*t.Elem)
}

// sameNames reports whether two types agree in the names of their fields.
func sameNames(a, b schemas.Type) bool {
	switch {
	case a.Kind != b.Kind:
		return !hasStruct(a) && !hasStruct(b)
	case a.Kind == schemas.Array:
		return sameNames(*a.Elem, *b.Elem)
	case a.Kind == schemas.Struct:
		return slices.EqualFunc(a.Fields, b.Fields, func(x, y schemas.Field) bool {
			return strings.EqualFold(x.Name, y.Name) && sameNames(x.Type, y.Type)
		})
	}
	return true
}

func (w *writer) selectStatement(n *syntax.Node) string {
	w.reviewed(n, "SelectAs", "SelectList", "FromClause", "WhereClause", "GroupBy", "Having", "Qualify", "WindowClause")
	outer, outerFrom := w.selects, w.from
	w.selects, w.from = nil, nil
	defer func() { w.selects, w.from = outer, outerFrom }()
	if from := firstKid(n, "FromClause"); from != nil {
		w.from = w.sources(from.Kids[0], nil)
	}
	items := w.items(n)
	asStruct := firstKid(n, "SelectAs")
	kids := inOrder(n.Kids)
	// DuckDB wants WINDOW before QUALIFY, GoogleSQL after it.
	qualify, window := firstKid(n, "Qualify"), firstKid(n, "WindowClause")
	swap := qualify != nil && window != nil
	var b strings.Builder
	at := n.Start
	for _, kid := range kids {
		b.WriteString(w.gap(at, kid.Start))
		at = kid.End
		switch {
		case swap && kid == qualify:
			b.WriteString(w.node(window))
		case swap && kid == window:
			b.WriteString(w.condition(qualify, items))
		case kid.Kind == "Having" || kid.Kind == "Qualify":
			b.WriteString(w.condition(kid, items))
		case kid == asStruct:
			if kid.Attr != "as_mode=STRUCT" {
				w.fail(kid, "SELECT AS VALUE or a type does not run on DuckDB", "select the column")
			}
			if !w.values[n] {
				w.fail(kid, "SELECT AS STRUCT does not run on DuckDB here", "use it in ARRAY(…) or a subquery of one value")
			}
		case kid.Kind == "SelectList" && asStruct != nil:
			b.WriteString(w.structOf(kid, items))
		case kid.Kind == "GroupBy":
			w.selects = items
			b.WriteString(w.node(kid))
			w.selects = nil
		default:
			b.WriteString(w.node(kid))
		}
	}
	b.WriteString(w.gap(at, n.End))
	return b.String()
}

// condition writes HAVING or QUALIFY, where names of the select list come first.
func (w *writer) condition(n *syntax.Node, items []selectItem) string {
	return w.guarded(func() string {
		w.reviewed(n, "expr")
		w.selects = items
		defer func() { w.selects = nil }()
		return w.copy(n)
	})
}

// structOf writes the select list of SELECT AS STRUCT.
func (w *writer) structOf(list *syntax.Node, items []selectItem) string {
	row := schemas.Type{Kind: schemas.Struct}
	for _, item := range items {
		row.Fields = append(row.Fields, schemas.Field{Name: item.name})
	}
	fields := row.FieldNames()
	for i, item := range items {
		if item.expr == nil {
			w.fail(list.Kids[i], "SELECT AS STRUCT with a star does not run on DuckDB", "list the fields")
		}
		fields[i] = stringText(fields[i]) + ": " + w.node(item.expr)
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func (w *writer) selectColumn(n *syntax.Node) string {
	w.reviewed(n, "expr", "Alias", "Star", "StarWithModifiers", "DotStar", "DotStarWithModifiers")
	switch expr := n.Kids[0]; expr.Kind {
	case "Star", "StarWithModifiers", "DotStar", "DotStarWithModifiers":
		return w.star(expr)
	case "PathExpression", "DotIdentifier":
		text := w.copy(n)
		// The name GoogleSQL gives it, where the text for DuckDB ends otherwise.
		name := quote(w.nameOf(expr.Kids[len(expr.Kids)-1]))
		r := w.resolved[spanOf(expr)]
		if firstKid(n, "Alias") == nil && (!strings.HasSuffix(text, name) || r != nil && (r.Kind == "GetStructField" || r.Kind == "GetJsonField")) {
			text += " AS " + name // ORDER BY does not see the name of a bare field
		}
		return text
	}
	return w.copy(n)
}

// groupBy writes names of the select list as ordinals: SELECT DATE_TRUNC(ts, DAY)
// AS ts … GROUP BY ts groups by the alias in GoogleSQL and by the column in DuckDB.
func (w *writer) groupBy(n *syntax.Node) string {
	w.reviewed(n, "GroupingItem", "GroupByAll")
	items := w.selects
	w.selects = nil
	starred := slices.ContainsFunc(items, func(i selectItem) bool { return i.expr == nil })
	return w.copyWith(n, func(kid *syntax.Node) string {
		if kid.Kind == "GroupByAll" {
			return w.groupByAll(n, items)
		}
		w.reviewed(kid, "expr", "Rollup", "Cube", "GroupingSetList")
		return w.copyWith(kid, func(key *syntax.Node) string {
			switch key.Kind {
			case "IntLiteral":
				return w.text[key.Start:key.End]
			case "Rollup", "Cube", "GroupingSetList":
				w.refuseComputedKeys(key)
				w.selects = items
				defer func() { w.selects = nil }()
				return w.node(key)
			case "PathExpression":
				if len(key.Kids) != 1 {
					return w.node(key)
				}
				for i, item := range items {
					if item.expr == nil || item.isColumn || !strings.EqualFold(item.name, w.nameOf(key.Kids[0])) {
						continue
					}
					if starred {
						return w.node(item.expr)
					}
					return strconv.Itoa(i + 1)
				}
			}
			return w.node(key)
		})
	})
}

// refuseComputedKeys refuses expressions as keys of grouping sets: in GoogleSQL a
// column that repeats one is computed of the grouped rows, in DuckDB it is the key.
func (w *writer) refuseComputedKeys(n *syntax.Node) {
	for _, kid := range n.Kids {
		switch kid.Kind {
		case "PathExpression", "IntLiteral":
		default:
			if isExpression(kid.Kind) {
				w.fail(kid, "an expression as a key of ROLLUP, CUBE or GROUPING SETS does not run on DuckDB", "give it a name in a CTE and group by the name")
			}
			w.refuseComputedKeys(kid)
		}
	}
}

func (w *writer) groupByAll(n *syntax.Node, items []selectItem) string {
	var keys []string
	for i, item := range items {
		if item.expr == nil {
			w.fail(n, "GROUP BY ALL beside a star does not run on DuckDB", "list the keys")
		}
		if contains(item.expr, "AnalyticFunctionCall") || contains(item.expr, "ExpressionSubquery") {
			w.fail(n, "GROUP BY ALL beside a window function or a subquery does not run on DuckDB", "list the keys")
		}
		if !w.aggregates(item.expr) {
			keys = append(keys, strconv.Itoa(i+1))
		}
	}
	if keys == nil {
		return "()"
	}
	return strings.Join(keys, ", ")
}

func contains(n *syntax.Node, kind string) bool {
	return n.Kind == kind || slices.ContainsFunc(n.Kids, func(kid *syntax.Node) bool { return contains(kid, kind) })
}

// aggregates reports whether an aggregate function is called in the expression.
func (w *writer) aggregates(n *syntax.Node) bool {
	if n.Kind == "FunctionCall" {
		if rule, ok := w.rules[w.functionName(n)]; ok && rule.aggregate {
			return true
		}
	}
	return slices.ContainsFunc(n.Kids, w.aggregates)
}

func (w *writer) limit(n *syntax.Node) string {
	w.reviewed(n, "Limit", "expr")
	return w.copyWith(n, func(kid *syntax.Node) string {
		switch {
		case kid.Kind == "IntLiteral":
			return w.text[kid.Start:kid.End]
		case kid.Kind == "Limit":
			return w.node(kid)
		case !isCount(kid), isNumber(kid):
			w.fail(kid, "LIMIT and OFFSET take a constant that is not negative", "write a number, or number the rows with ROW_NUMBER")
		}
		return "bq.rows(" + w.node(kid) + ")"
	})
}

// isCount reports whether an expression may be that of a LIMIT: numbers, parameters,
// casts and operators. A NULL is a fault there, in DuckDB all rows.
func isCount(n *syntax.Node) bool {
	switch n.Kind {
	case "SimpleType":
		return true
	case "FunctionCall", "PathExpression", "ExpressionSubquery", "NullLiteral":
		return false
	}
	return !slices.ContainsFunc(n.Kids, func(kid *syntax.Node) bool { return !isCount(kid) })
}

// star writes *, t.* and their EXCEPT and REPLACE.
func (w *writer) star(n *syntax.Node) string {
	w.reviewed(n, "expr", "StarModifiers")
	qualified := n.Kind == "DotStar" || n.Kind == "DotStarWithModifiers"
	var without, replaced []string
	if modifiers := firstKid(n, "StarModifiers"); modifiers != nil {
		w.reviewed(modifiers, "StarExceptList", "StarReplaceItem")
		for _, kid := range modifiers.Kids {
			if kid.Kind == "StarReplaceItem" {
				w.reviewed(kid, "expr", "Alias", "Identifier")
				replaced = append(replaced, w.node(kid.Kids[0])+" AS "+w.replacedName(kid))
				continue
			}
			w.reviewed(kid, "Identifier")
			for _, id := range kid.Kids {
				without = append(without, w.node(id))
			}
		}
	}
	if qualified {
		path := n.Kids[0]
		if path.Kind != "PathExpression" {
			return w.comments(n) + "(" + w.node(path) + ").*" + starSuffix(without, replaced)
		}
		for _, s := range w.from {
			if len(path.Kids) == 1 && s.array != nil && s.array.Kind == schemas.Struct && strings.EqualFold(s.alias, w.nameOf(path.Kids[0])) {
				if len(replaced) > 0 {
					w.fail(n, "* REPLACE over the fields of an array does not run on DuckDB", "list the fields")
				}
				return w.comments(n) + strings.Join(fieldsOf(s, without), ", ")
			}
		}
		return w.comments(n) + w.node(path) + ".*" + starSuffix(without, replaced)
	}
	return w.comments(n) + w.bareStar(n, without, replaced)
}

func (w *writer) replacedName(item *syntax.Node) string {
	last := item.Kids[len(item.Kids)-1]
	if last.Kind == "Alias" {
		last = last.Kids[0]
	}
	return w.node(last)
}

func starSuffix(without, replaced []string) string {
	text := ""
	if len(without) > 0 {
		text += " EXCLUDE (" + strings.Join(without, ", ") + ")"
	}
	if len(replaced) > 0 {
		text += " REPLACE (" + strings.Join(replaced, ", ") + ")"
	}
	return text
}

// bareStar keeps the order of columns of GoogleSQL: those of USING come first,
// and an array of structs in FROM gives its fields.
func (w *writer) bareStar(n *syntax.Node, without, replaced []string) string {
	var using []string
	arrays := false
	for _, s := range w.from {
		using = append(using, s.using...)
		arrays = arrays || s.array != nil
	}
	if !arrays {
		var first []string
		for _, name := range using {
			if !containsFold(without, name) {
				first = append(first, name)
				without = append(without, name)
			}
		}
		if len(first) > 0 && len(replaced) > 0 {
			w.fail(n, "* REPLACE over a join with USING does not run on DuckDB", "list the columns")
		}
		return strings.Join(append(first, "*"+starSuffix(without, replaced)), ", ")
	}
	if len(using) > 0 || len(replaced) > 0 || len(without) > 0 && len(w.from) > 1 {
		w.fail(n, "* over UNNEST together with USING, EXCEPT or REPLACE does not run on DuckDB", "list the columns")
	}
	var parts []string
	for _, s := range w.from {
		switch {
		case s.alias == "":
			w.fail(n, "* over a source without a name does not run on DuckDB", "give every source in FROM an alias")
		case s.array == nil:
			parts = append(parts, quote(s.alias)+".*")
		case s.array.Kind == schemas.Struct:
			parts = append(parts, fieldsOf(s, without)...)
		default:
			name := s.alias
			if s.hidden {
				w.fail(n, "* over UNNEST without an alias has a column without a name", "write UNNEST(…) AS name")
			}
			parts = append(parts, quote(name))
		}
		if s.offset != "" && !containsFold(without, quote(s.offset)) {
			parts = append(parts, quote(s.offset))
		}
	}
	return strings.Join(parts, ", ")
}

// fieldsOf lists the fields of an array's elements, but for some (quoted) names.
func fieldsOf(s source, without []string) []string {
	var fields []string
	for _, field := range s.array.FieldNames() {
		if name := quote(field); !containsFold(without, name) {
			fields = append(fields, quote(s.alias)+"."+name+" AS "+name)
		}
	}
	return fields
}

func containsFold(list []string, name string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, name) })
}

// hiddenAlias is the name of an UNNEST that the author gave none.
func (w *writer) hiddenAlias() string {
	w.unnamed++
	return fmt.Sprintf("_unnest%d", w.unnamed)
}
