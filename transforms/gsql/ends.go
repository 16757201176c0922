package gsql

import (
	"sort"
	"strings"

	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// closeParentheses makes a query and a step of a pipe end behind the parentheses
// that it opens: the parser's ranges end before those of its last operand.
func closeParentheses(text string, root *syntax.Node) error {
	tokens, err := lex.Tokens(text)
	if err != nil {
		return err
	}
	close := parentheses{tokens: tokens}
	close.node(root)
	return nil
}

type parentheses struct{ tokens []lex.Token }

func (p parentheses) node(n *syntax.Node) {
	for _, kid := range n.Kids {
		p.node(kid)
	}
	if n.Kind == "Query" || n.Kind == "FromQuery" || strings.HasPrefix(n.Kind, "Pipe") {
		n.End = p.closed(n.Start, n.End)
	}
	for _, kid := range n.Kids {
		if n.Kind == "GroupingSet" && kid.Kind == "PathExpression" && len(kid.Kids) > 0 {
			kid.End = kid.Kids[len(kid.Kids)-1].End // the parser's range of (a) in a grouping set has the parenthesis
		}
		n.End = max(n.End, kid.End)
	}
}

// closed is the end of the range with the parentheses that are open in it.
func (p parentheses) closed(start, end int) int {
	open := 0
	from := sort.Search(len(p.tokens), func(i int) bool { return p.tokens[i].Start >= start })
	for _, token := range p.tokens[from:] {
		if token.Start >= end && open <= 0 {
			return end
		}
		if token.Kind != lex.Punct {
			if token.Start >= end && token.Kind != lex.Space && token.Kind != lex.Comment {
				return end
			}
			continue
		}
		switch token.Text {
		case "(":
			open++
		case ")":
			open--
			if token.Start >= end {
				end = token.End
			}
		default:
			if token.Start >= end {
				return end
			}
		}
	}
	return end
}
