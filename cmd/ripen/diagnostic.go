package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// Escape sequences of a terminal.
const (
	ansiBold   = "\x1b[1m"
	ansiRed    = "\x1b[31;1m"
	ansiYellow = "\x1b[33;1m"
	ansiBlue   = "\x1b[34m"
	ansiReset  = "\x1b[0m"
)

// diagnostics splits the tree of an error into the faults in files and what else
// there is, each in order.
func diagnostics(err error) (faults []*syntax.Diagnostic, rest []error) {
	switch e := err.(type) {
	case nil:
	case *syntax.Diagnostic:
		faults = append(faults, e)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			f, r := diagnostics(one)
			faults, rest = append(faults, f...), append(rest, r...)
		}
	case interface{ Unwrap() error }:
		inner := e.Unwrap()
		f, r := diagnostics(inner)
		if len(f) == 0 || len(r) > 0 {
			return nil, []error{err} // what was wrapped around it says more
		}
		faults = f
	default:
		rest = append(rest, err)
	}
	return faults, rest
}

// writeDiagnostic prints a fault with its line, a mark under its place and what to do.
//
//	sql/core/fct_trial_v1/query.sql:12:5: Unrecognized name: amuont
//	   12 |     amuont,
//	      |     ^^^^^^
//	      = did you mean "amount"?
func (a *app) writeDiagnostic(w io.Writer, prefix string, d *syntax.Diagnostic, warning bool) {
	paint := func(color, s string) string {
		if !a.isTTY(w) {
			return s
		}
		return color + s + ansiReset
	}
	mark := ansiRed
	if warning {
		mark = ansiYellow
	}
	fmt.Fprintf(w, "%s%s %s\n", paint(mark, prefix), paint(ansiBold, fmt.Sprintf("%s:%d:%d:", d.Name, d.Line, d.Column)), d.Message)
	if strings.TrimSpace(d.Excerpt) != "" {
		line, caret := excerpt(d)
		fmt.Fprintf(w, "%s %s\n%s %s\n", paint(ansiBlue, fmt.Sprintf("%5d |", d.Line)), line, paint(ansiBlue, "      |"), paint(mark, caret))
	}
	if d.Hint != "" {
		fmt.Fprintf(w, "%s %s\n", paint(ansiBlue, "      ="), d.Hint)
	}
}

// maxExcerpt bounds the part of a line that is shown, in characters.
const maxExcerpt = 160

// excerpt is the line of a diagnostic and the text below it that marks the place:
// tabs stay, so that both lines move alike, and wide characters get two marks.
func excerpt(d *syntax.Diagnostic) (line, caret string) {
	runes := []rune(strings.TrimRight(d.Excerpt, " \t\r"))
	at := min(max(d.Column-1, 0), len(runes))
	if from := at - maxExcerpt/2; len(runes) > maxExcerpt && from > 0 {
		runes, at = runes[from:], at-from
	}
	runes = runes[:min(len(runes), maxExcerpt)]
	var under strings.Builder
	for _, r := range runes[:at] {
		if r == '\t' {
			under.WriteByte('\t')
		} else {
			under.WriteString(strings.Repeat(" ", text.StringWidthWithoutEscSequences(string(r))))
		}
	}
	end := at
	isName := func(i int) bool {
		return i < len(runes) && (runes[i] == '_' || unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	// A dot belongs to the place if the message names what is on both sides of it.
	for isName(end) || end > at && runes[min(end, len(runes)-1)] == '.' && isName(end+1) && strings.Contains(d.Message, string(runes[at:end+2])) {
		end++
	}
	width := text.StringWidthWithoutEscSequences(string(runes[at:end]))
	under.WriteString(strings.Repeat("^", max(width, 1)))
	return string(runes), under.String()
}
