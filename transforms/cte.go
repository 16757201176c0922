package transforms

import (
	"errors"
	"strings"

	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// endIn cuts a query behind its last CTE and lets it return the rows of one of
// them: for a case that looks into the query. Lines and columns of what is kept
// stay those of the file. The text is empty when there is no such CTE; known are
// those that there are.
func endIn(source syntax.Source, name string) (cut syntax.Source, known []string, err error) {
	tokens, err := lex.Tokens(source.Text)
	var endless *lex.Error
	if errors.As(err, &endless) {
		return cut, nil, endless.In(source)
	} else if err != nil {
		return cut, nil, err
	}
	ctes, end := topCTEs(tokens)
	for _, cte := range ctes {
		bare := strings.Trim(cte, "`")
		known = append(known, bare)
		if strings.EqualFold(bare, name) {
			cut = syntax.Source{Name: source.Name, Text: source.Text[:end] + "\nselect * from " + cte + "\n"}
		}
	}
	return cut, known, nil
}

// topCTEs returns the names in the WITH clause that a query starts with, as they
// are written, and the offset behind the last one's closing parenthesis.
func topCTEs(tokens []lex.Token) (names []string, end int) {
	var meant []lex.Token
	for _, t := range tokens {
		if !t.Blank() {
			meant = append(meant, t)
		}
	}
	word := func(i int, text string) bool { return i < len(meant) && strings.EqualFold(meant[i].Text, text) }
	i := 0
	if !word(i, "with") {
		return nil, 0
	}
	if i++; word(i, "recursive") {
		i++
	}
	// name as ( … ), over and over.
	for i+2 < len(meant) && word(i+1, "as") && word(i+2, "(") {
		name := meant[i].Text
		depth := 0
		for i += 2; i < len(meant); i++ {
			if word(i, "(") {
				depth++
			} else if word(i, ")") {
				if depth--; depth == 0 {
					break
				}
			}
		}
		if i == len(meant) {
			break
		}
		names, end = append(names, name), meant[i].End
		if i++; !word(i, ",") {
			break
		}
		i++
	}
	return names, end
}
