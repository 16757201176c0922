package gsql

import (
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// refs walks the parse tree for the tables it names. A path in FROM is a table
// unless it names a CTE in scope or starts with an alias of the FROM clauses to
// its left or around it (FROM t, t.items is an array).
func refs(src syntax.Source, root *syntax.Node) []syntax.Ref {
	w := &refWalk{src: src}
	w.walk(root, scope{})
	return w.found
}

type scope struct {
	ctes    []string // lower case
	aliases *[]string
	outer   *scope
}

func (s scope) hasCTE(name string) bool {
	for _, c := range s.ctes {
		if c == name {
			return true
		}
	}
	return s.outer != nil && s.outer.hasCTE(name)
}

func (s scope) hasAlias(name string) bool {
	if s.aliases != nil {
		for _, a := range *s.aliases {
			if a == name {
				return true
			}
		}
	}
	return s.outer != nil && s.outer.hasAlias(name)
}

type refWalk struct {
	src   syntax.Source
	found []syntax.Ref
}

func (w *refWalk) walk(n *syntax.Node, s scope) {
	switch n.Kind {
	case "Query":
		outer := s
		s = scope{outer: &outer}
		if firstOf(n, "FromQuery") != nil {
			s.aliases = &[]string{} // of a pipe, whose steps see them
		}
		for _, kid := range n.Kids {
			if kid.Kind == "WithClause" {
				w.with(kid, &s)
				continue
			}
			w.walk(kid, s)
		}
		return
	case "Select":
		// FROM is read first: its aliases are in scope of the other clauses.
		outer := s
		s = scope{outer: &outer, aliases: &[]string{}}
		for _, kid := range n.Kids {
			if kid.Kind == "FromClause" {
				w.walk(kid, s)
			}
		}
		for _, kid := range n.Kids {
			if kid.Kind != "FromClause" {
				w.walk(kid, s)
			}
		}
		return
	case "TablePathExpression":
		w.tablePath(n, s)
	case "PipeAs":
		w.alias(n, s)
	case "TableSubquery":
		w.kids(n, s)
		w.alias(n, s)
		return
	}
	w.kids(n, s)
}

func (w *refWalk) kids(n *syntax.Node, s scope) {
	for _, kid := range n.Kids {
		w.walk(kid, s)
	}
}

// with adds the names of a WITH clause one after another; all at once when it is
// recursive.
func (w *refWalk) with(n *syntax.Node, s *scope) {
	recursive := strings.Contains(strings.ToLower(n.Attr), "recursive")
	names := make([]string, len(n.Kids))
	for i, entry := range n.Kids {
		if id := firstOf(entry, "Identifier"); id != nil {
			names[i] = strings.ToLower(identifier(w.src, id))
		}
	}
	if recursive {
		s.ctes = append(s.ctes, names...)
	}
	for i, entry := range n.Kids {
		w.walk(entry, *s)
		if !recursive {
			s.ctes = append(s.ctes, names[i])
		}
	}
}

func (w *refWalk) tablePath(n *syntax.Node, s scope) {
	var path *syntax.Node
	for _, kid := range n.Kids {
		if kid.Kind == "PathExpression" {
			path = kid
		}
	}
	if path != nil && len(path.Kids) > 0 {
		parts := make([]string, len(path.Kids))
		for i, id := range path.Kids {
			parts[i] = identifier(w.src, id)
		}
		first := strings.ToLower(parts[0])
		local := len(parts) == 1 && s.hasCTE(first) || len(parts) > 1 && s.hasAlias(first)
		if !local {
			w.found = append(w.found, syntax.Ref{Name: strings.Join(parts, "."), Start: path.Start, End: path.End})
		}
		if firstOf(n, "Alias") == nil && s.aliases != nil {
			*s.aliases = append(*s.aliases, strings.ToLower(lastPart(parts[len(parts)-1])))
		}
	}
	w.alias(n, s)
}

// lastPart is the implicit alias of a path: of `dataset.table` too.
func lastPart(name string) string {
	return name[strings.LastIndex(name, ".")+1:]
}

func (w *refWalk) alias(n *syntax.Node, s scope) {
	for _, kid := range n.Kids {
		if kid.Kind == "Alias" && s.aliases != nil {
			if id := firstOf(kid, "Identifier"); id != nil {
				*s.aliases = append(*s.aliases, strings.ToLower(identifier(w.src, id)))
			}
		}
	}
}

// firstOf is the first node of a kind among the kids, looking through AliasedQuery.
func firstOf(n *syntax.Node, kind string) *syntax.Node {
	for _, kid := range n.Kids {
		if kid.Kind == kind {
			return kid
		}
		if kid.Kind == "AliasedQuery" {
			return firstOf(kid, kind)
		}
	}
	return nil
}

// identifier is the name that an Identifier node spells.
func identifier(src syntax.Source, n *syntax.Node) string {
	text := src.Text[n.Start:n.End]
	return strings.ReplaceAll(strings.Trim(text, "`"), "\\`", "`")
}
