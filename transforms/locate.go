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
// *syntax.Diagnostic at the expression that raised it, if only one in the sources
// can have; else it is placed at the statement, the first source, and says where
// such expressions are. Other errors are returned as they are.
func Locate(err error, sources ...syntax.Source) error {
	var fault *warehouse.Fault
	if !errors.As(err, &fault) || len(sources) == 0 {
		return err
	}
	var places []*syntax.Diagnostic
	start := -1
	for i, src := range sources {
		tokens, _ := lex.Tokens(src.Text) // it was analysed: there is no fault
		words := slices.DeleteFunc(tokens, lex.Token.Blank)
		if i == 0 && len(words) > 0 {
			start = words[0].Start
		}
		for _, at := range raisers(words, fault.Raised) {
			places = append(places, src.At(at, fault.Message, fault.Hint))
		}
	}
	if len(places) == 1 {
		return places[0]
	}
	message := fault.Message
	if len(places) > 1 {
		list := make([]string, 0, maxPlaces+1)
		for i, d := range places {
			if i == maxPlaces {
				list = append(list, "…")
				break
			}
			place := fmt.Sprintf("%d:%d", d.Line, d.Column)
			if d.Name != sources[0].Name {
				place = d.Name + ":" + place
			}
			list = append(list, place)
		}
		message += " (raised at " + strings.Join(list, " or ") + ")"
	}
	return sources[0].At(max(start, 0), message, fault.Hint)
}

// locate is Locate in the files of a model: what its statement runs besides its own
// text is the text of parents that are not tables.
func (g *Graph) locate(m *Model, err error) error {
	var failed *warehouse.StatementError
	if !errors.As(err, &failed) {
		return err
	}
	if failed.Name != m.Address() {
		if m.OwnChecks.Text == "" {
			return err
		}
		return Locate(err, m.OwnChecks)
	}
	sources := []syntax.Source{m.Source}
	seen := map[*Model]bool{}
	var climb func(*Model)
	climb = func(child *Model) {
		for _, p := range g.Parents(child) {
			if !seen[p] && (p.Kind == View || p.Kind == Ephemeral) {
				seen[p] = true
				sources = append(sources, p.Source)
				climb(p)
			}
		}
	}
	climb(m)
	return Locate(err, sources...)
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

// operandWords are the reserved words that end an operand.
var operandWords = []string{"NULL", "TRUE", "FALSE", "END"}

func isOperand(word lex.Token) bool {
	switch word.Kind {
	case lex.Punct:
		return word.Text == ")" || word.Text == "]"
	case lex.Identifier:
		return !lex.Reserved(word.Text) || slices.Contains(operandWords, strings.ToUpper(word.Text))
	}
	return true
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
