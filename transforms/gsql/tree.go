package gsql

import (
	"fmt"
	"strings"

	googlesql "github.com/goccy/go-googlesql"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// parse parses one statement, or finds it among those parsed before.
func (e *Engine) parse(src syntax.Source) (*syntax.Node, error) {
	if node := e.parsed[src.Text]; node != nil {
		return node, nil
	}
	node, err := e.parseScript(src)
	if err != nil {
		return nil, err
	}
	if len(e.parsed) >= maxCachedTrees {
		clear(e.parsed)
	}
	e.parsed[src.Text] = node
	return node, nil
}

// parseScript parses with ParseScript, because the errors of ParseStatement lose
// their place on the way out of the analyzer.
func (e *Engine) parseScript(src syntax.Source) (*syntax.Node, error) {
	output, err := googlesql.ParseScript(src.Text, e.parser, &googlesql.ErrorMessageOptions{
		Mode:                     googlesql.ErrorMessageModeErrorMessageOneLine,
		Stability:                googlesql.ErrorMessageStabilityProduction, // none is an internal error
		InputOriginalStartLine:   1,
		InputOriginalStartColumn: 1,
	})
	if err != nil {
		return nil, e.diagnose(src, err)
	}
	script, err := output.Script()
	if err != nil {
		return nil, e.diagnose(src, err)
	}
	node, err := copyNode(script)
	if err != nil {
		return nil, fmt.Errorf("%s: copy the parse tree: %w", src.Name, err)
	}
	if err := closeParentheses(src.Text, node); err != nil {
		return nil, fmt.Errorf("%s: copy the parse tree: %w", src.Name, err)
	}
	if len(node.Kids) != 1 || len(node.Kids[0].Kids) == 0 {
		return nil, src.At(0, "there is no statement", "a model is one SELECT statement")
	}
	statements := node.Kids[0].Kids
	if len(statements) > 1 {
		return nil, src.At(statements[1].Start, "there is a second statement", "a model is one SELECT statement; use WITH for steps")
	}
	if statements[0].Kind != "QueryStatement" {
		return nil, src.At(statements[0].Start, "this is not a query", "a model is one SELECT statement, WITH included")
	}
	return statements[0], nil
}

func copyNode(from googlesql.ASTNode) (*syntax.Node, error) {
	text, err := from.SingleNodeDebugString()
	if err != nil {
		return nil, err
	}
	node := &syntax.Node{}
	// "Kind(attribute)"; some kinds end in a blank.
	node.Kind, node.Attr, _ = strings.Cut(text, "(")
	node.Kind, node.Attr = strings.TrimSpace(node.Kind), strings.TrimSuffix(node.Attr, ")")
	place, err := from.Location()
	if err != nil {
		return nil, err
	}
	if node.Start, node.End, err = offsets(place); err != nil {
		return nil, err
	}
	count, err := from.NumChildren()
	if err != nil {
		return nil, err
	}
	for i := range count {
		child, err := from.Child(i)
		if err != nil {
			return nil, err
		}
		kid, err := copyNode(child)
		if err != nil {
			return nil, err
		}
		node.Kids = append(node.Kids, kid)
	}
	return node, nil
}

// offsets are the bytes of a range; -1, -1 where there is none.
func offsets(place *googlesql.ParseLocationRange) (start, end int, err error) {
	if place == nil {
		return -1, -1, nil
	}
	first, err := place.Start()
	if err != nil {
		return -1, -1, err
	}
	last, err := place.End()
	if err != nil {
		return -1, -1, err
	}
	from, err := first.GetByteOffset()
	if err != nil {
		return -1, -1, err
	}
	to, err := last.GetByteOffset()
	return int(from), int(to), err
}
