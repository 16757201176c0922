package duck

import (
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// caseValue writes CASE x WHEN y THEN …, which compares as = does: by conditions
// where DuckDB's own comparison has another meaning.
func (w *writer) caseValue(n *syntax.Node) string {
	w.reviewed(n, "expr")
	value, written := n.Kids[0], false
	for i := 1; i+1 < len(n.Kids); i += 2 {
		written = written || isComposite(w.typeOf(value)) || isComposite(w.typeOf(n.Kids[i])) || w.mayBeNaN(value) && w.mayBeNaN(n.Kids[i])
	}
	if !written {
		for i := 1; i+1 < len(n.Kids); i += 2 {
			w.comparable(n, value, n.Kids[i])
		}
		return w.results(n, 1)
	}
	t := w.typeWanted(n)
	result := func(kid *syntax.Node) string {
		if hasStruct(t) {
			return w.as(kid, t)
		}
		return w.node(kid)
	}
	text := w.comments(n) + "CASE"
	i := 1
	for ; i+1 < len(n.Kids); i += 2 {
		text += " WHEN " + w.equals(n, value, n.Kids[i]) + " THEN " + result(n.Kids[i+1])
	}
	if i < len(n.Kids) {
		text += " ELSE " + result(n.Kids[i])
	}
	return text + " END"
}

// equals writes the equality of two expressions as GoogleSQL has it.
func (w *writer) equals(n, left, right *syntax.Node) string {
	if isComposite(w.typeOf(left)) || isComposite(w.typeOf(right)) {
		return w.composite(n, left, right, "=")
	}
	w.comparable(n, left, right)
	if w.mayBeNaN(left) && w.mayBeNaN(right) {
		return "bq.eq(" + w.plain(left) + ", " + w.plain(right) + ")"
	}
	return wrap(left, w.plain(left)) + " = " + wrap(right, w.plain(right))
}

func isNull(n *syntax.Node) bool { return n.Kind == "NullLiteral" }

// floatBetween writes BETWEEN where a bound may be NaN.
func (w *writer) floatBetween(n *syntax.Node) string {
	var parts []string
	for _, kid := range n.Kids {
		if kid.Kind != "Location" {
			text := w.plain(kid)
			if isNull(kid) {
				text = "CAST(NULL AS DOUBLE)"
			}
			parts = append(parts, text)
		}
	}
	not := ""
	if slices.Contains(w.words(n), "NOT") {
		not = "NOT "
	}
	return w.comments(n) + "(" + not + "(bq.ge(" + parts[0] + ", " + parts[1] + ") AND bq.ge(" + parts[2] + ", " + parts[0] + ")))"
}

func (w *writer) in(n *syntax.Node) string {
	w.reviewed(n, "expr", "Location", "InList", "Query", "UnnestExpression")
	value, list := n.Kids[0], n.Kids[len(n.Kids)-1]
	if list.Kind == "InList" && isComposite(w.typeOf(value)) {
		return w.compositeIn(n, value, list)
	}
	w.comparable(n, value, value)
	if w.mayBeNaN(value) && (list.Kind != "InList" || slices.ContainsFunc(list.Kids, w.mayBeNaN)) {
		return w.floatIn(n, value, list)
	}
	if list.Kind != "UnnestExpression" {
		return w.copyWith(n, func(kid *syntax.Node) string {
			switch kid.Kind {
			case "Location":
				return w.text[kid.Start:kid.End]
			case "InList":
				w.reviewed(kid, "expr")
				return w.copyWith(kid, w.plain)
			}
			return w.node(kid)
		})
	}
	if len(list.Kids) != 1 || len(list.Kids[0].Kids) != 1 {
		w.refuseKind(list)
	}
	found := "(" + w.operand(value) + " = ANY(" + w.node(list.Kids[0].Kids[0]) + "))"
	if n.Attr == "NOT IN" {
		return w.comments(n) + "(NOT " + found + ")"
	}
	return w.comments(n) + found
}

// floatIn writes IN of FLOAT64 without the NaNs of what stands behind it: nothing
// equals them, and in DuckDB NaN would.
func (w *writer) floatIn(n, value, list *syntax.Node) string {
	text := ""
	switch {
	case list.Kind == "InList":
		w.reviewed(list, "expr")
		texts := make([]string, len(list.Kids))
		for i, kid := range list.Kids {
			texts[i] = w.equals(kid, value, kid)
		}
		text = "(" + strings.Join(texts, " OR ") + ")"
	case list.Kind == "Query":
		query := w.node(list)
		text = "(" + w.operand(value) + " IN (SELECT _x FROM (" + query + "\n) AS _floats(_x) WHERE isnan(_x) IS NOT TRUE))"
	case len(list.Kids) == 1 && len(list.Kids[0].Kids) == 1:
		text = "(" + w.operand(value) + " = ANY(list_filter(" + w.node(list.Kids[0].Kids[0]) + ", lambda _x: isnan(_x) IS NOT TRUE)))"
	default:
		w.refuseKind(list)
	}
	if n.Attr == "NOT IN" {
		text = "(NOT " + text + ")"
	}
	return w.comments(n) + text
}
