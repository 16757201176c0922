package duck

import (
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// refuseOuterAggregates refuses aggregates in a subquery that are of columns of the
// outer query alone: GoogleSQL aggregates the rows of the subquery, DuckDB those of
// the outer query.
func (w *writer) refuseOuterAggregates(r *syntax.Resolved) {
	if r.Kind == "SubqueryExpr" {
		made := map[int]bool{}
		everyResolved(r, func(n *syntax.Resolved) {
			if n.Kind != "ColumnRef" {
				for _, c := range n.Columns {
					made[c.ID] = true
				}
			}
		})
		// A copy of an outer column, which ORDER BY in the call makes, is none of its own.
		everyResolved(r, func(n *syntax.Resolved) {
			if n.Kind == "ComputedColumn" && len(n.Kids) == 1 && n.Kids[0].Kind == "ColumnRef" && len(n.Kids[0].Columns) > 0 && !made[n.Kids[0].Columns[0].ID] {
				delete(made, n.Columns[0].ID)
			}
		})
		everyResolved(r, func(n *syntax.Resolved) {
			if n.Kind != "AggregateFunctionCall" || n.Start < 0 {
				return
			}
			refs, own := 0, 0
			everyResolved(n, func(ref *syntax.Resolved) {
				if ref.Kind == "ColumnRef" && len(ref.Columns) > 0 {
					refs++
					if made[ref.Columns[0].ID] {
						own++
					}
				}
			})
			if refs > 0 && own == 0 {
				panic(refusal{n.Start, w.stmt.Source.At(n.Start, "an aggregate of columns of the outer query alone does not run on DuckDB", "aggregate a column of the subquery")})
			}
		})
	}
	for _, kid := range r.Kids {
		w.refuseOuterAggregates(kid)
	}
}

func everyResolved(r *syntax.Resolved, visit func(*syntax.Resolved)) {
	visit(r)
	for _, kid := range r.Kids {
		everyResolved(kid, visit)
	}
}

// refuseHidden refuses a name of the select list inside a subquery of HAVING,
// QUALIFY or ORDER BY: what it stands for cannot be written there.
func (w *writer) refuseHidden(n *syntax.Node, name string, root *syntax.Resolved) {
	for _, item := range w.hidden {
		if item.expr == nil || item.isColumn || !strings.EqualFold(item.name, name) {
			continue
		}
		if root == nil || len(root.Columns) > 0 && w.standsFor(item, root) {
			w.fail(n, "the alias "+name+" of the outer select list does not run on DuckDB in a subquery", "compute it in a CTE and filter that")
		}
	}
}
