package gsql

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	googlesql "github.com/goccy/go-googlesql"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Bounds of a recovery: what one statement may report, and how often it is analysed.
const (
	maxFaults   = 20
	maxAnalyses = 48
)

// recovery finds the faults behind the first one, where the analyzer stops. It
// puts something harmless in the place of the smallest expression at fault and
// has the statement analysed again:
//
//	select amuont, max_by(a, b) as m from t where n = 'x'
//	select NULL AS `amuont`, NULL as m from t where NULL
//
// What was replaced, and every name made of it, has a type that nobody knows. A
// complaint that rests on such a type is masked like any other but not reported:
// no message is better than one that vanishes with the fault above it. A table
// that is not known is replaced by one that has whatever column is asked of it.
type recovery struct {
	engine *Engine
	cat    syntax.Catalog
	src    syntax.Source
	root   *syntax.Node
	parent map[*syntax.Node]*syntax.Node

	edits   []edit // by place, disjoint
	masks   []mask
	open    []*syntax.Table // tables that grow columns as they are asked for
	aliases []string        // of open tables in FROM, in lower case; "" for none
	implied []*impliedColumn
	unsure  map[string]bool // names whose types are not known, in lower case

	found    []*syntax.Diagnostic
	places   []int           // of found, in bytes
	reported map[string]bool // a message and the SELECT that it is about
	piped    bool            // it has steps behind |>
	blurred  bool            // a column was masked whose name is the expression's, where it cannot get a second one
	misnamed bool            // a column was masked that is named by what was masked
	lost     bool            // a star of the result was masked: its columns are not known
}

// recover reports all faults of a statement of which one is known. The statement
// it returns has the columns that are left when the faults are masked.
func (e *Engine) recover(cat syntax.Catalog, src syntax.Source, root *syntax.Node, first error) (*syntax.Statement, []error) {
	r := &recovery{
		engine: e, cat: cat, src: src, root: root, parent: map[*syntax.Node]*syntax.Node{},
		unsure: map[string]bool{}, reported: map[string]bool{},
	}
	r.adopt(root)
	r.cat.Tables = nil
	for _, t := range cat.Tables {
		for _, name := range t.Unsure {
			r.unsure[name] = true
		}
		if !t.Open {
			r.cat.Tables = append(r.cat.Tables, t)
			continue
		}
		t.Columns = slices.Clone(t.Columns)
		r.open, r.aliases = append(r.open, &t), append(r.aliases, "")
	}
	statement := &syntax.Statement{Source: src, Partial: true}
	err := first
	for range maxAnalyses {
		if err == nil || len(r.found) == maxFaults {
			break
		}
		f, ok := r.locate(err)
		if !ok || !r.handle(f) {
			break
		}
		statement.Columns, err = r.analyse()
	}
	if err == nil && len(r.open) == 0 && !r.lost {
		r.spread()
		statement.Open = r.misnamed
		statement.Unsure = slices.Sorted(maps.Keys(r.unsure))
	} else {
		statement.Columns = nil
	}
	return statement, r.faults()
}

// faults are the diagnostics in the order of the text.
func (r *recovery) faults() []error {
	order := make([]int, len(r.found))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(r.places[a], r.places[b]) })
	errs := make([]error, len(order))
	for i, j := range order {
		errs[i] = r.found[j]
	}
	return errs
}

func (r *recovery) adopt(n *syntax.Node) {
	r.piped = r.piped || strings.HasPrefix(n.Kind, "Pipe")
	for _, kid := range n.Kids {
		r.parent[kid] = n
		r.adopt(kid)
	}
}

// analyse analyses the masked text.
func (r *recovery) analyse() ([]schemas.Column, error) {
	cat := r.cat
	cat.Tables = slices.Clone(cat.Tables)
	for _, t := range r.open {
		cat.Tables = append(cat.Tables, *t)
	}
	catalog, err := r.engine.catalog(cat)
	if err != nil {
		return nil, err
	}
	r.engine.analyses++
	output, err := googlesql.AnalyzeStatement(r.masked(), r.engine.analyzer, catalog, r.engine.types)
	if err != nil {
		return nil, err
	}
	columns, err := outputColumns(output)
	if err != nil {
		return nil, fmt.Errorf("%s: copy the analysis: %w", r.src.Name, err)
	}
	return columns, nil
}

