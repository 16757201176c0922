package duck

import (
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// source is one table, subquery or array in FROM.
type source struct {
	alias  string
	array  *schemas.Type // the element's type, for an array
	hidden bool          // the alias is this compiler's
	offset string        // name of the WITH OFFSET column
	using  []string      // USING columns of the join that brings it in, quoted
}

// sources lists what a FROM clause reads, left to right, and names its arrays
// before anything refers to them.
func (w *writer) sources(n *syntax.Node, into []source) []source {
	switch n.Kind {
	case "Join":
		before := len(into)
		for _, kid := range n.Kids {
			if isSource(kid) {
				into = w.sources(kid, into)
			}
		}
		if using := firstKid(n, "UsingClause"); using != nil && before < len(into) {
			// The columns of an outer USING come before those of the joins in it.
			var names []string
			for _, id := range using.Kids {
				names = append(names, w.node(id))
			}
			for _, name := range into[before].using {
				if !containsFold(names, name) {
					names = append(names, name)
				}
			}
			into[before].using = names
		}
	case "ParenthesizedJoin":
		return w.sources(n.Kids[0], into)
	case "TableSubquery":
		into = append(into, source{alias: w.aliasName(n)})
	case "TablePathExpression":
		into = append(into, w.tableSource(n))
	}
	return into
}

func isSource(n *syntax.Node) bool {
	switch n.Kind {
	case "Join", "ParenthesizedJoin", "TableSubquery", "TablePathExpression":
		return true
	}
	return false
}

func (w *writer) aliasName(n *syntax.Node) string {
	if alias := firstKid(n, "Alias"); alias != nil && len(alias.Kids) > 0 {
		return w.nameOf(alias.Kids[0])
	}
	return ""
}

// arrayOf is the array expression of a TablePathExpression; nil if it is a table.
func (w *writer) arrayOf(n *syntax.Node) *syntax.Node {
	if unnest := firstKid(n, "UnnestExpression"); unnest != nil {
		if len(unnest.Kids) != 1 || unnest.Kids[0].Kind != "ExpressionWithOptAlias" || len(unnest.Kids[0].Kids) != 1 {
			w.fail(unnest, "UNNEST of several arrays does not run on DuckDB", "join two UNNESTs WITH OFFSET on their offsets")
		}
		return unnest.Kids[0].Kids[0]
	}
	if path := firstKid(n, "PathExpression"); path != nil {
		if _, isArray := w.elements[spanOf(path)]; isArray {
			return path
		}
	}
	return nil
}

func (w *writer) tableSource(n *syntax.Node) source {
	s := source{alias: w.aliasName(n)}
	array := w.arrayOf(n)
	if array == nil {
		if path := firstKid(n, "PathExpression"); path != nil && s.alias == "" {
			name := w.nameOf(path.Kids[len(path.Kids)-1])
			s.alias = name[strings.LastIndex(name, ".")+1:]
		}
		return s
	}
	t := w.typeOf(array)
	if t.Kind != schemas.Array {
		w.fail(array, "the type of this array is not known", "UNNEST a column or a CTE's column")
	}
	s.array = t.Elem
	if s.alias == "" {
		switch {
		case array.Kind == "PathExpression" && firstKid(n, "UnnestExpression") == nil:
			s.alias = w.nameOf(array.Kids[len(array.Kids)-1])
		default:
			s.alias, s.hidden = w.hiddenAlias(), true
		}
	}
	if id, ok := w.elements[spanOf(array)]; ok {
		w.aliases[id] = s.alias
	}
	if offset := firstKid(n, "WithOffset"); offset != nil {
		s.offset = "offset"
		if name := w.aliasName(offset); name != "" {
			s.offset = name
		}
	}
	return s
}

// sourceOf finds the source of a TablePathExpression among those of the SELECT.
func (w *writer) sourceOf(n *syntax.Node, array *syntax.Node) source {
	if id, ok := w.elements[spanOf(array)]; ok {
		for _, s := range w.from {
			if s.array != nil && s.alias == w.aliases[id] {
				return s
			}
		}
	}
	return w.tableSource(n)
}

func (w *writer) tablePath(n *syntax.Node) string {
	w.reviewed(n, "PathExpression", "UnnestExpression", "Alias", "WithOffset")
	array := w.arrayOf(n)
	if array == nil {
		return w.copyWith(n, func(kid *syntax.Node) string {
			if kid.Kind == "PathExpression" {
				return w.tableName(kid, firstKid(n, "Alias") != nil)
			}
			return w.node(kid)
		})
	}
	s := w.sourceOf(n, array)
	name, text := quote(s.alias), w.node(array)
	// The alias of the table is another word than its column, so that x.k is the
	// field k of column x.
	table := w.tableAlias(n)
	if s.offset == "" {
		return w.comments(n) + "unnest(" + text + ") AS " + table + "(" + name + ")"
	}
	return w.comments(n) + "(SELECT unnest(" + text + ") AS " + name + ", generate_subscripts(" + text + ", 1) - 1 AS " +
		quote(s.offset) + ") AS " + table
}

// tableName writes a CTE's name, or that of a table so that it can be replaced.
func (w *writer) tableName(n *syntax.Node, aliased bool) string {
	name := strings.Join(w.parts(n), ".")
	parts := strings.Split(name, ".")
	if len(parts) > 2 {
		w.fail(n, "a table with a project does not run on DuckDB", "write dataset.table")
	}
	text := quoteAll(parts)
	if len(parts) == 1 && !w.isTable(n) {
		return text
	}
	use := syntax.TableUse{Name: name, SQL: text}
	if !aliased {
		use.Alias = quote(parts[len(parts)-1])
	}
	return use.Mark()
}

// isTable tells a table of a session from a CTE of its name.
func (w *writer) isTable(n *syntax.Node) bool {
	return slices.ContainsFunc(w.stmt.Refs, func(r syntax.Ref) bool { return r.Start == n.Start })
}

func (w *writer) tableSubquery(n *syntax.Node) string {
	w.reviewed(n, "Query", "Alias")
	return w.copy(n)
}

// join adds the ON TRUE that DuckDB wants where GoogleSQL joins an array without one.
func (w *writer) join(n *syntax.Node) string {
	w.reviewed(n, "Join", "ParenthesizedJoin", "TablePathExpression", "TableSubquery", "OnClause", "UsingClause")
	if on := firstKid(n, "OnClause", "UsingClause"); on != nil && (n.Attr == "CROSS" || n.Attr == "COMMA") {
		w.fail(on, "CROSS JOIN with a condition does not run on DuckDB", "write JOIN")
	}
	w.refuseOuterArray(n)
	on := firstKid(n, "OnClause", "UsingClause")
	right := n.Kids[len(n.Kids)-1]
	if on != nil {
		right = n.Kids[len(n.Kids)-2]
	}
	if right.Kind != "TablePathExpression" || w.arrayOf(right) == nil || n.Attr == "COMMA" || n.Attr == "CROSS" {
		return w.copy(n)
	}
	if on == nil {
		return w.copy(n) + " ON TRUE"
	}
	if on.Kind != "OnClause" || len(on.Kids) != 1 {
		w.fail(on, "joining an array with USING does not run on DuckDB", "write ON")
	}
	if n.Attr != "LEFT" {
		return w.copy(n)
	}
	// An outer join of an array takes a comparison of both sides only: filter the
	// array before it.
	return w.copyWith(n, func(kid *syntax.Node) string {
		switch kid {
		case right:
			return "(SELECT * FROM " + w.node(right) + " WHERE " + w.node(on.Kids[0]) + ") AS " + w.tableAlias(right)
		case on:
			return "ON TRUE"
		}
		return w.node(kid)
	})
}

// tableAlias is the alias of an array as a table.
func (w *writer) tableAlias(n *syntax.Node) string {
	return quote("_" + w.sourceOf(n, w.arrayOf(n)).alias)
}

// refuseOuterArray refuses RIGHT and FULL JOIN with an array on the right: it may
// refer to the left, which DuckDB cannot read then.
func (w *writer) refuseOuterArray(n *syntax.Node) {
	for _, kid := range n.Kids {
		if (n.Attr == "RIGHT" || n.Attr == "FULL") && kid.Kind == "TablePathExpression" && w.arrayOf(kid) != nil {
			w.fail(kid, n.Attr+" JOIN of an array does not run on DuckDB", "UNNEST it in a CTE and join that")
		}
	}
}
