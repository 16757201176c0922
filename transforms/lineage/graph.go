package lineage

import (
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// node is a column of a scan, one field of it, or the row set of a scan.
type node struct {
	id   int              // of the column
	path string           // dotted field path into the column; empty: the whole column
	rows *syntax.Resolved // the scan whose row set this is; nil for a column
}

// step is one thing that a node is made of: an expression, a column, a row set
// or a column of a table.
type step struct {
	how  How
	expr *syntax.Resolved
	id   int
	rows *syntax.Resolved
	leaf *syntax.ColumnRef
}

// named is the scan of a WITH entry.
type named struct {
	name string
	scan *syntax.Resolved
}

// arc is an edge of the graph.
type arc struct {
	how  How
	to   node
	leaf *syntax.ColumnRef // a column of a table: the walk ends
}

type graph struct {
	columns   map[int][]step
	rows      map[*syntax.Resolved][]step // by scan
	with      map[string]*syntax.Resolved // scans of WITH entries; the analyzer makes their names unique
	recursive []named                     // the recursive WITH entries around the current place
}

func isScan(n *syntax.Resolved) bool { return strings.HasSuffix(n.Kind, "Scan") }

// isExpression reports whether a kid of a scan is an expression rather than a
// part of the scan's own grammar.
func isExpression(n *syntax.Resolved) bool { return n.Type != nil }

func (g *graph) addColumn(id int, s step) { g.columns[id] = append(g.columns[id], s) }

func (g *graph) addRows(scan *syntax.Resolved, s step) { g.rows[scan] = append(g.rows[scan], s) }

// scan adds what a scan makes: its columns and its row set.
func (g *graph) scan(n *syntax.Resolved) {
	for _, kid := range n.Kids {
		g.visit(kid)
	}
	switch n.Kind {
	case "TableScan":
		for _, c := range n.Columns {
			g.addColumn(c.ID, step{how: Identity, leaf: &c})
		}
	case "WithRefScan":
		g.alias(n, g.with[n.Attr])
	case "RecursiveRefScan":
		g.alias(n, g.around(n))
	case "SetOperationScan", "RecursiveScan":
		g.setOperation(n)
	case "WithScan":
		g.addRows(n, step{how: Identity, rows: n.Kids[len(n.Kids)-1]})
	case "ProjectScan":
		g.project(n)
	case "FilterScan":
		g.combine(n, Filter)
	case "JoinScan":
		g.combine(n, Join)
	case "ArrayScan":
		g.arrayScan(n)
	case "AggregateScan":
		g.aggregate(n)
	case "AnalyticScan":
		g.analytic(n)
	case "OrderByScan", "LimitOffsetScan", "SampleScan", "BarrierScan":
		g.combine(n, Sort)
	case "SingleRowScan":
	default:
		g.unknown(n)
	}
}

// visit adds the scans inside a part of a scan.
func (g *graph) visit(n *syntax.Resolved) {
	if isScan(n) {
		g.scan(n)
		return
	}
	if n.Kind == "WithEntry" {
		query := n.Kids[len(n.Kids)-1]
		g.with[n.Attr] = query
		if query.Kind == "RecursiveScan" {
			g.recursive = append(g.recursive, named{n.Attr, query})
			defer func() { g.recursive = g.recursive[:len(g.recursive)-1] }()
		}
	}
	for _, kid := range n.Kids {
		g.visit(kid)
	}
}

// around is the recursive entry whose rows so far a RecursiveRefScan reads: the
// one that its columns are named after; the innermost if none is.
func (g *graph) around(n *syntax.Resolved) *syntax.Resolved {
	var found *syntax.Resolved
	for _, entry := range g.recursive {
		found = entry.scan
		if len(n.Columns) > 0 && strings.EqualFold(entry.name, n.Columns[0].Table) {
			break
		}
	}
	return found
}

// alias makes the columns of a reference those of what it refers to.
func (g *graph) alias(n, of *syntax.Resolved) {
	if of == nil {
		return
	}
	for i, c := range n.Columns {
		if i < len(of.Columns) {
			g.addColumn(c.ID, step{how: Identity, id: of.Columns[i].ID})
		}
	}
	g.addRows(n, step{how: Identity, rows: of})
}

// setOperation joins the columns of its items by position. What EXCEPT and
// INTERSECT compare with only decides which rows stay, and so do all columns of
// an operation that removes duplicates.
func (g *graph) setOperation(n *syntax.Resolved) {
	first := true
	for _, item := range n.Kids {
		if item.Kind != "SetOperationItem" {
			continue
		}
		how := Identity
		if !first && (strings.HasPrefix(n.Attr, "Except") || strings.HasPrefix(n.Attr, "Intersect")) {
			how = Filter
		}
		first = false
		for i, c := range item.Columns {
			if how == Filter {
				g.addRows(n, step{how: Filter, id: c.ID})
				continue
			}
			if i < len(n.Columns) {
				g.addColumn(n.Columns[i].ID, step{how: Identity, id: c.ID})
			}
			if strings.HasSuffix(n.Attr, "Distinct") {
				g.addRows(n, step{how: GroupBy, id: c.ID})
			}
		}
		for _, kid := range item.Kids {
			if isScan(kid) {
				g.addRows(n, step{how: how, rows: kid})
			}
		}
	}
}

// computed adds the column of a computed column and returns its expression; nil
// for any other node.
func (g *graph) computed(n *syntax.Resolved, extra ...step) *syntax.Resolved {
	if !strings.HasSuffix(n.Kind, "ComputedColumn") || len(n.Columns) == 0 || len(n.Kids) == 0 {
		return nil
	}
	g.addColumn(n.Columns[0].ID, step{how: Identity, expr: n.Kids[0]})
	for _, s := range extra {
		g.addColumn(n.Columns[0].ID, s)
	}
	return n.Kids[0]
}

func (g *graph) project(n *syntax.Resolved) {
	for _, kid := range n.Kids {
		if isScan(kid) {
			g.addRows(n, step{how: Identity, rows: kid})
		} else {
			g.computed(kid)
		}
	}
}

// combine makes a row set of those below and of expressions that shape it.
func (g *graph) combine(n *syntax.Resolved, how How) {
	for _, kid := range n.Kids {
		switch {
		case isScan(kid):
			g.addRows(n, step{how: Identity, rows: kid})
		case isExpression(kid):
			g.addRows(n, step{how: how, expr: kid})
		case kid.Kind == "OrderByItem":
			g.influence(kid, Sort, func(s step) { g.addRows(n, s) })
		}
	}
}

// influence passes every expression below n on as a step.
func (g *graph) influence(n *syntax.Resolved, how How, add func(step)) {
	for _, kid := range n.Kids {
		if isExpression(kid) {
			add(step{how: how, expr: kid})
		} else {
			g.influence(kid, how, add)
		}
	}
}

// arrayScan is FROM … UNNEST: the array also decides how many rows there are.
func (g *graph) arrayScan(n *syntax.Resolved) {
	for _, kid := range n.Kids {
		switch {
		case isScan(kid):
			g.addRows(n, step{how: Identity, rows: kid})
		case kid.Kind == "ArrayElement":
			for _, c := range kid.Columns {
				g.addColumn(c.ID, step{how: Transformation, expr: kid.Kids[0]})
			}
			g.addRows(n, step{how: Join, expr: kid.Kids[0]})
		case isExpression(kid):
			g.addRows(n, step{how: Join, expr: kid})
		}
	}
}

func (g *graph) aggregate(n *syntax.Resolved) {
	for _, kid := range n.Kids {
		switch {
		case isScan(kid):
			g.addRows(n, step{how: Identity, rows: kid})
		case kid.Kind == "GroupingCall": // GROUPING(x) tells which grouping set a row is of
			for _, c := range kid.Columns {
				g.addColumn(c.ID, step{how: GroupBy, expr: kid.Kids[0]})
			}
		default:
			if expr := g.computed(kid); expr != nil && expr.Kind != "AggregateFunctionCall" {
				g.addRows(n, step{how: GroupBy, expr: expr})
			}
		}
	}
}

// analytic adds window functions: their windows influence their columns alone.
func (g *graph) analytic(n *syntax.Resolved) {
	for _, kid := range n.Kids {
		if isScan(kid) {
			g.addRows(n, step{how: Identity, rows: kid})
			continue
		}
		var window []step
		for _, part := range kid.Kids {
			if part.Kind == "WindowPartitioning" || part.Kind == "WindowOrdering" {
				g.influence(part, Window, func(s step) { window = append(window, s) })
			}
		}
		for _, part := range kid.Kids {
			g.computed(part, window...)
		}
	}
}

// unknown takes everything that a scan of a kind not listed has to do with for a
// source of everything that it makes: too much rather than too little.
func (g *graph) unknown(n *syntax.Resolved) {
	var all []step
	for _, kid := range n.Kids {
		if isScan(kid) {
			g.addRows(n, step{how: Identity, rows: kid})
			for _, c := range kid.Columns {
				all = append(all, step{how: Transformation, id: c.ID})
			}
		} else if g.computed(kid) == nil {
			if isExpression(kid) {
				g.addRows(n, step{how: Filter, expr: kid})
			}
			g.influence(kid, Filter, func(s step) { g.addRows(n, s) })
		}
	}
	for _, c := range n.Columns {
		if g.columns[c.ID] == nil {
			g.columns[c.ID] = all
		}
	}
}