// locate reads an error of the analyzer; false when it has no place.
func (r *recovery) locate(err error) (fault, bool) {
	text := err.Error()
	place := errorPlace.FindStringSubmatchIndex(text)
	if place == nil {
		return fault{}, false
	}
	f := classify(strings.TrimSpace(text[:place[0]] + text[place[1]:]))
	f.at = r.original(offsetOf(r.masked(), text[place[2]:place[3]], text[place[4]:place[5]]))
	return f, true
}

// handle reports a fault, if it is one of the author's, and masks it. It returns
// false when it cannot be masked.
func (r *recovery) handle(f fault) bool {
	if f.searched && r.grow(f) {
		return true
	}
	r.spread()
	subject := r.subject(f)
	if subject == nil {
		return false
	}
	if r.independent(f, subject) {
		r.report(f, subject)
	}
	if f.callee != "" && f.kind == certainFault && subject.Kind == "FunctionCall" && !r.covered(subject) && r.hideCall(subject) {
		return true
	}
	if part := bestDatePart(f.name); part != "" && strings.HasPrefix(f.message, "A valid date part") {
		if leaf := r.leaf(f.at); leaf.Kind == "Identifier" && !r.covered(leaf) {
			r.replace(leaf, " "+part+" ")
			return true
		}
	}
	for n := subject; n != nil; n = r.parent[n] {
		if !r.covered(n) && r.hide(n) {
			return true
		}
	}
	return false
}

// report adds a fault to those found, once per SELECT.
func (r *recovery) report(f fault, subject *syntax.Node) {
	key := f.message
	if query := r.around(subject, "Select"); query != nil {
		key = fmt.Sprintf("%d %d %s", query.Start, query.End, f.message)
	}
	if r.reported[key] {
		return
	}
	r.reported[key] = true
	message, hint := r.engine.word(f, r)
	r.found = append(r.found, r.src.At(f.at, message, hint))
	r.places = append(r.places, f.at)
}

// grow gives the open tables, and the steps with a masked column that was named by
// what is masked, a column of the name that is not found: then the fault vanishes
// if one of them was meant, and stays if none was. False when all have it already.
func (r *recovery) grow(f fault) bool {
	grown := false
	leaf := r.leaf(f.at)
	for i, t := range r.open {
		if !r.inScope(leaf, t.Name) {
			continue
		}
		if f.within != "" && slices.Contains(r.aliases, strings.ToLower(f.within)) && r.aliases[i] != strings.ToLower(f.within) {
			continue
		}
		if slices.ContainsFunc(t.Columns, func(c schemas.Column) bool { return strings.EqualFold(c.Name, f.name) }) {
			continue
		}
		t.Columns = append(t.Columns, schemas.Column{Name: f.name, Type: schemas.Type{Kind: schemas.Int64}})
		grown = true
		if column := r.around(leaf, "SelectColumn"); column != nil && firstOf(column, "Alias") == nil {
			// What is sorted behind a set operation sees the names of its branches alone.
			r.blurred = r.blurred || r.isStep(column) || r.around(column, "SetOperation") != nil
		}
	}
	for _, column := range r.implied {
		if slices.ContainsFunc(column.names, func(name string) bool { return strings.EqualFold(name, f.name) }) || !r.replaced(column.node) {
			continue
		}
		column.names = append(column.names, f.name)
		r.edit(edit{column.node.Start, column.node.End, " NULL AS `" + strings.Join(column.names, "`, NULL AS `") + "` "})
		grown = true
	}
	if grown {
		r.unsure[strings.ToLower(f.name)] = true
	}
	return grown
}

// replaced reports whether the edit of a node is still there, not part of a wider one.
func (r *recovery) replaced(n *syntax.Node) bool {
	return slices.ContainsFunc(r.edits, func(e edit) bool { return e.start == n.Start && e.end == n.End })
}

// leaf is the smallest node at a place.
func (r *recovery) leaf(at int) *syntax.Node {
	n := r.root
	for {
		i := slices.IndexFunc(n.Kids, func(kid *syntax.Node) bool {
			return kid.Start <= at && at < kid.End && kid.Kind != "Location" && kid.Kind != "SetOperationMetadataList"
		})
		if i < 0 {
			return n
		}
		n = n.Kids[i]
	}
}

// around is the node or the nearest one above it that is of a kind.
func (r *recovery) around(n *syntax.Node, kinds ...string) *syntax.Node {
	for ; n != nil; n = r.parent[n] {
		if slices.Contains(kinds, n.Kind) {
			return n
		}
	}
	return nil
}

