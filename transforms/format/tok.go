package format

import (
	"strings"

	"github.com/ripen-data/ripen/transforms/lex"
)

// tok is a token with the comments that belong to it and with what the author's
// lines looked like around it.
type tok struct {
	lex.Token
	print   string // the token in the house's letter case
	notes   []note // comments above it
	trail   []string
	newline bool // it begins a line
	blank   bool // an empty line stands above it and its notes
	glued   bool // nothing stands between it and the token before
	after   bool // an empty line stands between its last note and it
}

// note is a comment before a token.
type note struct {
	text   string
	blank  bool // an empty line stands above it
	inline bool // the token follows on the same line
}

// comment is a comment in the house style.
func comment(text string) string {
	if rest, ok := strings.CutPrefix(text, "#"); ok {
		text = "--" + rest
	}
	if strings.HasPrefix(text, "--") {
		return strings.TrimRight(text, " \t\r\v\f\u00a0")
	}
	return text
}

// prepare gives each comment to a token: to the one before it on its line, else
// to the one after it. What is left at the end belongs to the returned end.
func prepare(text string) (toks []*tok, end *tok, err error) {
	tokens, err := lex.Tokens(text)
	if err != nil {
		return nil, nil, err
	}
	next := &tok{}
	lines, glued := 0, false // since the last token or comment
	for i, token := range tokens {
		switch token.Kind {
		case lex.Space:
			lines += lineEnds(token.Text)
			glued = false
			continue
		case lex.Comment:
			glued = false
			onLine := lines == 0 && len(toks) > 0 && len(next.notes) == 0
			inline := strings.HasPrefix(token.Text, "/*") && followed(tokens[i+1:])
			switch {
			case onLine && !inline:
				last := toks[len(toks)-1]
				last.trail = append(last.trail, comment(token.Text))
			default:
				if len(next.notes) == 0 {
					next.newline, next.blank = lines > 0, lines > 1
				}
				next.notes = append(next.notes, note{text: comment(token.Text), blank: lines > 1, inline: inline})
			}
			lines = 0
			continue
		}
		next.Token, next.print, next.glued = token, token.Text, glued
		if len(next.notes) == 0 {
			next.newline, next.blank = lines > 0, lines > 1
		} else {
			next.after = lines > 1
		}
		toks = append(toks, next)
		next, lines, glued = &tok{}, 0, true
	}
	if len(next.notes) == 0 {
		next.blank = lines > 1
	}
	moveCommas(toks, next)
	return toks, next, nil
}

// followed says whether a token with a meaning follows on the same line.
func followed(tokens []lex.Token) bool {
	for _, token := range tokens {
		switch {
		case token.Kind == lex.Space && lineEnds(token.Text) > 0:
			return false
		case token.Kind == lex.Comment && !strings.HasPrefix(token.Text, "/*"):
			return false
		case !token.Blank():
			return true
		}
	}
	return false
}

// moveCommas makes comments before a comma stand after it, and the line that a
// comma opens begin after it: house style ends lines with commas.
func moveCommas(toks []*tok, end *tok) {
	for i, t := range toks {
		comma := t.Text == ","
		if !comma && t.Text != ";" || i == 0 {
			continue
		}
		next := end
		if i+1 < len(toks) {
			next = toks[i+1]
		}
		above := t.notes
		if !comma {
			above = nil
		}
		t.notes = t.notes[len(above):]
		if last := toks[i-1]; len(last.trail) > 0 {
			for _, text := range t.trail { // one comment a line
				above = append(above, note{text: text})
			}
			t.trail, last.trail = last.trail, nil
		}
		if comma && t.newline {
			next.newline = true
		}
		if len(above) == 0 {
			continue
		}
		if len(next.notes) == 0 {
			next.after, next.blank = next.blank, false
		}
		next.notes = append(above, next.notes...)
		next.newline = true
	}
}

func lineEnds(space string) int {
	return strings.Count(space, "\n") + strings.Count(strings.ReplaceAll(space, "\r\n", ""), "\r")
}

func (t *tok) punct(text string) bool { return t.Kind == lex.Punct && t.Text == text }

// word is the token as a lower-case keyword, or empty.
func (t *tok) word() string {
	if t.Kind != lex.Identifier {
		return ""
	}
	return strings.ToLower(t.Text)
}

// onOwnLine says whether a comment above the token forces it to begin a line.
func (t *tok) onOwnLine() bool {
	for _, n := range t.notes {
		if !n.inline {
			return true
		}
	}
	return false
}

// endsLine says whether a comment after the token must end its line.
func (t *tok) endsLine() bool { return len(t.trail) > 0 }
