package duck

import (
	"errors"
	"slices"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// refusals are what a writer refused so far, each once.
type refusals struct {
	found  []refusal
	broken bool // the writer stopped at the last: others may follow it
}

type refusal struct {
	at int // byte offset
	*syntax.Diagnostic
}

func (f *refusals) add(r refusal) {
	if !f.holds(r) {
		f.found = append(f.found, r)
	}
}

func (f *refusals) holds(r refusal) bool {
	return slices.ContainsFunc(f.found, func(other refusal) bool { return *other.Diagnostic == *r.Diagnostic })
}

// err is all of them in the order of the text: one *syntax.Diagnostic, or several joined.
func (f *refusals) err() error {
	slices.SortStableFunc(f.found, func(a, b refusal) int { return a.at - b.at })
	faults := make([]error, len(f.found))
	for i, r := range f.found {
		faults[i] = r.Diagnostic
	}
	if len(faults) == 1 {
		return faults[0]
	}
	return errors.Join(faults...)
}

// ofBoth are those without which the statement would run: what one of the two ways
// to write it takes is no reason to refuse it. All of text where that is not known.
func ofBoth(text, tree refusals) refusals {
	if tree.broken {
		return text
	}
	both := refusals{found: slices.DeleteFunc(slices.Clone(text.found), func(r refusal) bool { return !tree.holds(r) })}
	if len(both.found) == 0 {
		return text
	}
	return both
}

// apartKinds are the nodes behind which a writer goes on when it refused them: what
// is beside them does not depend on their text.
var apartKinds = []string{
	"SelectColumn", "WithClauseEntry", "FromClause", "WhereClause", "GroupBy", "Having", "Qualify", "OrderBy", "LimitOffset", "WindowClause", "Select",
}

// guarded writes a part of the statement. What it refuses is noted, so that
// the parts beside it are looked at as well; the text then goes nowhere.
func (w *writer) guarded(write func() string) (text string) {
	selects, hidden, from, low := w.selects, w.hidden, w.from, w.low
	defer func() {
		reason := recover()
		if reason == nil {
			return
		}
		refused, ok := reason.(refusal)
		if !ok {
			panic(reason)
		}
		w.refused.add(refused)
		w.selects, w.hidden, w.from, w.low = selects, hidden, from, low
		text = "0"
	}()
	return write()
}
