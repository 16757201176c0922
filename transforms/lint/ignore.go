package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// marker begins a comment that takes a finding away.
const marker = "lint:ignore"

// ignore leaves out what comments ignore, and adds the comments that are wrong.
func ignore(src syntax.Source, tokens []lex.Token, list findings) findings {
	for i, token := range tokens {
		if token.Kind != lex.Comment {
			continue
		}
		body := strings.TrimSpace(strings.TrimSuffix(strings.TrimLeft(token.Text, "-#/* "), "*/"))
		rest, ok := strings.CutPrefix(body, marker)
		if !ok {
			continue
		}
		rule, reason, _ := strings.Cut(strings.TrimSpace(rest), " ")
		switch {
		case !slices.Contains(Rules(), rule):
			list.add(src, token.Start, BadIgnore, fmt.Sprintf("there is no rule %q", rule), hint.DidYouMean(rule, Rules()))
			continue
		case strings.TrimSpace(reason) == "":
			list.add(src, token.Start, BadIgnore, "the comment gives no reason", "write why: -- lint:ignore "+rule+" <reason>")
			continue
		}
		line := line(src, tokens, i)
		before := len(list)
		list = slices.DeleteFunc(list, func(f Finding) bool { return f.Rule == rule && f.Line == line })
		if len(list) == before {
			list.add(src, token.Start, BadIgnore, fmt.Sprintf("there is no %s in line %d to ignore", rule, line), "leave the comment out")
		}
	}
	return list
}

// line is the line that the comment at i speaks of: its own, or the next one
// with a token where it stands alone.
func line(src syntax.Source, tokens []lex.Token, i int) int {
	if before := strings.TrimSpace(src.Text[strings.LastIndexByte(src.Text[:tokens[i].Start], '\n')+1 : tokens[i].Start]); before != "" {
		return src.At(tokens[i].Start, "", "").Line
	}
	for _, token := range tokens[i+1:] {
		if !token.Blank() {
			return src.At(token.Start, "", "").Line
		}
	}
	return src.At(tokens[i].Start, "", "").Line
}
