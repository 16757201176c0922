package gsql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// edit replaces bytes of the author's text.
type edit struct {
	start, end int
	text       string
}

// mask is a node whose place something else has taken: a soft one has kept
// its arguments, which can still be at fault.
type mask struct {
	start, end int
	soft       bool
}

// expressions are the nodes that NULL can stand for.
var expressions = set("PathExpression", "DotIdentifier", "DotGeneralizedField", "ArrayElement", "FunctionCall",
	"AnalyticFunctionCall", "BinaryExpression", "BitwiseShiftExpression", "UnaryExpression", "BetweenExpression",
	"InExpression", "LikeExpression", "CaseValueExpression", "CaseNoValueExpression", "CastExpression", "ExtractExpression",
	"ExpressionSubquery", "ArrayConstructor", "StructConstructorWithKeyword", "StructConstructorWithParens", "AndExpr", "OrExpr",
	"ParameterExpr", "DateOrTimeLiteral", "IntLiteral", "FloatLiteral", "StringLiteral", "BytesLiteral", "NumericLiteral",
	"BigNumericLiteral", "JSONLiteral", "BooleanLiteral", "NullLiteral", "StructConstructorArg", "IntervalExpr")

// slots are the nodes below which NULL can stand for an expression.
var slots = set("WhereClause", "Having", "Qualify", "OnClause", "PartitionBy", "StructConstructorArg", "AndExpr", "OrExpr",
	"BinaryExpression", "BitwiseShiftExpression", "UnaryExpression", "BetweenExpression", "InExpression", "InList", "LikeExpression",
	"CaseValueExpression", "CaseNoValueExpression", "FunctionCall", "ArrayConstructor", "StructConstructorWithKeyword",
	"StructConstructorWithParens", "CastExpression", "SelectColumn", "StarReplaceItem", "ArrayElement")

// notNull are the nodes below which a literal is refused.
var notNull = set("GroupingItem", "OrderingExpression", "Rollup", "Cube", "GroupingSet")

// someNull is NULL, but no literal.
const someNull = " IFNULL(NULL, NULL) "

func set(words ...string) map[string]bool {
	made := make(map[string]bool, len(words))
	for _, w := range words {
		made[w] = true
	}
	return made
}

// hide puts something harmless in the place of a node; false where nothing could.
func (r *recovery) hide(n *syntax.Node) bool {
	parent := r.parent[n]
	if parent == nil {
		return false
	}
	first := parent.Kids[0] == n
	switch {
	case n.Kind == "TablePathExpression", n.Kind == "TableSubquery", n.Kind == "TVF":
		r.replace(n, " "+r.openSource(aliasOf(r.src, n))+" ")
	case n.Kind == "Query" && (parent.Kind == "AliasedQuery" || parent.Kind == "TableSubquery"):
		if alias := aliasOf(r.src, parent); alias != "" {
			r.unsure[strings.ToLower(alias)] = true // SELECT AS VALUE: the alias is the value
		}
		text := "SELECT * FROM " + r.openSource("")
		if strings.HasPrefix(r.src.Text[n.Start:], "(") {
			text = "(" + text + ")"
		}
		r.replace(n, " "+text+" ")
	case n.Kind == "UsingClause":
		r.distrust(n)
		r.replace(n, " ON TRUE ")
	case n.Kind == "SelectColumn" && strings.Contains(n.Kids[0].Kind, "Star"):
		if r.around(n, "AliasedQuery", "TableSubquery") != nil {
			return false // the columns of a step are read: the whole step gives way
		}
		r.lost = true
		r.replace(n, " NULL ")
	case n.Kind == "LimitOffset":
		r.replace(n, " ")
	case n.Kind == "Identifier" && parent.Kind == "StarExceptList":
		r.hideExcepted(n, parent)
	case !expressions[n.Kind], parent.Kind == "StarReplaceItem" && !first, parent.Kind == "CastExpression" && !first:
		return false
	case parent.Kind == "FunctionCall" && first: // its name
		return false
	case notNull[parent.Kind]:
		r.replace(n, someNull)
	case parent.Kind == "SelectColumn":
		if name := impliedName(r.src, n); name != "" && firstOf(parent, "Alias") == nil {
			r.replace(n, " NULL AS `"+name+"` ")
			r.misnamed = true
			switch {
			case r.isStep(parent):
				r.implied = append(r.implied, &impliedColumn{n, []string{name}})
			case r.around(parent, "SetOperation") != nil:
				r.blurred = true
			}
		} else {
			r.replace(n, " NULL ")
		}
	case slots[parent.Kind]:
		r.replace(n, " NULL ")
	default:
		return false
	}
	return true
}

// impliedColumn is a masked column that was named by its expression: the name may
// be as wrong as the expression, so the steps that read it may know others.
type impliedColumn struct {
	node  *syntax.Node
	names []string
}

// isStep reports whether the SELECT of a column is a step of WITH or a subquery in FROM.
func (r *recovery) isStep(column *syntax.Node) bool {
	n := r.around(column, "Select")
	for n = r.parent[n]; n != nil && n.Kind == "Query"; n = r.parent[n] {
	}
	return n != nil && (n.Kind == "AliasedQuery" || n.Kind == "TableSubquery")
}

