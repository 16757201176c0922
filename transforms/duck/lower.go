package duck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Some constructs have no form in DuckDB that is near the author's text: pipes,
// set operations by name, PIVOT and UNPIVOT. A query that uses one is written
// from the analyzer's tree of scans instead, where every column has an id and
// every step lists its columns; expressions are still written from the text.
type lowering struct {
	all     bool // every query, not only those that need it
	names   map[int]string
	nodes   map[span]*syntax.Node      // expressions of the text by range
	scans   map[int][]*syntax.Resolved // by where they start, the outermost first
	ordered map[int]*syntax.Resolved   // ORDER BY columns by where they are written
	over    map[span]string            // OVER (…) of window functions by range
	ctes    map[string]string          // names of CTEs, by the analyzer's name
	cte     []string                   // recursive CTEs that are being written
	aliases int
	// direct is set while an expression of a scan is written, not of a query within it.
	direct bool
	// local holds the nodes of that expression by range: one that is a column was
	// computed by a scan below, e.g. an aggregate function.
	local map[span]*syntax.Resolved
	at    *syntax.Node // the query that is written, for faults
}

// Lower compiles as Compile does, but writes every query from the analyzer's
// tree: a second opinion on both, for tests.
func Lower(stmt *syntax.Statement) (Compiled, error) {
	compiled, refused := translate(stmt, false, true)
	if refused.found != nil {
		return Compiled{}, refused.err()
	}
	return compiled, nil
}

// lowered kinds of nodes make their query one that is written from the scans.
func lowers(n *syntax.Node) bool {
	switch n.Kind {
	case "FromQuery", "SetOperationColumnMatchMode", "SetOperationColumnPropagationMode", "PivotClause", "UnpivotClause", "PipeJoinLhsPlaceholder":
		return true
	}
	return strings.HasPrefix(n.Kind, "Pipe")
}

// needsLowering reports whether a Query uses such a construct itself, CTEs and
// subqueries in expressions aside: they are queries of their own.
func (w *writer) needsLowering(n *syntax.Node) bool {
	if w.low.all {
		return true
	}
	return slices.ContainsFunc(n.Kids, func(kid *syntax.Node) bool {
		switch kid.Kind {
		case "WithClause", "ExpressionSubquery":
			return false
		}
		if kid.Kind == "InExpression" {
			// IN (query) holds its Query itself.
			return slices.ContainsFunc(kid.Kids, func(k *syntax.Node) bool { return k.Kind != "Query" && w.needsLowering(k) })
		}
		return lowers(kid) || w.needsLowering(kid)
	})
}

func (w *writer) indexForLowering() {
	w.low = lowering{
		names: map[int]string{}, nodes: map[span]*syntax.Node{}, scans: map[int][]*syntax.Resolved{},
		ordered: map[int]*syntax.Resolved{}, over: map[span]string{}, ctes: map[string]string{},
	}
	var nodes func(n *syntax.Node)
	nodes = func(n *syntax.Node) {
		w.low.all = w.low.all || n.Kind == "PipeWith"
		if _, ok := w.low.nodes[spanOf(n)]; !ok && (isExpression(n.Kind) || n.Kind == "WindowFrame") {
			w.low.nodes[spanOf(n)] = n
		}
		for _, kid := range n.Kids {
			nodes(kid)
		}
	}
	nodes(w.stmt.Node)
	var scans func(r *syntax.Resolved)
	scans = func(r *syntax.Resolved) {
		if isScan(r) && r.Start >= 0 {
			w.low.scans[r.Start] = append(w.low.scans[r.Start], r)
		}
		if r.Kind == "OrderByItem" && r.Start >= 0 && len(r.Kids) > 0 {
			w.low.ordered[r.Start] = r.Kids[0]
		}
		for _, kid := range r.Kids {
			scans(kid)
		}
	}
	scans(w.stmt.Resolved)
}

func isScan(r *syntax.Resolved) bool { return strings.HasSuffix(r.Kind, "Scan") }

func firstScan(r *syntax.Resolved) *syntax.Resolved {
	for _, kid := range r.Kids {
		if isScan(kid) {
			return kid
		}
	}
	return nil
}

// lowered writes a Query from its scans.
func (w *writer) lowered(n *syntax.Node) string {
	outer := w.low.at
	w.low.at = n
	defer func() { w.low.at = outer }()
	w.refuseSteps(n)
	if n == firstKid(w.stmt.Node, "Query") {
		var outputs []output
		for _, kid := range w.stmt.Resolved.Kids {
			if kid.Kind == "OutputColumn" {
				outputs = append(outputs, output{kid.Columns[0].ID, quote(kid.Attr)})
			}
		}
		return w.render(w.scan(firstScan(w.stmt.Resolved)), outputs)
	}
	scan := w.scanOf(n)
	if scan == nil {
		w.fail(n, "this query does not run on DuckDB here", "put it into WITH")
	}
	if text := w.rows(scan); w.text[n.Start] != '(' {
		return text
	} else {
		return "(" + text + ")" // the parentheses are the query's own
	}
}

// scanOf finds the scan of a query, which may end before the query's last parentheses.
func (w *writer) scanOf(n *syntax.Node) *syntax.Resolved {
	for _, scan := range w.low.scans[n.Start] {
		if scan.End <= n.End {
			return scan
		}
	}
	return nil
}

