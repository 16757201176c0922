package transforms

import (
	"slices"

	"github.com/ripen-data/ripen/transforms/lineage"
)

// TraceOptions say how far to follow lineage.
type TraceOptions struct {
	Up, Down bool
	Depth    int          // steps; 0: to the ends
	Kind     lineage.Kind // value: only what is computed into columns; influence: only ways with an influence on them; empty: all
}

// Trace is the part of lineage around some columns. It marshals to JSON as a
// graph: each column and each edge once.
type Trace struct {
	From    []ColumnID     `json:"from"`    // the columns asked for
	Columns []TracedColumn `json:"columns"` // those and all that the edges join, in the order of Lineage
	Edges   []LineageEdge  `json:"edges"`   // from source to result, ordered by To and From

	lineage  *Lineage
	up, down *ways // nil: not asked for
}

// TracedColumn is a column without its neighbours.
type TracedColumn struct {
	ColumnID
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
}

// place is a column on a way, and whether the way has an influence on it: what
// lies behind an influence is followed by all edges.
type place struct {
	id         ColumnID
	influenced bool
}

// ways holds the edges that a trace follows, by the place they start from.
type ways struct {
	options TraceOptions
	edges   map[place][]LineageEdge
}

// Trace follows lineage from columns up to their sources and down to their uses.
func (l *Lineage) Trace(from []*LineageColumn, options TraceOptions) *Trace {
	t := &Trace{lineage: l, From: []ColumnID{}, Columns: []TracedColumn{}, Edges: []LineageEdge{}}
	wanted := map[ColumnID]bool{}
	for _, c := range from {
		t.From = append(t.From, c.ColumnID)
		wanted[c.ColumnID] = true
	}
	type ends struct{ from, to ColumnID }
	seen := map[ends]map[lineage.Kind]bool{}
	collect := func(w *ways) *ways {
		for _, edges := range w.edges {
			for _, e := range edges {
				key := ends{e.From, e.To}
				if seen[key] == nil {
					seen[key] = map[lineage.Kind]bool{}
				}
				if !seen[key][e.Kind] {
					seen[key][e.Kind] = true
					t.Edges = append(t.Edges, e)
					wanted[e.From], wanted[e.To] = true, true
				}
			}
		}
		return w
	}
	if options.Up {
		t.up = collect(l.follow(t.From, options, upwards))
	}
	if options.Down {
		t.down = collect(l.follow(t.From, options, downwards))
	}
	order := map[ColumnID]int{}
	for i, c := range l.Columns {
		order[c.ColumnID] = i
		if wanted[c.ColumnID] {
			t.Columns = append(t.Columns, TracedColumn{c.ColumnID, c.Type, c.Description})
		}
	}
	slices.SortFunc(t.Edges, func(a, b LineageEdge) int {
		if c := order[a.To] - order[b.To]; c != 0 {
			return c
		}
		if c := order[a.From] - order[b.From]; c != 0 {
			return c
		}
		return compareKinds(a.Kind, b.Kind)
	})
	return t
}

// direction is one way to walk.
type direction struct {
	edges func(*LineageColumn) []LineageEdge
	end   func(LineageEdge) ColumnID
}

var (
	upwards   = direction{func(c *LineageColumn) []LineageEdge { return c.Up }, func(e LineageEdge) ColumnID { return e.From }}
	downwards = direction{func(c *LineageColumn) []LineageEdge { return c.Down }, func(e LineageEdge) ColumnID { return e.To }}
)

// next is the place at the other end of an edge.
func (d direction) next(at place, e LineageEdge) place {
	return place{d.end(e), at.influenced || e.Kind == lineage.Influence}
}

func (l *Lineage) follow(from []ColumnID, options TraceOptions, d direction) *ways {
	w := &ways{options: options, edges: map[place][]LineageEdge{}}
	var level []place
	for _, id := range from {
		level = append(level, place{id: id})
	}
	for depth := 0; len(level) > 0 && (options.Depth == 0 || depth < options.Depth); depth++ {
		var below []place
		for _, at := range level {
			if _, ok := w.edges[at]; ok {
				continue
			}
			w.edges[at] = []LineageEdge{}
			for _, e := range d.edges(l.byID[at.id]) {
				if options.Kind == lineage.Value && e.Kind != lineage.Value {
					continue
				}
				w.edges[at] = append(w.edges[at], e)
				below = append(below, d.next(at, e))
			}
		}
		level = below
	}
	if options.Kind == lineage.Influence {
		w.keepInfluenced(from, d)
	}
	return w
}

// keepInfluenced drops the edges of ways that end without an influence.
func (w *ways) keepInfluenced(from []ColumnID, d direction) {
	leads := map[place]bool{}
	var visit func(at place) bool
	visit = func(at place) bool {
		if at.influenced {
			return true
		}
		if known, ok := leads[at]; ok {
			return known
		}
		leads[at] = false
		w.edges[at] = slices.DeleteFunc(w.edges[at], func(e LineageEdge) bool { return !visit(d.next(at, e)) })
		leads[at] = len(w.edges[at]) > 0
		return leads[at]
	}
	for _, id := range from {
		visit(place{id: id})
	}
}
