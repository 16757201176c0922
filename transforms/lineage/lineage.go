// Package lineage says, for each column that an analysed query returns, which
// columns of tables it comes from. It works on package syntax alone.
//
// There are two kinds of sources. A value source is computed into the column:
// `amount` in `sum(amount) as total`. An influence source decides which rows the
// value is computed from, or in which order, without being part of it: columns
// of WHERE, HAVING, QUALIFY, join conditions, GROUP BY, PARTITION BY and ORDER
// BY, here and in every step below, and the filters of subqueries. One column can
// be both, and a column can have neither: count(*) without a filter.
//
// The statement becomes a graph whose nodes are columns of scans (by the
// analyzer's ids) and the row sets of scans; the sources of an output column are
// the table columns that can be reached from it. So WITH RECURSIVE needs nothing
// special: a cycle is walked once.
package lineage

import (
	"cmp"
	"slices"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// Kind is value or influence.
type Kind string

// Kinds of sources.
const (
	Value     Kind = "value"
	Influence Kind = "influence"
)

// How says what happens to a source column on its way.
type How string

// How a value source is used, from the least to the most changed: a path that
// sums and then renames is an aggregation.
const (
	Identity       How = "identity"       // passed on as it is
	Transformation How = "transformation" // computed from, row by row
	Aggregation    How = "aggregation"    // computed from, over several rows
	Condition      How = "condition"      // decides between values, e.g. in CASE
)

// How an influence source is used.
const (
	Filter  How = "filter"
	Join    How = "join"
	GroupBy How = "group_by"
	Sort    How = "sort"
	Window  How = "window" // PARTITION BY and ORDER BY of a window
)

// hows is the order of hows: the values first, the stronger later.
var hows = []How{Identity, Transformation, Aggregation, Condition, Filter, Join, GroupBy, Sort, Window}

// Kind returns the kind of source that h belongs to.
func (h How) Kind() Kind {
	switch h {
	case Identity, Transformation, Aggregation, Condition:
		return Value
	default:
		return Influence
	}
}

// Then is how a column is used that is used by inner in a step below, whose
// result is used by h. What influences stays an influence, whatever it passes
// through; of two ways to use a value the one that changes more counts.
func (h How) Then(inner How) How {
	if h.Kind() == Influence {
		return h
	}
	if inner.Kind() == Influence || slices.Index(hows, inner) > slices.Index(hows, h) {
		return inner
	}
	return h
}

// Source is a column of a table that a result column comes from.
type Source struct {
	Table  string `json:"table"` // as the statement names it, e.g. staging.stg_crm__account
	Column string `json:"column"`
	Kind   Kind   `json:"kind"`
	How    []How  `json:"how"` // all ways of this kind, in a fixed order
}

// Column is a column of a result with its sources, ordered by kind (value
// first), table and column.
type Column struct {
	Name    string   `json:"name"`
	Sources []Source `json:"sources"`
}

// Of returns the sources of each column of the statement's result, in order; nil
// for a statement without an analysis.
func Of(statement *syntax.Statement) []Column {
	if statement.Resolved == nil {
		return nil
	}
	g := &graph{
		columns: map[int][]step{}, rows: map[*syntax.Resolved][]step{},
		with: map[string]*syntax.Resolved{},
	}
	var outputs []*syntax.Resolved
	var query *syntax.Resolved
	for _, kid := range statement.Resolved.Kids {
		switch {
		case kid.Kind == "OutputColumn":
			outputs = append(outputs, kid)
		case isScan(kid):
			query = kid
			g.scan(kid)
		}
	}
	columns := make([]Column, len(outputs))
	for i, output := range outputs {
		columns[i] = Column{Name: output.Attr, Sources: g.sources(output.Columns[0].ID, query)}
	}
	return columns
}

// sources walks from a column of the query to the columns of tables.
func (g *graph) sources(id int, query *syntax.Resolved) []Source {
	type state struct {
		node node
		how  How
	}
	found := map[syntax.ColumnRef]map[How]bool{}
	seen := map[state]bool{}
	queue := []state{{node{id: id}, Identity}, {node{rows: query}, Identity}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if seen[at] {
			continue
		}
		seen[at] = true
		for _, a := range g.arcs(at.node) {
			how := at.how.Then(a.how)
			if a.leaf == nil {
				queue = append(queue, state{a.to, how})
				continue
			}
			key := syntax.ColumnRef{Table: a.leaf.Table, Name: a.leaf.Name}
			if found[key] == nil {
				found[key] = map[How]bool{}
			}
			found[key][how] = true
		}
	}
	return ordered(found)
}

// ordered are the sources of one column, from all the ways that were found.
func ordered(found map[syntax.ColumnRef]map[How]bool) []Source {
	sources := []Source{}
	for key, by := range found {
		for _, kind := range []Kind{Value, Influence} {
			source := Source{Table: key.Table, Column: key.Name, Kind: kind}
			for _, how := range hows {
				if by[how] && how.Kind() == kind {
					source.How = append(source.How, how)
				}
			}
			if len(source.How) > 0 {
				sources = append(sources, source)
			}
		}
	}
	slices.SortFunc(sources, func(a, b Source) int {
		// "value" is to stand before "influence".
		return cmp.Or(-cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Column, b.Column))
	})
	return sources
}