// subject is the node that a fault is about.
func (r *recovery) subject(f fault) *syntax.Node {
	leaf := r.leaf(f.at)
	switch {
	case f.callee != "":
		for n := leaf; n != nil; n = r.parent[n] {
			if r.calls(n, f.callee) {
				if parent := r.parent[n]; parent != nil && parent.Kind == "AnalyticFunctionCall" {
					return parent
				}
				return n
			}
		}
	case strings.HasPrefix(f.message, "A valid date part"):
		if n := r.around(leaf, "FunctionCall", "ExtractExpression"); n != nil {
			return n
		}
	case strings.HasPrefix(f.message, "Table not found"):
		if n := r.around(leaf, "TablePathExpression"); n != nil {
			return n
		}
	case strings.HasPrefix(f.message, "Type not found"):
		if n := r.around(leaf, "CastExpression"); n != nil {
			return n
		}
	}
	n := leaf
	for n.Kind == "Identifier" && r.parent[n] != nil && r.parent[n].Kind != "StarExceptList" {
		n = r.parent[n]
	}
	return n
}

// calls reports whether a node calls a function or operator.
func (r *recovery) calls(n *syntax.Node, callee string) bool {
	callee = strings.ToLower(callee)
	switch n.Kind {
	case "FunctionCall":
		if len(n.Kids) == 0 {
			return false
		}
		name := strings.ToLower(r.src.Text[n.Kids[0].Start:n.Kids[0].End])
		return name == callee || strings.HasSuffix(name, "."+callee)
	case "CaseValueExpression", "CaseNoValueExpression":
		return strings.HasPrefix(callee, "case")
	case "BinaryExpression", "UnaryExpression", "BetweenExpression", "InExpression", "BitwiseShiftExpression":
		return strings.EqualFold(n.Attr, callee) || strings.HasPrefix(strings.ToLower(n.Attr), callee+" ")
	}
	return false
}

// independent reports whether a fault would be one if everything masked so far were right.
func (r *recovery) independent(f fault, subject *syntax.Node) bool {
	if r.piped && len(r.found) > 0 && f.kind != certainFault {
		return false // each step reads what the one before it names and types
	}
	switch f.kind {
	case certainFault:
		return len(r.open) == 0 || !r.isFieldPath(f, subject)
	case nameFault:
		return !(r.blurred && f.searched) && !r.names(subject, func(id *syntax.Node) bool {
			return id.Start < f.at && r.unsure[strings.ToLower(identifier(r.src, id))]
		})
	case signatureFault:
		return !r.involved(subject)
	case unitFault:
		return !r.involved(r.unit(subject))
	}
	query := r.around(subject, "SetOperation", "Select", "Query")
	if query == nil {
		return !r.distrusted()
	}
	for above := r.parent[query]; above != nil && (above.Kind == "SetOperation" || above.Kind == "Query"); above = r.parent[above] {
		query = above
	}
	return !r.involved(query)
}

// isFieldPath reports whether a table that is not found may be an array of another
// table of FROM, whose name was masked with it: FROM raw.evnts, evnts.items.
func (r *recovery) isFieldPath(f fault, subject *syntax.Node) bool {
	path := firstOf(subject, "PathExpression")
	if !strings.HasPrefix(f.message, "Table not found") || path == nil || len(path.Kids) < 2 {
		return false
	}
	dataset := identifier(r.src, path.Kids[0]) + "."
	return !slices.ContainsFunc(r.cat.Tables, func(t syntax.Table) bool { return strings.HasPrefix(t.Name, dataset) })
}

// unit is the item, the condition or the table that a node belongs to.
func (r *recovery) unit(n *syntax.Node) *syntax.Node {
	for at := n; at != nil; at = r.parent[at] {
		parent := r.parent[at]
		if parent == nil {
			return n
		}
		switch at.Kind {
		case "SelectColumn", "GroupingItem", "OrderingExpression", "TablePathExpression", "TableSubquery", "UsingClause", "LimitOffset":
			return at
		case "Select", "Query", "Join":
			return n
		}
		switch parent.Kind {
		case "WhereClause", "Having", "Qualify", "OnClause":
			return at
		case "AndExpr":
			if grand := r.parent[parent]; grand != nil {
				switch grand.Kind {
				case "WhereClause", "Having", "Qualify", "OnClause":
					return at
				}
			}
		}
	}
	return n
}
