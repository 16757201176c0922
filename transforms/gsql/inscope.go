package gsql

import (
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// inScope reports whether a name at a node may be a column of a table: whether the
// queries around it read the table, in FROM or through steps of WITH. It says yes
// to more than may be, as it looks into subqueries beside the node too.
func (r *recovery) inScope(n *syntax.Node, table string) bool {
	seen := map[*syntax.Node]bool{}
	for above := r.parent[n]; above != nil; n, above = above, r.parent[above] {
		if above.Kind == "Query" && n.Kind != "WithClause" && r.reads(above, table, seen) {
			return true
		}
	}
	return false
}

// reads looks for a table in FROM below a node, but for its steps of WITH, which
// it looks into where they are read.
func (r *recovery) reads(n *syntax.Node, table string, seen map[*syntax.Node]bool) bool {
	if seen[n] {
		return false
	}
	seen[n] = true
	masked := func(e edit) bool { return e.start == n.Start && e.end == n.End && strings.Contains(e.text, table) }
	if slices.ContainsFunc(r.edits, masked) {
		return true
	}
	if n.Kind == "TablePathExpression" {
		if path := firstOf(n, "PathExpression"); path != nil {
			parts := make([]string, len(path.Kids))
			for i, kid := range path.Kids {
				parts[i] = identifier(r.src, kid)
			}
			if strings.EqualFold(strings.Join(parts, "."), table) {
				return true
			}
			if step := r.step(n, parts[0]); step != nil && r.reads(step, table, seen) {
				return true
			}
		}
	}
	for _, kid := range n.Kids {
		if kid.Kind != "WithClause" && r.reads(kid, table, seen) {
			return true
		}
	}
	return false
}

// step is the step of WITH that a name in FROM means, the nearest one; nil where it
// means none.
func (r *recovery) step(n *syntax.Node, name string) *syntax.Node {
	for above := r.parent[n]; above != nil; above = r.parent[above] {
		with := firstOf(above, "WithClause")
		if above.Kind != "Query" || with == nil {
			continue
		}
		for _, entry := range with.Kids {
			if alias := firstOf(entry, "Identifier"); alias != nil && strings.EqualFold(identifier(r.src, alias), name) {
				return entry
			}
		}
	}
	return nil
}
