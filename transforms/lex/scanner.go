package lex

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scanner holds the little context that GoogleSQL tokens depend on: a dot after
// a name continues a path, a dash in a table's name belongs to it, and >> closes
// two types.
type scanner struct {
	text   string
	pos    int
	tokens []Token

	prev, before Token    // the last two tokens with a meaning
	inPath       bool     // prev is a part of a path after its first dot
	angles       int      // open type brackets
	opened       []string // what stands before each open parenthesis, in lower case
}

func (s *scanner) add(kind Kind, start int) {
	token := Token{Kind: kind, Text: s.text[start:s.pos], Start: start, End: s.pos}
	s.tokens = append(s.tokens, token)
	if token.Blank() {
		return
	}
	switch {
	case token.is("("):
		s.opened = append(s.opened, strings.ToLower(s.prev.Text))
	case token.is(")") && len(s.opened) > 0:
		s.opened = s.opened[:len(s.opened)-1]
	case token.is("<") && s.prev.Kind == Identifier && !s.inPath && opensType(s.prev.Text):
		s.angles++
	case token.is("<") && s.angles > 0 || token.is(";"):
		s.angles = 0 // a comparison: this was no type
	case token.is(">") && s.angles > 0:
		s.angles--
	}
	s.inPath = s.prev.is(".") && (kind == Identifier || kind == Quoted)
	s.before, s.prev = s.prev, token
}

func (t Token) is(punct string) bool { return t.Kind == Punct && t.Text == punct }

// next moves past one token.
func (s *scanner) next() (Kind, error) {
	rest := s.text[s.pos:]
	c := rest[0]
	switch {
	case spaceLen(rest) > 0:
		for n := spaceLen(rest); n > 0; n = spaceLen(s.text[s.pos:]) {
			s.pos += n
		}
		return Space, nil
	case c == '#' || strings.HasPrefix(rest, "--"):
		s.pos += lineLen(rest)
		return Comment, nil
	case strings.HasPrefix(rest, "/*"):
		end := strings.Index(rest[2:], "*/")
		if end < 0 {
			return Comment, &Error{Offset: s.pos, Message: "comment is not closed", Hint: "end it with */"}
		}
		s.pos += end + 4
		return Comment, nil
	case c == '`':
		return Quoted, s.quoted()
	case c == '\'' || c == '"':
		return String, s.literal(0)
	case isDigit(c) && s.prev.is(".") && s.before.endsName():
		s.pos += wordLen(rest)
		return Identifier, nil
	case isDigit(c), c == '.' && len(rest) > 1 && isDigit(rest[1]) && !s.prevEndsName():
		s.number()
		return Number, nil
	case isLetter(c):
		if n := prefixLen(rest); n > 0 {
			return String, s.literal(n)
		}
		s.pos += wordLen(rest)
		if s.tableFollows() {
			s.dashes()
		}
		return Identifier, nil
	case c == '@':
		return s.at(rest)
	}
	s.punct(rest)
	return Punct, nil
}

// quoted reads a name in backquotes, in which a backslash escapes.
func (s *scanner) quoted() error {
	for i := s.pos + 1; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case '`':
			s.pos = i + 1
			return nil
		case '\n', '\r':
			return s.open("quoted name is not closed on its line", "end it with `")
		}
	}
	return s.open("quoted name is not closed", "end it with `")
}

func (s *scanner) open(message, hint string) error {
	return &Error{Offset: s.pos, Message: message, Hint: hint}
}

// literal reads a string after a prefix of n letters. In a raw string too, a
// backslash keeps the quote after it from closing the string.
func (s *scanner) literal(n int) error {
	quote := s.text[s.pos+n : s.pos+n+1]
	triple := strings.HasPrefix(s.text[s.pos+n:], strings.Repeat(quote, 3))
	if triple {
		quote = strings.Repeat(quote, 3)
	}
	for i := s.pos + n + len(quote); i < len(s.text); i++ {
		switch c := s.text[i]; {
		case c == '\\':
			i++
		case strings.HasPrefix(s.text[i:], quote):
			s.pos = i + len(quote)
			return nil
		case (c == '\n' || c == '\r') && !triple:
			return s.open("string is not closed on its line",
				"end it with "+quote+", or use "+strings.Repeat(quote, 3)+" for a string of several lines")
		}
	}
	return s.open("string is not closed", "end it with "+quote)
}

