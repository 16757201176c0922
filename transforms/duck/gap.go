package duck

import (
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// gap is text between nodes: key words, punctuation and comments. DuckDB has no
// comments with #, and in its block comments /* opens another level.
func (w *writer) gap(from, to int) string {
	if from >= to {
		return ""
	}
	var b strings.Builder
	if from > 0 && isTokenEnd(w.text[from-1]) && isWord(w.text[from]) {
		b.WriteByte(' ') // IF(a, b, c)AS d: what stands before may end in a word now
	}
	for _, part := range lex(w.text[from:to]) {
		b.WriteString(part.duck())
	}
	if to < len(w.text) && isWord(w.text[to-1]) && strings.IndexByte("(`'\"@[-+~", w.text[to]) >= 0 {
		b.WriteByte(' ') // WHEN(a): what follows may begin with a word now
	}
	return b.String()
}

// isTokenEnd reports whether a word may follow a byte without white space between.
func isTokenEnd(c byte) bool { return strings.IndexByte(")]'\"`/", c) >= 0 }

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// comments are the comments in the node's own text, as block comments: for
// expressions that are written anew. Empty or with a blank after it.
func (w *writer) comments(n *syntax.Node) string {
	var b strings.Builder
	at := n.Start
	scan := func(to int) {
		if at >= to {
			return
		}
		for _, part := range lex(w.text[at:to]) {
			if part.comment {
				b.WriteString(part.block() + " ")
			}
		}
	}
	for _, kid := range inOrder(n.Kids) {
		scan(kid.Start)
		at = max(at, kid.End)
	}
	scan(n.End)
	return b.String()
}

// piece is a comment or the text between two.
type piece struct {
	text    string
	comment bool
}

func (p piece) body() string {
	body := p.text
	for _, mark := range []string{"/*", "--", "#"} {
		if rest, ok := strings.CutPrefix(body, mark); ok {
			body = rest
			break
		}
	}
	return strings.ReplaceAll(strings.TrimSuffix(strings.TrimSuffix(body, "\n"), "*/"), "/*", "/ *")
}

func (p piece) block() string { return "/*" + strings.ReplaceAll(p.body(), "*/", "* /") + "*/" }

func (p piece) duck() string {
	switch {
	case !p.comment:
		return p.text
	case strings.HasPrefix(p.text, "/*"):
		return p.block()
	default:
		line := "--" + p.body()
		if strings.HasSuffix(p.text, "\n") {
			line += "\n"
		}
		return line
	}
}

// lex splits text outside of literals into comments and the rest.
func lex(text string) []piece {
	var pieces []piece
	plain := 0
	add := func(from, to int, comment bool) {
		if from < to {
			pieces = append(pieces, piece{text[from:to], comment})
		}
	}
	for i := 0; i < len(text); {
		end := -1
		switch {
		case text[i] == '#', strings.HasPrefix(text[i:], "--"):
			end = len(text)
			if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
				end = i + n + 1
			}
		case strings.HasPrefix(text[i:], "/*"):
			end = len(text)
			if n := strings.Index(text[i+2:], "*/"); n >= 0 {
				end = i + 2 + n + 2
			}
		}
		if end < 0 {
			i++
			continue
		}
		add(plain, i, false)
		add(i, end, true)
		plain, i = end, end
	}
	add(plain, len(text), false)
	return pieces
}

// words are the key words in the node's own text, upper case.
func (w *writer) words(n *syntax.Node) []string {
	var found []string
	at := n.Start
	scan := func(to int) {
		if at >= to {
			return
		}
		for _, part := range lex(w.text[at:to]) {
			if !part.comment {
				found = append(found, strings.FieldsFunc(strings.ToUpper(part.text), func(r rune) bool {
					return r != '_' && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
				})...)
			}
		}
	}
	for _, kid := range inOrder(n.Kids) {
		scan(kid.Start)
		at = max(at, kid.End)
	}
	scan(n.End)
	return found
}
