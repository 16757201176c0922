package format

import (
	"slices"

	"github.com/ripen-data/ripen/transforms/lex"
)

// callWords are reserved words that are called like functions.
var callWords = []string{
	"if", "cast", "extract", "array", "struct", "left", "right", "unnest", "grouping", "treat", "collate", "hash", "range",
	"rollup", "cube", "with", "new", "contains",
}

// values are reserved words that stand for a value or end one.
var values = []string{"null", "true", "false", "end", "row", "current", "all"}

// binary says whether the node at i is an operator between two operands.
func binary(nodes []*node, i int) bool {
	n := nodes[i]
	if !n.leaf() || n.open.Kind != lex.Punct || i+1 == len(nodes) {
		return false
	}
	switch n.open.Text {
	case "=", "!=", "<>", "<", ">", "<=", ">=", "||", "/", "|", "&", "^", "<<", ">>", "=>", "->", "+=", "-=":
		return true
	case "-", "+", "*":
		return i > 0 && operand(nodes, i-1)
	}
	return false
}

// operand says whether the node at i can end the left side of an operator.
func operand(nodes []*node, i int) bool {
	n := nodes[i]
	if !n.leaf() {
		return true
	}
	switch n.open.Kind {
	case lex.Punct:
		return n.open.Text == "?" || n.open.Text == "*" && !binary(nodes, i)
	case lex.Identifier:
		return n.path || !lex.Reserved(n.open.Text) || slices.Contains(values, n.word())
	}
	return true
}

// gap is what stands between the nodes at i-1 and i of an expression on one
// line: a space or nothing.
func gap(nodes []*node, i int) string {
	before, n := nodes[i-1], nodes[i]
	t := n.open
	switch {
	case n.punct(".") && before.leaf() && before.open.Kind == lex.Number, before.punct(".") && n.leaf() && t.Kind == lex.Number:
		return " " // the dot would become a part of the number
	case n.punct(","), n.punct(";"), n.punct("."), before.punct("."):
		return ""
	case before.punct("~"):
		return ""
	case before.punct("@"):
		if t.glued {
			return ""
		}
	case before.punct("-") || before.punct("+"):
		// Two signs in a row would be a comment.
		if !binary(nodes, i-1) && !n.punct("-") && !n.punct("+") {
			return ""
		}
		if tableName(nodes, i) && t.glued && before.open.glued {
			return ""
		}
	case n.bracket("("):
		if called(nodes, i-1) {
			return ""
		}
	case n.bracket("["):
		if operand(nodes, i-1) && !slices.Contains(values, before.word()) || before.word() == "array" || before.word() == "struct" {
			return ""
		}
	case n.bracket("<"):
		return ""
	case n.bracket("{"), odd(n), odd(before), before.bracket("{"):
		if t.glued {
			return ""
		}
	case n.punct("-") && t.glued && i+1 < len(nodes) && nodes[i+1].open.glued && tableName(nodes, i+1):
		return ""
	}
	return " "
}

// odd says whether the node is a character with no fixed place, which keeps the
// author's spaces.
func odd(n *node) bool {
	if !n.leaf() || n.open.Kind != lex.Punct {
		return false
	}
	switch n.open.Text {
	case "=", "!=", "<>", "<", ">", "<=", ">=", "||", "/", "|", "&", "^", "<<", ">>", "=>", "->", "+=", "-=",
		"-", "+", "*", "~", ",", ";", ".", "?", "|>", "@":
		return false
	}
	return true
}

// called says whether a parenthesis after the node at i is its argument list.
func called(nodes []*node, i int) bool {
	n := nodes[i]
	switch {
	case n.bracket("<"), n.bracket("["), n.bracket("("):
		return true
	case !n.leaf(), n.open.Kind != lex.Identifier && n.open.Kind != lex.Quoted && n.open.Kind != lex.Parameter:
		return false
	case n.path, n.open.Kind != lex.Identifier:
		return true
	case lex.Reserved(n.open.Text):
		return slices.Contains(callWords, n.word())
	}
	if i > 0 && nodes[i-1].word() == "into" {
		return false
	}
	switch n.word() {
	case "values", "pivot", "unpivot", "materialized", "insert":
		return false
	case "replace":
		return i == 0 || !nodes[i-1].punct("*")
	}
	return true
}

// tableName says whether the node at i is in a from clause, where a dash may be
// a part of a name.
func tableName(nodes []*node, i int) bool {
	return len(nodes) > 0 && nodes[0].word() == "from" && nodes[i].leaf() &&
		(nodes[i].open.Kind == lex.Identifier || nodes[i].open.Kind == lex.Number)
}
