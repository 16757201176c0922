package docs

import (
	"html"
	"html/template"
	"strings"

	"github.com/ripen-data/ripen/transforms/lex"
)

// highlight marks up SQL. A path that names a table of the page becomes a link
// to its ID. Text that cannot be cut into tokens stays as it is: this is the last
// place to complain about it.
func highlight(text string, ids map[string]string) template.HTML {
	text = strings.TrimRight(text, "\n")
	tokens, err := lex.Tokens(text)
	if err != nil {
		return template.HTML(html.EscapeString(text)) //nolint:gosec // escaped
	}
	var b strings.Builder
	for i := 0; i < len(tokens); i++ {
		if name, n := path(tokens[i:]); ids[name] != "" {
			b.WriteString(`<a href="#` + html.EscapeString(ids[name]) + `">`)
			for _, t := range tokens[i : i+n] {
				b.WriteString(html.EscapeString(t.Text))
			}
			b.WriteString("</a>")
			i += n - 1
			continue
		}
		class := classOf(tokens, i)
		if class == "" {
			b.WriteString(html.EscapeString(tokens[i].Text))
			continue
		}
		b.WriteString(`<i class="` + class + `">` + html.EscapeString(tokens[i].Text) + "</i>")
	}
	return template.HTML(b.String()) //nolint:gosec // escaped
}

// path is dataset.table at the start of tokens, and how many tokens it is.
func path(tokens []lex.Token) (name string, n int) {
	if len(tokens) > 0 && tokens[0].Kind == lex.Quoted {
		return strings.Trim(tokens[0].Text, "`"), 1
	}
	if len(tokens) < 3 || tokens[0].Kind != lex.Identifier || tokens[1].Text != "." || tokens[2].Kind != lex.Identifier {
		return "", 0
	}
	return tokens[0].Text + "." + tokens[2].Text, 3
}

// classOf is the style of a token; see page.css.
func classOf(tokens []lex.Token, i int) string {
	switch t := tokens[i]; t.Kind {
	case lex.Comment:
		return "c"
	case lex.String:
		return "s"
	case lex.Number:
		return "n"
	case lex.Parameter:
		return "p"
	case lex.Identifier:
		switch {
		case lex.Reserved(t.Text):
			return "k"
		case i+1 < len(tokens) && tokens[i+1].Text == "(":
			return "f"
		}
	}
	return ""
}
