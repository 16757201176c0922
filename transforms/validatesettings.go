package transforms

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

// settings checks what model.yaml says about columns and other models: columns
// are those that the query returns, the types of doubtful ones are guesses.
func (v *validator) settings(m *Model, columns []schemas.Column, doubtful []string) {
	s := &settingsCheck{v: v, m: m, columns: columns, doubtful: doubtful}
	for _, c := range columns {
		s.column(c)
	}
	for i, check := range m.Checks {
		s.check(i, check)
	}
	if m.Incremental != nil {
		s.incremental(m.Incremental)
	}
	switch m.Kind {
	case Snapshot:
		s.snapshot(m.Snapshot)
	case View:
		s.view()
	case Ephemeral:
		s.ephemeral()
	}
}

type settingsCheck struct {
	v        *validator
	m        *Model
	columns  []schemas.Column
	doubtful []string
}

// fault reports a setting at the first of the words that its file holds.
func (s *settingsCheck) fault(message, advice string, words ...string) {
	d := s.m.Config.At(offsetOfWords(s.m.Config.Text, words), message, advice)
	s.v.findings = append(s.v.findings, Finding{Diagnostic: d, Model: s.m.String(), Rule: RuleContract})
}

// offsetOfWords walks through a YAML text from one key or value to the next; it
// stays where the next is not found.
func offsetOfWords(text string, words []string) int {
	at := 0
	if len(words) > 0 { // the first is a setting of the file itself
		if at = strings.Index("\n"+text, "\n"+words[0]+":"); at < 0 {
			return 0
		}
		words = words[1:]
	}
	for _, word := range words {
		from := at
		for from < len(text) {
			i := strings.Index(text[from:], word)
			if i < 0 {
				break
			}
			i += from
			end := i + len(word)
			if (i == 0 || !isNameByte(text[i-1])) && (end == len(text) || !isNameByte(text[end])) {
				at = i
				break
			}
			from = end
		}
	}
	return at
}

func isNameByte(b byte) bool { return !notNameRune(rune(b)) }

func (s *settingsCheck) names() []string {
	names := make([]string, len(s.columns))
	for i, c := range s.columns {
		names[i] = c.Name
	}
	return names
}

// find is the column of a name; with none it reports where.
func (s *settingsCheck) find(name, where string, words ...string) (schemas.Column, bool) {
	for _, c := range s.columns {
		if c.Name == name {
			s.plain(c, where, append(words, name)...)
			return c, true
		}
	}
	s.fault(fmt.Sprintf("%s: column %q is not returned by the query", where, name), hint.DidYouMean(name, s.names()), append(words, name)...)
	return schemas.Column{}, false
}

// typed reports a column of another type than those that a setting can work with.
func (s *settingsCheck) typed(c schemas.Column, where string, words []string, kinds ...schemas.Kind) {
	if slices.Contains(s.doubtful, strings.ToLower(c.Name)) || slices.Contains(kinds, c.Type.Kind) {
		return
	}
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	s.fault(fmt.Sprintf("%s: column %q is %s", where, c.Name, c.Type), "it must be "+strings.Join(names, " or "), append(words, c.Name)...)
}

// column holds one column against its contract.
func (s *settingsCheck) column(c schemas.Column) {
	settings, described := s.m.Columns[c.Name]
	if !described {
		if s.m.Contract {
			s.fault(fmt.Sprintf("contract: the query returns %q, which is not in `columns:`", c.Name), "add it there with its type, or leave it out of the query", "contract")
		}
		return
	}
	where := "column " + c.Name
	doubtful := slices.Contains(s.doubtful, strings.ToLower(c.Name))
	switch want, err := schemas.ParseType(settings.Type); {
	case settings.Type == "" && s.m.Contract:
		s.fault(fmt.Sprintf("contract: %s has no type", where), fmt.Sprintf("write %s: {type: %s, description: …}", c.Name, c.Type), "columns", c.Name)
	case settings.Type == "", err != nil, doubtful:
	case want.String() != c.Type.String():
		s.fault(fmt.Sprintf("contract: %s is %s, promised is %s", where, c.Type, want),
			fmt.Sprintf("cast it in the query: CAST(… AS %s), or promise %s", want, c.Type), "columns", c.Name, "type")
	}
	if len(settings.checks(c.Name)) > 0 {
		s.plain(c, where, "columns", c.Name)
	}
	if len(settings.AcceptedValues) > 0 && !doubtful {
		s.values(c, where, settings.AcceptedValues, "columns", c.Name, "accepted_values")
	}
	if settings.References != "" {
		s.reference(c, where, settings.References, "columns", c.Name, "references")
	}
}

// values reports accepted values that no value of the column's type can be.
func (s *settingsCheck) values(c schemas.Column, where string, values []string, words ...string) {
	for _, value := range values {
		if c.Type.Kind == schemas.Array || c.Type.Kind == schemas.Struct {
			s.fault(where+": accepted values of "+c.Type.String(), "they work on columns with one value only", words...)
			return
		}
		_, err := plainLiteral(c.Type, value)
		if err != nil {
			s.fault(fmt.Sprintf("%s: accepted value %q is no %s", where, value, c.Type), "", append(words, value)...)
		}
	}
}

// reference reports dataset.model.column that does not exist or has another type.
func (s *settingsCheck) reference(c schemas.Column, where, to string, words ...string) {
	dot := strings.LastIndex(to, ".")
	if dot < 0 {
		return // reported when the file is read
	}
	table, column := to[:dot], to[dot+1:]
	words = append(words, to)
	target, ok := s.v.graph.Project.Model(table)
	if !ok {
		if !s.v.graph.Project.isBroken(table) {
			s.fault(fmt.Sprintf("%s: there is no model %s", where, table), s.v.graph.adviceOnTable(table), words...)
		}
		return
	}
	s.v.later = append(s.v.later, func() {
		k, ok := s.v.known[target]
		if !ok || k.open {
			return
		}
		i := slices.IndexFunc(k.columns, func(other schemas.Column) bool { return other.Name == column })
		if i < 0 {
			var names []string
			for _, other := range k.columns {
				names = append(names, other.Name)
			}
			s.fault(fmt.Sprintf("%s: %s has no column %q", where, table, column), hint.DidYouMean(column, names), words...)
			return
		}
		guess := slices.Contains(k.unsure, strings.ToLower(column)) || slices.Contains(s.doubtful, strings.ToLower(c.Name))
		if other := k.columns[i]; !guess && other.Type.String() != c.Type.String() {
			s.fault(fmt.Sprintf("%s is %s, but %s is %s", where, c.Type, to, other.Type), "values of two types are never equal: cast one", words...)
		}
	})
}

func (s *settingsCheck) check(i int, check CheckSettings) {
	where := fmt.Sprintf("check %d", i+1)
	for _, name := range append(slices.Clone(check.Unique), check.NotNull...) {
		s.find(name, where, "checks")
	}
	if a := check.AcceptedValues; a != nil {
		if c, ok := s.find(a.Column, where, "checks", "accepted_values"); ok && !slices.Contains(s.doubtful, strings.ToLower(c.Name)) {
			s.values(c, where, a.Values, "checks", "accepted_values", a.Column)
		}
	}
	if r := check.Relationship; r != nil {
		if c, ok := s.find(r.Column, where, "checks", "relationship"); ok {
			s.reference(c, where, r.To, "checks", "relationship")
		}
	}
	if f := check.Freshness; f != nil {
		if c, ok := s.find(f.Column, where, "checks", "freshness"); ok {
			s.typed(c, where, []string{"checks", "freshness"}, schemas.Timestamp, schemas.Date)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
