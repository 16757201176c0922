package lex

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// Statement is one statement of a file.
type Statement struct {
	// Source is the statement as a text of its own. The lines above it are empty
	// and what stands before it on its first line is blank, so that a line and
	// column in it are those of the file.
	Source syntax.Source
	// Start and End are byte offsets in the file, half open: with the comments above
	// the statement, without its semicolon.
	Start, End int
}

// Text is the statement without the blanks that place it in its file.
func (s Statement) Text() string { return strings.TrimSpace(s.Source.Text) }

// Split cuts a file at its semicolons; those in strings, names and comments do
// not count, and statements without a token disappear. A comment belongs to the
// statement after it, unless it stands on the line on which another one ends.
// The error is a *syntax.Diagnostic, and the statements that were complete
// before it come with it.
func Split(src syntax.Source) ([]Statement, error) {
	tokens, err := Tokens(src.Text)
	var statements []Statement
	at := place{text: src.Text}
	start, end, meant := -1, 0, false
	flush := func() {
		if meant {
			statements = append(statements, Statement{
				Source: syntax.Source{Name: src.Name, Text: at.blanks(start) + src.Text[start:end]},
				Start:  start, End: end,
			})
		}
		start, meant = -1, false
	}
	afterEnd := false // still on the line of a semicolon
	for _, token := range tokens {
		switch {
		case token.is(";"):
			flush()
			afterEnd = true
			continue
		case token.Kind == Space:
			afterEnd = afterEnd && !strings.ContainsAny(token.Text, "\r\n")
			continue
		case token.Kind == Comment && afterEnd:
			continue
		case token.Kind != Comment:
			meant = true
		}
		afterEnd = false
		if start < 0 {
			start = token.Start
		}
		end = token.End
	}
	var fault *Error
	if errors.As(err, &fault) {
		return statements, fault.In(src)
	}
	flush()
	return statements, nil
}

// place finds lines and columns of rising offsets, each byte read once.
type place struct {
	text         string
	offset       int
	lines, chars int
}

// blanks is as many empty lines and spaces as lead to offset.
func (p *place) blanks(offset int) string {
	passed := p.text[p.offset:offset]
	if n := strings.Count(passed, "\n"); n > 0 {
		p.lines += n
		p.chars = 0
		passed = passed[strings.LastIndexByte(passed, '\n')+1:]
	}
	p.chars += utf8.RuneCountInString(passed)
	p.offset = offset
	return strings.Repeat("\n", p.lines) + strings.Repeat(" ", p.chars)
}
