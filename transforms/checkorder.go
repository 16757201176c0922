package transforms

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// checkRead is a model that a check of another reads.
type checkRead struct {
	model *Model
	at    func(message, advice string) *syntax.Diagnostic // where the check says so
}

// checkReads are the models that m's checks read, besides m.
func (e *Engine) checkReads(g *Graph, m *Model) []checkRead {
	var reads []checkRead
	for _, c := range m.checks() {
		if c.Relationship == nil {
			continue
		}
		name, _ := c.Relationship.target()
		if target, ok := g.Project.Model(name); ok {
			reads = append(reads, checkRead{target, func(message, advice string) *syntax.Diagnostic {
				return m.Config.At(max(strings.Index(m.Config.Text, c.Relationship.To), 0), message, advice)
			}})
		}
	}
	_, sources, err := m.ownChecks()
	if err != nil {
		return reads // told when they are compiled
	}
	for _, source := range sources {
		refs, err := e.refs(source)
		if err != nil {
			continue // likewise
		}
		for _, ref := range refs {
			if target, ok := g.Project.Model(ref.Name); ok {
				reads = append(reads, checkRead{target, func(message, advice string) *syntax.Diagnostic {
					return source.At(ref.Start, message, advice)
				}})
			}
		}
	}
	return slices.DeleteFunc(reads, func(r checkRead) bool { return r.model == m })
}

// orderChecks moves models behind those that their checks read, and refuses
// checks that would have to wait for what waits for them.
func (g *Graph) orderChecks(e *Engine) []error {
	reads := map[*Model][]checkRead{}
	needs := maps.Clone(g.parents)
	for _, m := range g.Order {
		for _, read := range e.checkReads(g, m) {
			if slices.Contains(g.Order, read.model) {
				reads[m] = append(reads[m], read)
				needs[m] = append(slices.Clone(needs[m]), read.model)
			}
		}
	}
	if len(reads) == 0 {
		return nil
	}
	var faults []error
	for _, m := range g.Order {
		for _, read := range reads[m] {
			switch {
			case read.model.Kind == Ephemeral:
				faults = append(faults, read.at(fmt.Sprintf("%s is ephemeral: it has no rows that a check could read", read.model), "materialize it as a view"))
			case reaches(g.parents, read.model, m):
				faults = append(faults, read.at(fmt.Sprintf("%s is built from %s", read.model, m), "move the check to that model: it is built later"))
			case reaches(needs, read.model, m):
				faults = append(faults, read.at(fmt.Sprintf("the check must wait for %s, which waits for %s by a check", read.model, m), "drop one of the two checks"))
			case !slices.Contains(g.checks[m], read.model):
				g.checks[m] = append(g.checks[m], read.model)
			}
		}
	}
	order, placed := g.Order, map[*Model]bool{}
	g.Order = nil
	var place func(*Model)
	place = func(m *Model) {
		if placed[m] {
			return
		}
		placed[m] = true
		for _, p := range slices.Concat(g.parents[m], g.checks[m]) {
			place(p)
		}
		g.Order = append(g.Order, m)
	}
	for _, m := range order {
		place(m)
	}
	return faults
}

// reaches reports whether from leads to to.
func reaches(edges map[*Model][]*Model, from, to *Model) bool {
	seen := map[*Model]bool{}
	var walk func(*Model) bool
	walk = func(m *Model) bool {
		if m == to {
			return true
		}
		if seen[m] {
			return false
		}
		seen[m] = true
		return slices.ContainsFunc(edges[m], walk)
	}
	return walk(from)
}
