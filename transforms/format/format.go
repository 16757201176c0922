// Package format writes GoogleSQL in the house style: lower-case keywords, four
// spaces, one selected column per line, a clause per line, CTEs apart by blank
// lines, lines of at most Width characters where the text can be broken.
//
// It follows the author where the style leaves a choice: a call, a list or a
// condition that stands on several lines stays so, and one that stands on one
// line stays there while it fits. What it writes it leaves alone the next time.
//
// It works on tokens, not on a parse tree, so it formats what the analyzer does
// not know as well, and it compares the tokens and comments before and after: a
// text that it would damage comes back as an error instead.
package format

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/lex"
)

// Width is the longest line that Format writes, in characters, unless one
// token, comment or row of literals is longer.
const Width = 120

const indentWidth = 4

// Format returns text in the house style, with a line end after its last line.
// It takes any number of statements. The error is a *lex.Error where the text
// itself is at fault: a string without an end, a bracket that nothing closes.
func Format(text string) (string, error) {
	toks, end, err := prepare(text)
	if err != nil {
		return "", err
	}
	nodes, err := tree(toks)
	if err != nil {
		return "", err
	}
	keywords(nodes, "")
	formatted := render(file(nodes, end))
	if err := unchanged(text, formatted); err != nil {
		return "", err
	}
	return formatted, nil
}

// unchanged compares the tokens and the comments of both texts.
func unchanged(before, after string) error {
	tokensA, commentsA, err := essence(before)
	if err != nil {
		return err
	}
	tokensB, commentsB, err := essence(after)
	if err != nil {
		return fmt.Errorf("format: this text would be damaged: %w", err)
	}
	for i, a := range tokensA {
		if i < len(tokensB) && a.Kind == tokensB[i].Kind &&
			(a.Text == tokensB[i].Text || a.Kind == lex.Identifier && strings.EqualFold(a.Text, tokensB[i].Text)) {
			continue
		}
		return &lex.Error{
			Offset: a.Start, Message: "formatting would change the text from here on",
			Hint: "write this part in another way; the file is left as it is",
		}
	}
	if len(tokensB) != len(tokensA) || !slices.Equal(commentsA, commentsB) {
		return fmt.Errorf("format: this text would be damaged: its comments cannot stay where they are")
	}
	return nil
}

// essence is the tokens with a meaning, and the comments in any order.
func essence(text string) (tokens []lex.Token, comments []string, err error) {
	all, err := lex.Tokens(text)
	if err != nil {
		return nil, nil, err
	}
	for _, token := range all {
		switch token.Kind {
		case lex.Space:
		case lex.Comment:
			comments = append(comments, comment(token.Text))
		default:
			tokens = append(tokens, token)
		}
	}
	slices.Sort(comments)
	return tokens, comments, nil
}