// refuseSteps refuses what the scans do not tell, at its place.
func (w *writer) refuseSteps(n *syntax.Node) {
	for _, kid := range n.Kids {
		switch kid.Kind {
		case "WithClause", "ExpressionSubquery":
			continue
		case "SampleClause", "Hint", "ForSystemTime", "TVF", "WithModifier", "Collate", "PipeAssert", "PipeTablesample",
			"PipeStaticDescribe", "PipeDescribe", "PipeCall", "PipeLog", "PipeMatchRecognize":
			w.refuseKind(kid)
		}
		w.refuseSteps(kid)
	}
}

// rows writes a scan with columns of any names.
func (w *writer) rows(scan *syntax.Resolved) string {
	b := w.scan(scan)
	return w.render(b, w.outputs(scan))
}

// output is a column of a SELECT that is written, with its quoted name.
type output struct {
	id   int
	name string
}

// outputs names the columns of a scan, each by its own name where it can be.
func (w *writer) outputs(scan *syntax.Resolved) []output {
	taken := map[string]bool{}
	outputs := make([]output, len(scan.Columns))
	for i, column := range scan.Columns {
		name := strings.TrimLeft(column.Name, "$")
		if name == "" || taken[strings.ToLower(name)] {
			name = fmt.Sprintf("%s_%d", name, i+1)
		}
		taken[strings.ToLower(name)] = true
		outputs[i] = output{column.ID, quote(name)}
	}
	return outputs
}

// block is a SELECT that grows clause by clause.
type block struct {
	scan  *syntax.Resolved // what it has become so far
	with  string
	from  string         // what follows FROM; "" for one row
	join  bool           // from is more than one table
	where []string       //
	made  map[int]string // columns that its SELECT list computes
	grouped,
	group string
	order string
	limit string
	whole string // a UNION: the whole text instead of SELECT
}

// isSource reports whether b is no more than a FROM clause.
func (b *block) isSource() bool {
	return b.with == "" && b.from != "" && b.where == nil && b.isOpen() && b.order == ""
}

// isOpen reports whether WHERE and the SELECT list can still be written.
func (b *block) isOpen() bool {
	return b.made == nil && b.grouped == "" && b.limit == "" && b.whole == ""
}

// render writes the SELECT with the given columns.
func (w *writer) render(b *block, outputs []output) string {
	if b.whole != "" && sameColumns(outputs, w.outputs(b.scan)) {
		return b.with + b.whole
	}
	if b.whole != "" {
		b = w.closed(b)
	}
	list := make([]string, len(outputs))
	for i, o := range outputs {
		text, computed := b.made[o.id]
		if !computed {
			text = w.low.names[o.id]
		}
		if text == "" {
			w.fail(w.low.at, "column "+o.name+" of this query cannot be followed", "give it an alias, or write WITH for the steps")
		}
		list[i] = text
		if computed || text != o.name && !strings.HasSuffix(text, "."+o.name) {
			list[i] += " AS " + o.name
		}
	}
	if len(list) == 0 {
		list = []string{"1"}
	}
	text := b.with + "SELECT " + strings.Join(list, ", ")
	if b.from != "" {
		text += "\nFROM " + b.from
	}
	if b.where != nil {
		text += "\nWHERE " + strings.Join(b.where, " AND ")
	}
	if b.grouped != "" {
		text += "\nGROUP BY " + b.group
	}
	return text + b.order + b.limit
}

func sameColumns(a, b []output) bool { return slices.Equal(a, b) }

// alias makes a name for a table that no author uses.
func (w *writer) newAlias(base string) string {
	w.low.aliases++
	return quote(fmt.Sprintf("_%s%d", base, w.low.aliases))
}

// closed makes a block a subquery, whose columns have names.
func (w *writer) closed(b *block) *block {
	outputs := w.outputs(b.scan)
	seen := map[int]bool{}
	outputs = slices.DeleteFunc(outputs, func(o output) bool {
		again := seen[o.id]
		seen[o.id] = true
		return again
	})
	alias := w.newAlias("s")
	names := make([]string, len(outputs))
	for i, o := range outputs {
		names[i] = o.name
	}
	var text string
	if b.whole != "" {
		// The first branch names the columns; duplicates of an id are columns too.
		all := w.outputs(b.scan)
		names = make([]string, len(all))
		for i, o := range all {
			names[i] = o.name
		}
		outputs = all
		text = b.with + b.whole
	} else {
		text = w.render(b, outputs)
	}
	for _, o := range outputs {
		w.low.names[o.id] = alias + "." + o.name
	}
	from := "(\n" + text + "\n) AS " + alias
	if b.whole != "" {
		from += "(" + strings.Join(names, ", ") + ")"
	}
	return &block{scan: b.scan, from: from}
}

// source is b as a table of a FROM clause.
func (w *writer) source(b *block) *block {
	if b.isSource() {
		return b
	}
	return w.closed(b)
}

// open is b with its SELECT list still to be written.
func (w *writer) open(b *block) *block {
	if b.isOpen() {
		return b
	}
	return w.closed(b)
}

// failScan refuses a scan.
func (w *writer) failScan(r *syntax.Resolved, message, hint string) {
	at := w.low.at
	if r.Start >= 0 {
		at = &syntax.Node{Start: r.Start, End: r.End}
	}
	w.fail(at, message, hint)
}

// typed gives NULL the type of its column: a bare one is an INTEGER.
func (w *writer) typed(text string, r *syntax.Resolved) string {
	if text == "NULL" && r.Type != nil && r.Type.Kind != schemas.JSON && r.Type.Kind != schemas.Interval {
		return "CAST(NULL AS " + w.duckType(w.low.at, *r.Type) + ")"
	}
	return text
}
