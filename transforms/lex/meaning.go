package lex

import "strings"

// Meaning is the text with everything left out that cannot change what it does:
// comments, white space, the letter case of keywords, names without quotes and
// literal prefixes, a comma after the last item of a list and a semicolon at the
// end. Two texts with one meaning are the same query; tokens are kept apart by
// one space each. The error is that of Tokens.
func Meaning(text string) (string, error) {
	tokens, err := Tokens(text)
	if err != nil {
		return "", err
	}
	meant := tokens[:0]
	for _, token := range tokens {
		if !token.Blank() {
			meant = append(meant, token)
		}
	}
	for len(meant) > 0 && (meant[len(meant)-1].is(";") || meant[len(meant)-1].is(",")) {
		meant = meant[:len(meant)-1]
	}
	var b strings.Builder
	b.Grow(len(text))
	for i, token := range meant {
		if token.is(",") && endsList(meant[i+1]) {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(canonical(token))
	}
	return b.String(), nil
}

// canonical is the token's text in one spelling.
func canonical(token Token) string {
	switch token.Kind {
	case Identifier, Number:
		return strings.ToLower(token.Text)
	case Parameter:
		if !strings.Contains(token.Text, "`") {
			return strings.ToLower(token.Text)
		}
	case String:
		if n := prefixLen(token.Text); n > 0 {
			return strings.ToLower(token.Text[:n]) + token.Text[n:]
		}
	}
	return token.Text
}

// endsList says whether a comma before the token is one too many, which
// GoogleSQL allows after the last column of a select.
func endsList(next Token) bool {
	switch next.Kind {
	case Punct:
		return next.Text == ")" || next.Text == ";" || next.Text == "|>"
	case Identifier:
		switch strings.ToLower(next.Text) {
		case "from", "where", "group", "having", "qualify", "window", "order", "limit", "union", "intersect", "except":
			return true
		}
	}
	return false
}
