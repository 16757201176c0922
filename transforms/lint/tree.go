package lint

import (
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// visit calls do with each node of the tree, parents first.
func visit(n *syntax.Node, do func(*syntax.Node)) {
	do(n)
	for _, kid := range n.Kids {
		visit(kid, do)
	}
}

// kid is the first child of a kind, or nil.
func kid(n *syntax.Node, kinds ...string) *syntax.Node {
	for _, k := range n.Kids {
		if slices.Contains(kinds, k.Kind) {
			return k
		}
	}
	return nil
}

// names are the identifiers of a path or the like, in lower case.
func names(n *syntax.Node) []string {
	var list []string
	for _, k := range n.Kids {
		if k.Kind == "Identifier" {
			list = append(list, strings.ToLower(strings.Trim(k.Attr, "`")))
		}
	}
	return list
}

// table is what a FROM clause reads from.
type table struct {
	node  *syntax.Node
	path  []string // in lower case; nil for a subquery or an array
	alias string   // in lower case; empty where there is none
}

// tables are the tables of a FROM clause from left to right, without those of
// its subqueries.
func tables(n *syntax.Node) []table {
	switch n.Kind {
	case "TablePathExpression", "TableSubquery", "TVF":
		t := table{node: n}
		if p := kid(n, "PathExpression"); p != nil && n.Kind == "TablePathExpression" {
			t.path = names(p)
			t.alias = t.path[len(t.path)-1]
		}
		if a := kid(n, "Alias"); a != nil {
			t.alias = names(a)[0]
		}
		return []table{t}
	case "Query", "OnClause", "UsingClause":
		return nil
	}
	var list []table
	for _, k := range n.Kids {
		list = append(list, tables(k)...)
	}
	return list
}

// array says whether the table is unnested from a column of those before it.
func (t table) array(before []table) bool {
	if kid(t.node, "UnnestExpression") != nil {
		return true
	}
	return len(t.path) > 1 && slices.ContainsFunc(before, func(b table) bool { return b.alias == t.path[0] })
}

// text is the source of a node.
func text(src syntax.Source, n *syntax.Node) string { return src.Text[n.Start:n.End] }
