package lineage

import (
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// arcs are the edges from a node.
func (g *graph) arcs(n node) []arc {
	steps := g.columns[n.id]
	if n.rows != nil {
		steps = g.rows[n.rows]
	}
	var arcs []arc
	for _, s := range steps {
		path := n.path
		if s.how.Kind() == Influence {
			path = ""
		}
		switch {
		case s.leaf != nil:
			how := s.how
			if path != "" { // a field of the column, not the column
				how = how.Then(Transformation)
			}
			arcs = append(arcs, arc{how: how, leaf: s.leaf})
		case s.rows != nil:
			arcs = append(arcs, arc{how: s.how, to: node{rows: s.rows}})
		case s.expr != nil:
			g.expr(s.expr, path, s.how, &arcs)
		default:
			arcs = append(arcs, arc{how: s.how, to: node{id: s.id, path: path}})
		}
	}
	return arcs
}

// passing are functions whose value is one of their arguments, or holds it whole:
// what is read from a field of the result is read from that field of them.
var passing = map[string]bool{
	"if": true, "$case_no_value": true, "$case_with_value": true, "coalesce": true, "ifnull": true, "nullif": true,
	"$array_at_offset": true, "$array_at_ordinal": true, "$safe_array_at_offset": true, "$safe_array_at_ordinal": true,
	"$make_array": true, "array_concat": true, "array_reverse": true, "array_agg": true, "array_concat_agg": true, "any_value": true,
	"lag": true, "lead": true, "first_value": true, "last_value": true, "nth_value": true,
	"array_first": true, "array_last": true, "array_slice": true,
}

// navigating are window functions that fetch the value of another row.
var navigating = map[string]bool{"lag": true, "lead": true, "first_value": true, "last_value": true, "nth_value": true}

// expr adds the arcs of the field at path of an expression that is used by how.
func (g *graph) expr(n *syntax.Resolved, path string, how How, arcs *[]arc) {
	switch n.Kind {
	case "ColumnRef":
		*arcs = append(*arcs, arc{how: how, to: node{id: n.Columns[0].ID, path: path}})
	case "GetStructField":
		g.field(n, path, how, arcs)
	case "MakeStruct":
		g.makeStruct(n, path, how, arcs)
	case "SubqueryExpr":
		g.subquery(n, path, how, arcs)
	case "AggregateFunctionCall", "AnalyticFunctionCall", "FunctionCall":
		g.call(n, path, how, arcs)
	default: // a cast, a constant, a kind not listed
		for _, kid := range n.Kids {
			g.expr(kid, "", how.Then(Transformation), arcs)
		}
	}
}

// field reads a field of a struct. Where its name does not tell it apart, the
// whole struct is the source.
func (g *graph) field(n *syntax.Resolved, path string, how How, arcs *[]arc) {
	of := n.Kids[0]
	if fieldIndex(of, n.Attr) < 0 {
		g.expr(of, "", how.Then(Transformation), arcs)
		return
	}
	g.expr(of, strings.TrimSuffix(n.Attr+"."+path, "."), how, arcs)
}

// fieldIndex is the position of the only field of that name; -1 if there is none or several.
func fieldIndex(n *syntax.Resolved, name string) int {
	found := -1
	if n.Type == nil || name == "" || strings.Contains(name, ".") {
		return -1
	}
	for i, f := range n.Type.Fields {
		if strings.EqualFold(f.Name, name) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

func (g *graph) makeStruct(n *syntax.Resolved, path string, how How, arcs *[]arc) {
	name, rest, _ := strings.Cut(path, ".")
	if i := fieldIndex(n, name); path != "" && i >= 0 && i < len(n.Kids) {
		g.expr(n.Kids[i], rest, how, arcs)
		return
	}
	for _, kid := range n.Kids {
		g.expr(kid, "", how.Then(Transformation), arcs)
	}
}

// subquery adds what a subquery returns and what its rows depend on. EXISTS
// returns nothing of them. Outer columns that it names stand in its
// expressions; the list of them in front of it counts for nothing.
func (g *graph) subquery(n *syntax.Resolved, path string, how How, arcs *[]arc) {
	for i, kid := range n.Kids {
		if !isScan(kid) {
			continue
		}
		*arcs = append(*arcs, arc{how: how, to: node{rows: kid}})
		switch {
		case strings.EqualFold(n.Attr, "Exists"):
		case strings.EqualFold(n.Attr, "Scalar"):
			*arcs = append(*arcs, arc{how: how, to: node{id: kid.Columns[0].ID, path: path}})
		case strings.EqualFold(n.Attr, "Array"): // gathers rows, as ARRAY_AGG does
			*arcs = append(*arcs, arc{how: how.Then(Aggregation), to: node{id: kid.Columns[0].ID, path: path}})
		default: // IN, LIKE ANY …: what is looked for stands just before
			*arcs = append(*arcs, arc{how: how.Then(Transformation), to: node{id: kid.Columns[0].ID}})
			if i > 0 {
				g.expr(n.Kids[i-1], "", how.Then(Transformation), arcs)
			}
		}
	}
}

// call adds the arguments of a function, each by its role.
func (g *graph) call(n *syntax.Resolved, path string, how How, arcs *[]arc) {
	use := Transformation
	if n.Kind == "AggregateFunctionCall" || n.Kind == "AnalyticFunctionCall" && !navigating[n.Attr] {
		use = Aggregation
	}
	if !passing[n.Attr] {
		path = ""
	}
	for i, kid := range n.Kids {
		switch {
		case kid.Kind == "WindowFrame":
		case !isExpression(kid): // ORDER BY and HAVING MAX inside the call: which of the rows, in which order
			g.influence(kid, how.Then(Sort), func(s step) { g.expr(s.expr, "", s.how, arcs) })
		case decides(n.Attr, i, len(n.Kids)):
			g.expr(kid, "", how.Then(Condition), arcs)
		default:
			g.expr(kid, path, how.Then(use), arcs)
		}
	}
}

// decides reports whether argument i of n only decides between the others.
func decides(function string, i, n int) bool {
	switch function {
	case "if":
		return i == 0
	case "$case_no_value": // condition, value, …, else
		return i%2 == 0 && i+1 < n
	case "$case_with_value": // subject, candidate, value, …, else
		return i == 0 || i%2 == 1 && i+1 < n
	default:
		return false
	}
}
