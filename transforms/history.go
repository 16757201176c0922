package transforms

import (
	"context"
	"fmt"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/warehouse"
)

// History tells what was deployed and how the last run ended, when a selector asks.
type History struct {
	States  func() (map[*Model]Change, error) // see Engine.States
	Results func() (map[string]string, error) // by Model.String: success, error or skipped
}

var (
	stateWords  = []string{"modified", "new", "old", "unmodified"}
	resultWords = []string{"success", "error", "skipped"}
)

func (g *Graph) states(term string) (map[*Model]Change, error) {
	if g.History.States == nil {
		return nil, hint.New(fmt.Sprintf("select models: %q: nothing is deployed here that files could be compared with", term), "select by name, tag:, path: or source:")
	}
	return g.History.States()
}

func (g *Graph) results(term string) (map[string]string, error) {
	if g.History.Results == nil {
		return nil, hint.New(fmt.Sprintf("select models: %q: there is no run here", term), "select by name, tag:, path: or source:")
	}
	return g.History.Results()
}

// stateMatcher is dbt's meaning of a state; nil when there is no such state.
func stateMatcher(word string, states map[*Model]Change) func(*Model) bool {
	switch word {
	case "modified":
		return func(m *Model) bool { return states[m] == ChangeNew || states[m] == ChangeOwn }
	case "new":
		return func(m *Model) bool { return states[m] == ChangeNew }
	case "old":
		return func(m *Model) bool { return states[m] != ChangeNew }
	case "unmodified":
		return func(m *Model) bool { return states[m] == ChangeNone || states[m] == ChangeIndirect }
	}
	return nil
}

// States compares the files with what an environment shows: new, changed,
// indirect or unchanged. Inputs are not looked at. A model at fault counts as
// changed, for what it means is not known.
func (e *Engine) States(ctx context.Context, g *Graph, from warehouse.Models, env Environment) (map[*Model]Change, error) {
	compiled, _ := e.Compile(g, g.Order) // faults are told when the models are built
	d := &deployed{env: env, from: from}
	if err := d.read(ctx); err != nil {
		return nil, err
	}
	versions, err := Versions(ctx, from, d.fingerprints())
	if err != nil {
		return nil, err
	}
	prints := g.Fingerprints(compiled)
	states := map[*Model]Change{}
	for _, m := range g.Order {
		found, exists := d.of(m)
		switch {
		case m.Kind == Ephemeral:
			continue // nothing shows it; what reads it is changed with it
		case !exists:
			states[m] = ChangeNew
		case compiled[m] == nil:
			states[m] = ChangeOwn
		case found.Fingerprint == prints[m].Whole:
			states[m] = ChangeNone
		case versions[found.Fingerprint].Own == prints[m].Own:
			states[m] = ChangeIndirect
		default:
			states[m] = ChangeOwn
		}
	}
	return states, nil
}