// number reads a literal with whatever letters stick to it: 1abc is one wrong
// token, not a number and its alias.
func (s *scanner) number() {
	text, i := s.text, s.pos
	if len(text) > i+1 && text[i] == '0' && (text[i+1] == 'x' || text[i+1] == 'X') {
		s.pos += wordLen(text[i:])
		return
	}
	i += digitsLen(text[i:])
	if i < len(text) && text[i] == '.' {
		i++
		i += digitsLen(text[i:])
	}
	if i+1 < len(text) && (text[i] == 'e' || text[i] == 'E') {
		j := i + 1
		if text[j] == '+' || text[j] == '-' {
			j++
		}
		if n := digitsLen(text[j:]); n > 0 {
			i = j + n
		}
	}
	s.pos = i + wordLen(text[i:])
}

// dashes adds the rest of a name such as my-project to the token: in the path of
// a table, and nowhere else, a dash needs no quotes.
func (s *scanner) dashes() {
	for s.pos+1 < len(s.text) && s.text[s.pos] == '-' {
		n := wordLen(s.text[s.pos+1:])
		if n == 0 {
			return
		}
		s.pos += 1 + n
	}
}

func (s *scanner) tableFollows() bool {
	if s.prev.Kind != Identifier || s.inPath {
		return false
	}
	switch strings.ToLower(s.prev.Text) {
	case "join", "into", "table":
		return true
	case "from": // not that of IS DISTINCT FROM or EXTRACT(part FROM …)
		return !strings.EqualFold(s.before.Text, "distinct") &&
			(len(s.opened) == 0 || s.opened[len(s.opened)-1] != "extract")
	}
	return false
}

// at reads a parameter; a lone @ opens a hint.
func (s *scanner) at(rest string) (Kind, error) {
	n := 1
	if strings.HasPrefix(rest, "@@") {
		n = 2
	}
	if n < len(rest) && isLetter(rest[n]) {
		s.pos += n + wordLen(rest[n:])
		return Parameter, nil
	}
	if n < len(rest) && rest[n] == '`' {
		s.pos += n
		if err := s.quoted(); err != nil {
			return Parameter, err
		}
		return Parameter, nil
	}
	s.pos += n
	return Punct, nil
}

func (s *scanner) punct(rest string) {
	if len(rest) > 1 {
		switch pair := rest[:2]; pair {
		case ">>", ">=":
			if s.angles > 0 {
				s.pos++
				return
			}
			s.pos += 2
			return
		case "|>", "=>", "->", "<<", "<>", "<=", "!=", "||", "+=", "-=":
			s.pos += 2
			return
		}
	}
	_, size := utf8.DecodeRuneInString(rest)
	s.pos += size
}

// prevEndsName says whether a dot after the last token continues a path.
func (s *scanner) prevEndsName() bool {
	return s.inPath || s.prev.endsName()
}

func (t Token) endsName() bool {
	switch t.Kind {
	case Identifier:
		return !Reserved(t.Text)
	case Quoted, Parameter:
		return true
	case Punct:
		return t.Text == ")" || t.Text == "]"
	}
	return false
}

func opensType(word string) bool {
	return strings.EqualFold(word, "array") || strings.EqualFold(word, "struct") || strings.EqualFold(word, "range")
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }

func digitsLen(text string) int {
	n := 0
	for n < len(text) && isDigit(text[n]) {
		n++
	}
	return n
}

func wordLen(text string) int {
	n := 0
	for n < len(text) && (isLetter(text[n]) || isDigit(text[n])) {
		n++
	}
	return n
}

func lineLen(text string) int {
	if n := strings.IndexAny(text, "\r\n"); n >= 0 {
		return n
	}
	return len(text)
}

// spaceLen is the length of one white space character at the start of text.
func spaceLen(text string) int {
	if text == "" {
		return 0
	}
	switch c := text[0]; {
	case c == ' ' || '\b' <= c && c <= '\r':
		return 1
	case c < utf8.RuneSelf:
		return 0
	}
	r, size := utf8.DecodeRuneInString(text)
	if unicode.IsSpace(r) || r == '\ufeff' { // a byte order mark is a blank
		return size
	}
	return 0
}

// prefixLen is the length of r, b, rb or br before a quote, or 0.
func prefixLen(text string) int {
	n := 0
	for n < len(text) && n < 2 && (text[n]|0x20 == 'r' || text[n]|0x20 == 'b') {
		n++
	}
	if n == 0 || n == len(text) || text[n] != '\'' && text[n] != '"' {
		return 0
	}
	if n == 2 && text[0]|0x20 == text[1]|0x20 {
		return 0
	}
	return n
}