// hideExcepted takes a name out of * EXCEPT (…).
func (r *recovery) hideExcepted(n, list *syntax.Node) {
	r.masks = append(r.masks, mask{n.Start, n.End, false})
	var left []string
	for _, kid := range list.Kids {
		if !r.covered(kid) {
			left = append(left, r.src.Text[kid.Start:kid.End])
		}
	}
	text := " "
	if len(left) > 0 {
		text = " EXCEPT (" + strings.Join(left, ", ") + ") "
	}
	r.edit(edit{list.Start, list.End, text})
}

// hideCall puts NULL in the place of a call of an unknown function but leaves its
// arguments, as the fields of a STRUCT, to be analysed.
func (r *recovery) hideCall(call *syntax.Node) bool {
	parent := r.parent[call]
	if parent == nil || !slots[parent.Kind] || len(call.Kids) < 2 || r.edited(call) {
		return false
	}
	for _, argument := range call.Kids[1:] {
		if !expressions[argument.Kind] || argument.Kind == "IntervalExpr" || argument.Kind == "StructConstructorArg" ||
			r.namesDatePart(argument) {
			return false
		}
	}
	from, to := call.Kids[1].Start, call.Kids[len(call.Kids)-1].End
	between := r.src.Text[call.Kids[0].End:from]
	if strings.TrimSpace(between) != "(" || strings.TrimSpace(r.src.Text[to:call.End]) != ")" {
		return false // DISTINCT and other words
	}
	r.edit(edit{call.Start, from, " IF(STRUCT("})
	r.edit(edit{to, call.End, ") IS NULL, NULL, NULL) "})
	r.masks = append(r.masks, mask{call.Start, call.End, true})
	return true
}

// namesDatePart reports whether an argument is MONTH or WEEK(MONDAY): no expression.
func (r *recovery) namesDatePart(n *syntax.Node) bool {
	if n.Kind == "FunctionCall" {
		n = n.Kids[0]
	}
	word := strings.ToLower(r.src.Text[n.Start:n.End])
	return n.Kind == "PathExpression" && (dateParts[word] || normalForms[word])
}

// edited reports whether something in the node was replaced.
func (r *recovery) edited(n *syntax.Node) bool {
	return slices.ContainsFunc(r.edits, func(e edit) bool { return e.start < n.End && n.Start < e.end })
}

// replace puts text in the place of a node.
func (r *recovery) replace(n *syntax.Node, text string) {
	r.edit(edit{n.Start, n.End, text})
	r.masks = append(r.masks, mask{n.Start, n.End, false})
}

// edit adds an edit in place of those inside it.
func (r *recovery) edit(e edit) {
	r.edits = slices.DeleteFunc(r.edits, func(old edit) bool { return e.start <= old.start && old.end <= e.end })
	i, _ := slices.BinarySearchFunc(r.edits, e, func(a, b edit) int { return a.start - b.start })
	r.edits = slices.Insert(r.edits, i, e)
}

// masked is the text with its edits.
func (r *recovery) masked() string {
	var b strings.Builder
	at := 0
	for _, e := range r.edits {
		b.WriteString(r.src.Text[at:e.start])
		b.WriteString(e.text)
		at = e.end
	}
	b.WriteString(r.src.Text[at:])
	return b.String()
}

// original is the place in the author's text of one in the masked text.
func (r *recovery) original(offset int) int {
	shift := 0 // of what follows an edit
	for _, e := range r.edits {
		switch {
		case offset < e.start+shift:
			return offset - shift
		case offset < e.start+shift+len(e.text):
			return e.start
		}
		shift += len(e.text) - (e.end - e.start)
	}
	return min(offset-shift, len(r.src.Text))
}

// covered reports whether a node was already replaced, alone or with more.
func (r *recovery) covered(n *syntax.Node) bool {
	return slices.ContainsFunc(r.masks, func(m mask) bool {
		return m.soft && m.start == n.Start && m.end == n.End || !m.soft && m.start <= n.Start && n.End <= m.end
	})
}

// openSource makes a table that has every column asked of it, and returns how FROM names it.
func (r *recovery) openSource(alias string) string {
	name := fmt.Sprintf("ripen_open_%d", len(r.open)+1)
	r.open = append(r.open, &syntax.Table{Name: name, Columns: []schemas.Column{{Name: "_ripen_open", Type: schemas.Type{Kind: schemas.Int64}}}})
	r.aliases = append(r.aliases, strings.ToLower(alias))
	if alias == "" {
		return "`" + name + "`"
	}
	return "`" + name + "` AS `" + alias + "`"
}

// aliasOf is the name of a table of FROM; empty when it has none.
func aliasOf(src syntax.Source, n *syntax.Node) string {
	if alias := firstOf(n, "Alias"); alias != nil {
		if id := firstOf(alias, "Identifier"); id != nil {
			return identifier(src, id)
		}
	}
	if path := firstOf(n, "PathExpression"); path != nil && len(path.Kids) > 0 {
		return lastPart(identifier(src, path.Kids[len(path.Kids)-1]))
	}
	return ""
}

// impliedName is the name that a column without an alias has; empty for none.
func impliedName(src syntax.Source, n *syntax.Node) string {
	if n.Kind != "PathExpression" && n.Kind != "DotIdentifier" || len(n.Kids) == 0 {
		return ""
	}
	if last := n.Kids[len(n.Kids)-1]; last.Kind == "Identifier" {
		return identifier(src, last)
	}
	return ""
}
