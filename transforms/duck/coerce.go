package duck

import (
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// coerceBranches makes numbers as written NUMERIC in the columns that are: as the
// DOUBLE they would be else, they would make the whole column DOUBLE.
func (w *writer) coerceBranches(n *syntax.Node) {
	columns := map[int][]*syntax.Node{}
	w.branchColumns(n, columns)
	for _, exprs := range columns {
		numeric, float := false, false
		for _, e := range exprs {
			kind, literal := w.typeWanted(e).Kind, w.isFloatLiteral(e)
			numeric = numeric || kind == schemas.Numeric
			float = float || kind == schemas.Float64 && !literal
		}
		for _, e := range exprs {
			if numeric && !float && (w.isFloatLiteral(e) || isNumber(e)) {
				w.want(e, schemas.Type{Kind: schemas.Numeric})
			}
		}
	}
}

func (w *writer) want(n *syntax.Node, t schemas.Type) {
	w.wanted[spanOf(n)] = t
	if n.Kind == "UnaryExpression" {
		w.want(n.Kids[0], t)
	}
}

func (w *writer) isFloatLiteral(n *syntax.Node) bool {
	return n.Kind == "FloatLiteral" || n.Kind == "UnaryExpression" && len(n.Kids) == 1 && w.isFloatLiteral(n.Kids[0])
}

// branchColumns collects what stands in each column of the branches.
func (w *writer) branchColumns(n *syntax.Node, into map[int][]*syntax.Node) {
	for _, branch := range n.Kids {
		switch branch.Kind {
		case "SetOperation", "Query":
			w.branchColumns(branch, into)
		case "Select":
			for i, item := range w.items(branch) {
				if item.expr == nil {
					break // a star: the columns behind it stand elsewhere
				}
				into[i] = append(into[i], item.expr)
			}
		}
	}
}
