package transforms

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
)

// maxPlaces bounds the places that a fault lists.
const maxPlaces = 5

// Locate turns a fault that a value brought about while a statement ran into a
// *syntax.Diagnostic at the expression that raised it, if only one in the source
// can have; else it is placed at the statement and says where such expressions
// are. Other errors are returned as they are.
func Locate(src syntax.Source, err error) error {
	var fault *warehouse.Fault
	if !errors.As(err, &fault) {
		return err
	}
	tokens, _ := lex.Tokens(src.Text)
	words := slices.DeleteFunc(tokens, lex.Token.Blank)
	places := raisers(words, fault.Raised)
	if len(places) == 1 {
		return src.At(places[0], fault.Message, fault.Hint)
	}
	start := 0
	if len(words) > 0 {
		start = words[0].Start
	}
	message := fault.Message
	if len(places) > 1 {
		list := make([]string, 0, maxPlaces+1)
		for i, at := range places {
			if i == maxPlaces {
				list = append(list, "…")
				break
			}
			d := src.At(at, "", "")
			list = append(list, fmt.Sprintf("%d:%d", d.Line, d.Column))
		}
		message += " (raised at " + strings.Join(list, " or ") + ")"
	}
	return src.At(start, message, fault.Hint)
}

// raisers are the offsets of what may raise a fault: see warehouse.Fault.Raised.
func raisers(words []lex.Token, raised []string) []int {
	var places []int
	for i, word := range words {
		// SAFE.f(x) and SAFE_CAST give NULL.
		safe := i >= 2 && words[i-1].Text == "." && strings.EqualFold(words[i-2].Text, "SAFE")
		called := i+1 < len(words) && words[i+1].Text == "("
		for _, name := range raised {
			typ, cast := strings.CutPrefix(name, "CAST AS ")
			switch {
			case cast:
				if strings.EqualFold(word.Text, "CAST") && called && castsTo(words[i+1:], typ) {
					places = append(places, word.Start)
				}
			case word.Kind == lex.Punct:
				// A minus sign or a star may be another thing; then it stands behind no operand.
				if word.Text == name && i > 0 && isOperand(words[i-1]) {
					places = append(places, word.Start)
				}
			case word.Kind == lex.Identifier && strings.EqualFold(word.Text, name) && called && !safe:
				places = append(places, word.Start)
			}
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

func isOperand(word lex.Token) bool {
	return word.Kind != lex.Punct || word.Text == ")" || word.Text == "]"
}

// typeAliases are other names of types, see package gsql.
var typeAliases = map[string][]string{
	"INT64":   {"INT64", "INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"},
	"NUMERIC": {"NUMERIC", "DECIMAL"},
	"BOOL":    {"BOOL", "BOOLEAN"},
}

// castsTo reports whether ( … AS typ ) follows.
func castsTo(words []lex.Token, typ string) bool {
	names := typeAliases[typ]
	if names == nil {
		names = []string{typ}
	}
	depth := 0
	for i, word := range words {
		switch word.Text {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				return false
			}
		}
		if depth == 1 && strings.EqualFold(word.Text, "AS") && i+1 < len(words) {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, words[i+1].Text) })
		}
	}
	return false
}
