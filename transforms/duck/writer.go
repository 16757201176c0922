package duck

import (
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// span is a byte range of the source.
type span struct{ start, end int }

func spanOf(n *syntax.Node) span { return span{n.Start, n.End} }

// writer writes one statement. Every method that takes a node returns its text in
// DuckDB's SQL; methods for expressions return either a copy of the author's
// operators or one primary expression, never an operator of their own without
// parentheses around it.
type writer struct {
	stmt   *syntax.Statement
	text   string
	params map[string]bool
	rules  map[string]rule // functions by GoogleSQL name

	resolved map[span]*syntax.Resolved   // the outermost expression of a range
	wanted   map[span]schemas.Type       // what an expression is implicitly cast to
	byText   map[string]schemas.Type     // types by normalised text, for repeats without a range
	fields   map[string]*syntax.Resolved // fields of STRUCTs, likewise
	columns  map[span][]int              // ids of the columns that an expression computes
	keys     map[span]schemas.Type       // types of what an ORDER BY orders by
	elements map[span]int                // array expression -> id of its element column
	aliases  map[int]string              // element column -> the name it has in the text
	raised   map[span]schemas.Type       // what ERROR stands for, by the range of its message
	refused  refusals
	unnamed  int // UNNESTs without an alias so far

	// selects holds the select list whose aliases are in scope: of HAVING,
	// QUALIFY and ORDER BY; nil elsewhere.
	selects []selectItem
	hidden  []selectItem // those of the queries around this one
	from    []source     // sources of the SELECT that is written
	// values holds the SELECTs of subqueries that are one value or an array, where
	// AS STRUCT may stand.
	values map[*syntax.Node]bool
	low    lowering
	// wide holds the INT64 keys of a RANGE, to whose values offsets are added.
	wide map[*syntax.Node]bool
	// nullArguments holds the NULLs that are arguments of functions: without a type
	// they would choose among DuckDB's functions of one name.
	nullArguments map[*syntax.Node]bool
}

func newWriter(stmt *syntax.Statement) *writer {
	w := &writer{
		stmt: stmt, text: stmt.Source.Text, params: map[string]bool{}, rules: functions(),
		resolved: map[span]*syntax.Resolved{}, wanted: map[span]schemas.Type{}, byText: map[string]schemas.Type{}, fields: map[string]*syntax.Resolved{},
		columns: map[span][]int{}, keys: map[span]schemas.Type{}, elements: map[span]int{}, aliases: map[int]string{},
		values: map[*syntax.Node]bool{}, raised: map[span]schemas.Type{}, nullArguments: map[*syntax.Node]bool{}, wide: map[*syntax.Node]bool{},
	}
	w.index(stmt.Resolved)
	w.indexLiterals(stmt.Resolved)
	w.indexForLowering()
	return w
}

func (w *writer) index(r *syntax.Resolved) {
	at := span{r.Start, r.End}
	if r.Type != nil && r.Start >= 0 && r.End <= len(w.text) {
		known, ok := w.resolved[at]
		// A repeat of an expression is a reference to its column: the expression says more.
		if !ok || known.Kind == "ColumnRef" && r.Kind != "ColumnRef" {
			w.resolved[at] = r
		}
		text := normal(w.text[r.Start:r.End])
		w.byText[text] = *r.Type
		if r.Kind == "GetStructField" {
			w.fields[text] = r
		}
	}
	switch {
	case r.Kind == "Cast" && r.Start < 0 && len(r.Kids) > 0 && r.Type != nil:
		if raise := r.Kids[0]; raise.Kind == "FunctionCall" && raise.Attr == "error" && len(raise.Kids) > 0 {
			w.raised[span{raise.Kids[0].Start, raise.Kids[0].End}] = *r.Type
		}
		w.wanted[span{r.Kids[0].Start, r.Kids[0].End}] = *r.Type
	case r.Kind == "ComputedColumn" && len(r.Kids) > 0 && len(r.Columns) > 0:
		made := span{r.Kids[0].Start, r.Kids[0].End}
		w.columns[made] = append(w.columns[made], r.Columns[0].ID)
	case r.Kind == "OrderByItem" && len(r.Kids) > 0 && r.Kids[0].Type != nil:
		w.keys[at] = *r.Kids[0].Type
	case r.Kind == "ArrayElement" && len(r.Columns) > 0:
		w.elements[at] = r.Columns[0].ID
	}
	for _, kid := range r.Kids {
		w.index(kid)
	}
}

// indexLiterals finds the numbers as written that a set operation makes NUMERIC in
// a step behind them.
func (w *writer) indexLiterals(root *syntax.Resolved) {
	literals := map[int]*syntax.Resolved{}
	everyResolved(root, func(r *syntax.Resolved) {
		if r.Kind == "ComputedColumn" && len(r.Columns) > 0 && len(r.Kids) == 1 && r.Kids[0].Kind == "Literal" {
			literals[r.Columns[0].ID] = r.Kids[0]
		}
	})
	everyResolved(root, func(r *syntax.Resolved) {
		if r.Kind != "Cast" || r.Start >= 0 || r.Type == nil || r.Type.Kind != schemas.Numeric || len(r.Kids) == 0 || len(r.Kids[0].Columns) == 0 {
			return
		}
		if literal := literals[r.Kids[0].Columns[0].ID]; literal != nil && literal.Type != nil && literal.Type.Kind == schemas.Float64 {
			w.wanted[span{literal.Start, literal.End}] = *r.Type
			w.wanted[span{literal.Start + 1, literal.End}] = *r.Type // behind a minus
		}
	})
}

// normal is text without case and white space.
func normal(text string) string {
	return strings.ToLower(strings.Join(strings.Fields(text), ""))
}

// typeOf is the type of an expression before implicit casts; the zero Type where
// the analyzer says nothing.
func (w *writer) typeOf(n *syntax.Node) schemas.Type {
	if r := w.resolved[spanOf(n)]; r != nil && r.Type != nil {
		return *r.Type
	}
	// A literal inside a constant array or STRUCT has no node of its own.
	if kind, ok := literalTypes[n.Kind]; ok {
		return schemas.Type{Kind: kind}
	}
	return w.byText[normal(w.text[n.Start:n.End])]
}

var literalTypes = map[string]schemas.Kind{
	"IntLiteral": schemas.Int64, "FloatLiteral": schemas.Float64, "StringLiteral": schemas.String,
	"NumericLiteral": schemas.Numeric, "BooleanLiteral": schemas.Bool, "BytesLiteral": schemas.Bytes,
}

// typeWanted is the type of an expression after implicit casts.
func (w *writer) typeWanted(n *syntax.Node) schemas.Type {
	if t, ok := w.wanted[spanOf(n)]; ok {
		return t
	}
	return w.typeOf(n)
}

// fail refuses the node; Compile returns the diagnostic. The nearest guarded part
// of the statement ends here.
func (w *writer) fail(n *syntax.Node, message, hint string) {
	panic(refusal{n.Start, w.stmt.Source.At(n.Start, message, hint)})
}

// copyKinds are the nodes that mean the same on both sides, with the children
// that were reviewed. "expr" stands for every expression.
var copyKinds = map[string][]string{
	"QueryStatement":    {"Query"},
	"WithClause":        {"WithClauseEntry"},
	"WithClauseEntry":   {"AliasedQuery"},
	"AliasedQuery":      {"Identifier", "Query"},
	"SelectList":        {"SelectColumn"},
	"FromClause":        {"Join", "TablePathExpression", "TableSubquery", "ParenthesizedJoin"},
	"ParenthesizedJoin": {"Join"},
	"OnClause":          {"expr"},
	"UsingClause":       {"Identifier"},
	"WhereClause":       {"expr"},
	"Rollup":            {"expr"},
	"Cube":              {"expr"},
	"GroupingSetList":   {"GroupingSet"},
	"GroupingSet":       {"expr", "Rollup", "Cube"},
	"WindowClause":      {"WindowDefinition"},
	"WindowDefinition":  {"Identifier", "WindowSpecification"},
	"PartitionBy":       {"expr"},
	"WindowFrame":       {"WindowFrameExpr"},
	"WindowFrameExpr":   {"expr"},
	"Location":          {},
	"NullOrder":         {},
	"AndExpr":           {"expr"},
	"OrExpr":            {"expr"},
	"BooleanLiteral":    {},
}

type handler func(*writer, *syntax.Node) string

// handlers write the nodes that differ. It is filled where they stand: a literal
// would be an initialisation cycle.
func handlerOf(kind string) handler {
	switch kind {
	case "Query":
		return (*writer).query
	case "Select":
		return (*writer).selectStatement
	case "SelectColumn":
		return (*writer).selectColumn
	case "SetOperation":
		return (*writer).setOperation
	case "GroupBy":
		return (*writer).groupBy
	case "OrderBy":
		return (*writer).orderBy
	case "LimitOffset", "Limit":
		return (*writer).limit
	case "WindowSpecification":
		return (*writer).windowSpecification
	case "Alias":
		return (*writer).alias
	case "Identifier":
		return (*writer).identifierNode
	case "TablePathExpression":
		return (*writer).tablePath
	case "TableSubquery":
		return (*writer).tableSubquery
	case "Join":
		return (*writer).join
	}
	return expressions(kind)
}

// expressions are the handlers of expressions; nil for AND, OR, CASE, TRUE and
// NULL, which are copied.
func expressions(kind string) handler {
	switch kind {
	case "PathExpression":
		return (*writer).path
	case "IntLiteral":
		return (*writer).intLiteral
	case "FloatLiteral":
		return (*writer).floatLiteral
	case "StringLiteral":
		return (*writer).stringLiteral
	case "NullLiteral":
		return (*writer).nullLiteral
	case "BytesLiteral":
		return (*writer).bytesLiteral
	case "NumericLiteral":
		return (*writer).numericLiteral
	case "JSONLiteral":
		return (*writer).jsonLiteral
	case "DateOrTimeLiteral":
		return (*writer).dateOrTimeLiteral
	case "ParameterExpr":
		return (*writer).parameter
	case "CaseNoValueExpression":
		return (*writer).caseCondition
	case "CaseValueExpression":
		return (*writer).caseValue
	case "BinaryExpression":
		return (*writer).binary
	case "BitwiseShiftExpression":
		return (*writer).shift
	case "UnaryExpression":
		return (*writer).unary
	case "BetweenExpression":
		return (*writer).between
	case "InExpression":
		return (*writer).in
	case "LikeExpression":
		return (*writer).likeAny
	case "CastExpression":
		return (*writer).cast
	case "ExtractExpression":
		return (*writer).extract
	case "FunctionCall":
		return (*writer).functionCall
	case "AnalyticFunctionCall":
		return (*writer).analyticCall
	case "ExpressionSubquery":
		return (*writer).subquery
	case "ArrayConstructor":
		return (*writer).arrayConstructor
	case "StructConstructorWithKeyword", "StructConstructorWithParens":
		return (*writer).structConstructor
	case "IntervalExpr":
		return (*writer).intervalExpr
	case "ArrayElement":
		return (*writer).arrayElement
	case "DotIdentifier":
		return (*writer).dotIdentifier
	}
	return nil
}

func isExpression(kind string) bool {
	switch kind {
	case "AndExpr", "OrExpr", "BooleanLiteral":
		return true
	}
	return expressions(kind) != nil
}

// node writes any node.
func (w *writer) node(n *syntax.Node) string {
	if slices.Contains(apartKinds, n.Kind) {
		return w.guarded(func() string { return w.nodeOf(n) })
	}
	return w.nodeOf(n)
}

func (w *writer) nodeOf(n *syntax.Node) string {
	if text := w.computed(n); text != "" {
		return text
	}
	if write := handlerOf(n.Kind); write != nil {
		return write(w, n)
	}
	allowed, ok := copyKinds[n.Kind]
	if !ok {
		w.refuseKind(n)
	}
	w.reviewed(n, allowed...)
	return w.copy(n)
}

// reviewed refuses children of other kinds than the allowed ones.
func (w *writer) reviewed(n *syntax.Node, allowed ...string) {
	for _, kid := range n.Kids {
		if slices.Contains(allowed, kid.Kind) || isExpression(kid.Kind) && slices.Contains(allowed, "expr") || kid.Kind == "Location" {
			continue
		}
		w.refuseKind(kid)
	}
}

// copy writes the node's own text with its children written in their places.
func (w *writer) copy(n *syntax.Node) string {
	return w.copyWith(n, w.node)
}

func (w *writer) copyWith(n *syntax.Node, write func(*syntax.Node) string) string {
	var b strings.Builder
	at := n.Start
	for _, kid := range inOrder(n.Kids) {
		if kid.Start < at {
			w.fail(kid, kind(kid)+" overlaps what stands before it", "write it in the usual order")
		}
		b.WriteString(w.gap(at, kid.Start))
		b.WriteString(write(kid))
		at = kid.End
	}
	b.WriteString(w.gap(at, n.End))
	return b.String()
}

func inOrder(nodes []*syntax.Node) []*syntax.Node {
	sorted := slices.Clone(nodes)
	slices.SortStableFunc(sorted, func(a, b *syntax.Node) int { return a.Start - b.Start })
	return sorted
}

func firstKid(n *syntax.Node, kinds ...string) *syntax.Node {
	for _, kid := range n.Kids {
		if slices.Contains(kinds, kid.Kind) {
			return kid
		}
	}
	return nil
}
