package gsql

import (
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// distrust adds the names in a node to those whose types are not known.
func (r *recovery) distrust(n *syntax.Node) {
	if n.Kind == "Identifier" {
		r.unsure[strings.ToLower(identifier(r.src, n))] = true
	}
	for _, kid := range n.Kids {
		r.distrust(kid)
	}
}

// spread adds every name that is made of a masked or unsure one. Names count in
// the whole statement: two columns of one name are not told apart, so that
// silence wins over a message that may be wrong.
func (r *recovery) spread() {
	for before := -1; before != len(r.unsure); {
		before = len(r.unsure)
		r.spreadFrom(r.root)
	}
}

func (r *recovery) spreadFrom(n *syntax.Node) {
	for _, kid := range n.Kids {
		r.spreadFrom(kid)
	}
	switch n.Kind {
	case "SelectColumn", "StarReplaceItem":
		if name := r.outputName(n); name != "" && r.involved(n) {
			r.unsure[name] = true
		}
	case "TablePathExpression", "TVF":
		array := n
		if firstOf(n, "UnnestExpression") == nil {
			array = firstOf(n, "PathExpression")
		}
		if array != nil && r.involved(array) {
			if alias := aliasOf(r.src, n); alias != "" {
				r.unsure[strings.ToLower(alias)] = true
			}
		}
	case "SetOperation":
		r.spreadAcross(n)
	}
}

// spreadAcross passes what is unsure in a branch of a set operation on to its first
// branch, whose names the columns get: by position, and to all behind a star.
func (r *recovery) spreadAcross(n *syntax.Node) {
	var branches [][]*syntax.Node
	for _, kid := range n.Kids {
		if list := selectList(kid); list != nil {
			branches = append(branches, list.Kids)
		}
	}
	if len(branches) < 2 {
		return
	}
	for _, branch := range branches[1:] {
		for i, column := range branch {
			star := strings.Contains(column.Kids[0].Kind, "Star")
			if !r.involved(column) && !star {
				continue
			}
			for j, target := range branches[0] {
				if name := r.outputName(target); name != "" && (i == j || star) {
					r.unsure[name] = r.unsure[name] || r.involved(column) || star && r.distrusted()
				}
			}
		}
	}
	for name, is := range r.unsure {
		if !is {
			delete(r.unsure, name)
		}
	}
}

func (r *recovery) distrusted() bool { return len(r.masks) > 0 || len(r.unsure) > 0 }

// selectList is the list of the SELECT that gives a query its columns.
func selectList(n *syntax.Node) *syntax.Node {
	switch n.Kind {
	case "Select":
		return firstOf(n, "SelectList")
	case "Query", "SetOperation":
		for _, kid := range n.Kids {
			if kid.Kind == "Select" || kid.Kind == "Query" || kid.Kind == "SetOperation" {
				return selectList(kid)
			}
		}
	}
	return nil
}

// outputName is the name of a column of a SELECT list, in lower case; empty for stars and columns without one.
func (r *recovery) outputName(n *syntax.Node) string {
	if alias := firstOf(n, "Alias"); alias != nil {
		if id := firstOf(alias, "Identifier"); id != nil {
			return strings.ToLower(identifier(r.src, id))
		}
	}
	if n.Kind == "StarReplaceItem" {
		if id := firstOf(n, "Identifier"); id != nil {
			return strings.ToLower(identifier(r.src, id))
		}
		return ""
	}
	if len(n.Kids) == 0 {
		return ""
	}
	return strings.ToLower(impliedName(r.src, n.Kids[0]))
}

// involved reports whether a node holds something masked or unsure.
func (r *recovery) involved(n *syntax.Node) bool {
	for _, m := range r.masks {
		if n.Start <= m.start && m.end <= n.End {
			return true
		}
	}
	return r.names(n, func(id *syntax.Node) bool { return r.unsure[strings.ToLower(identifier(r.src, id))] })
}

// names reports whether an identifier in a node, names of functions aside, is what is asked for.
func (r *recovery) names(n *syntax.Node, is func(*syntax.Node) bool) bool {
	if n.Kind == "Identifier" {
		return is(n)
	}
	kids := n.Kids
	if n.Kind == "FunctionCall" && len(kids) > 0 {
		kids = kids[1:]
	}
	for _, kid := range kids {
		if r.names(kid, is) {
			return true
		}
	}
	return false
}
