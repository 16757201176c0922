// Package lex cuts GoogleSQL text into tokens without parsing it. Every byte of
// the text belongs to exactly one token, so that the tokens of any text put
// together again are the text: what splits, formats, compares or highlights SQL
// can rely on one idea of where strings and comments begin and end.
//
// The lexer refuses only what has no end: a string, a quoted name or a comment
// that is never closed. A character that GoogleSQL does not know becomes a token
// of its own, for the analyzer to complain about.
package lex

import (
	"fmt"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// Kind tells tokens apart.
type Kind uint8

const (
	Space      Kind = iota // blanks and line ends
	Comment                // --, # or /* */, without the line end
	String                 // string and bytes literals with prefix and quotes
	Number                 // integers, hexadecimal and floating point
	Identifier             // names and keywords without quotes
	Quoted                 // names in backquotes
	Parameter              // @name, @@system_variable
	Punct                  // operators, brackets and whatever else there is
)

var kindNames = [...]string{"space", "comment", "string", "number", "identifier", "quoted", "parameter", "punct"}

func (k Kind) String() string { return kindNames[k] }

// Token is a piece of a text.
type Token struct {
	Kind       Kind
	Text       string
	Start, End int // byte offsets, half open
}

// Blank says whether the token has no meaning: white space or a comment.
func (t Token) Blank() bool { return t.Kind <= Comment }

// Error is a token without an end.
type Error struct {
	Offset  int // where it begins, in bytes
	Message string
	Hint    string
}

func (e *Error) Error() string { return fmt.Sprintf("%s (byte %d)", e.Message, e.Offset) }

// In places the error in the file it came from.
func (e *Error) In(src syntax.Source) *syntax.Diagnostic {
	return src.At(e.Offset, e.Message, e.Hint)
}

// Tokens returns the tokens of text in order, without gaps. The error is an
// *Error; the tokens before the fault come with it.
func Tokens(text string) ([]Token, error) {
	s := scanner{text: text, tokens: make([]Token, 0, len(text)/4+1)}
	for s.pos < len(text) {
		start := s.pos
		kind, err := s.next()
		if err != nil {
			return s.tokens, err
		}
		s.add(kind, start)
	}
	return s.tokens, nil
}
