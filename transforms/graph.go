package transforms

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Graph is a project's models with what they read.
type Graph struct {
	Project *Project
	History History  // for the selectors state: and result:; its functions may be nil
	Order   []*Model // parents before children, what checks read before what is checked, otherwise by address; all models that have no fault above them

	parents  map[*Model][]*Model        // direct, in the order of Order
	children map[*Model][]*Model        // likewise
	checks   map[*Model][]*Model        // other models that its checks read: they come before it
	raw      map[*Model][]string        // raw tables read directly, sorted
	tables   map[*Model]map[string]bool // the names that the query uses for what it reads
	rawTable map[string]schemas.Table   // by raw table, e.g. raw_stripe.invoices
}

// Parents returns the models that m reads.
func (g *Graph) Parents(m *Model) []*Model { return g.parents[m] }

// Children returns the models that read m.
func (g *Graph) Children(m *Model) []*Model { return g.children[m] }

// RawTables returns the raw tables that m reads, e.g. raw_stripe.invoices.
func (g *Graph) RawTables(m *Model) []string { return g.raw[m] }

// Graph finds out what every model reads and orders the models. With faults (a
// statement that does not parse, an unknown table, a cycle) it returns all of
// them joined, and the graph of the models that have none.
func (e *Engine) Graph(project *Project) (*Graph, error) {
	g := &Graph{
		Project: project,
		parents: map[*Model][]*Model{}, children: map[*Model][]*Model{}, checks: map[*Model][]*Model{},
		raw: map[*Model][]string{}, tables: map[*Model]map[string]bool{},
		rawTable: map[string]schemas.Table{},
	}
	if project.History != nil {
		g.History = project.History(e, g)
	}
	for _, t := range project.Raw {
		g.rawTable[t.RawDataset()+"."+t.Name] = t
	}
	var faults []error
	refs := map[*Model][]syntax.Ref{}
	faulty := map[*Model]bool{}
	for _, m := range project.Models {
		found, err := e.refs(m.Source)
		if err == nil {
			err = g.connect(m, found)
			faulty[m] = slices.ContainsFunc(found, func(ref syntax.Ref) bool { return project.isBroken(ref.Name) })
		}
		if err != nil {
			faults = append(faults, err)
			faulty[m] = true
		}
		refs[m] = found
	}
	faults = append(faults, g.order(refs, faulty)...)
	faults = append(faults, g.orderChecks(e)...)
	for _, m := range g.Order {
		for _, p := range g.parents[m] {
			g.children[p] = append(g.children[p], m)
		}
	}
	return g, errors.Join(faults...)
}

// refs is Analyzer.Refs through the cache.
func (e *Engine) refs(source syntax.Source) ([]syntax.Ref, error) {
	key := e.cache.refsKey(source)
	var entry refsEntry
	if e.cache.get(key, &entry, &entry.Key) {
		return entry.Refs, nil
	}
	err := e.use(func(a Analyzer) (err error) {
		entry.Refs, err = a.Refs(source)
		return err
	})
	if err != nil {
		return nil, err
	}
	entry.Key = key
	e.cache.put(key, entry)
	return entry.Refs, nil
}

// connect resolves the names of m's query.
func (g *Graph) connect(m *Model, refs []syntax.Ref) error {
	var faults []error
	names, raw, parents := map[string]bool{}, map[string]bool{}, map[*Model]bool{}
	for _, ref := range refs {
		if parent, ok := g.Project.Model(ref.Name); ok {
			parents[parent] = true
		} else if _, ok := g.rawTable[ref.Name]; ok {
			raw[ref.Name] = true
		} else if !g.Project.isBroken(ref.Name) { // the fault of a broken one is reported once
			if !names[ref.Name] { // one message per name
				faults = append(faults, m.Source.At(ref.Start, "unknown table "+ref.Name, g.adviceOnTable(ref.Name)))
			}
		}
		names[ref.Name] = true
	}
	g.tables[m] = names
	g.raw[m] = slices.Sorted(maps.Keys(raw))
	g.parents[m] = slices.Collect(maps.Keys(parents))
	return errors.Join(faults...)
}

// adviceOnTable says what to write instead of an unknown table.
func (g *Graph) adviceOnTable(name string) string {
	for _, address := range slices.Sorted(maps.Keys(g.Project.disabled)) {
		if name == address || name == versioned.ReplaceAllString(address, "") {
			return "it is switched off by `enabled: false` in " + g.Project.disabled[address]
		}
	}
	if advice := g.Project.retirement(name); advice != "" {
		return advice
	}
	var known []string
	for _, m := range g.Project.Models {
		if m.Latest {
			known = append(known, m.View().String())
		}
		known = append(known, m.Address())
	}
	known = append(known, slices.Sorted(maps.Keys(g.rawTable))...)
	for _, k := range known {
		if _, table, _ := strings.Cut(k, "."); table == name {
			return fmt.Sprintf("tables are named with their dataset: %s", k)
		}
	}
	return hint.DidYouMean(name, known)
}

// order fills Order. A model is placed once all its parents are; of those that
// could be placed the first by address is. What is left over is on a cycle or
// below a fault.
func (g *Graph) order(refs map[*Model][]syntax.Ref, faulty map[*Model]bool) []error {
	placed := map[*Model]int{}
	left := slices.DeleteFunc(slices.Clone(g.Project.Models), func(m *Model) bool { return faulty[m] })
	for {
		i := slices.IndexFunc(left, func(m *Model) bool {
			return !slices.ContainsFunc(g.parents[m], func(p *Model) bool { _, ok := placed[p]; return !ok })
		})
		if i < 0 {
			break
		}
		placed[left[i]] = len(g.Order)
		g.Order = append(g.Order, left[i])
		left = slices.Delete(left, i, i+1)
	}
	for _, m := range g.Order {
		slices.SortFunc(g.parents[m], func(a, b *Model) int { return placed[a] - placed[b] })
	}
	return g.cycles(left, refs)
}

// cycles names every cycle among the models once, from its first model by address.
func (g *Graph) cycles(models []*Model, refs map[*Model][]syntax.Ref) []error {
	var faults []error
	seen := map[*Model]bool{}
	for _, start := range models {
		if seen[start] {
			continue
		}
		cycle := g.pathBack(start, models)
		if cycle == nil {
			continue // it only reads from a cycle or from a faulty model
		}
		names := make([]string, len(cycle))
		for i, m := range cycle {
			names[i] = m.String()
			seen[m] = true
		}
		next := cycle[1%len(cycle)]
		position := 0
		for _, ref := range refs[start] {
			if m, ok := g.Project.Model(ref.Name); ok && m == next {
				position = ref.Start
				break
			}
		}
		faults = append(faults, start.Source.At(position,
			"models read each other in a circle: "+strings.Join(append(names, names[0]), " -> "),
			"move what they share into a model that both read"))
	}
	return faults
}

// pathBack is a shortest path from start over parents back to start.
func (g *Graph) pathBack(start *Model, among []*Model) []*Model {
	came := map[*Model]*Model{}
	queue := []*Model{start}
	for len(queue) > 0 {
		m := queue[0]
		queue = queue[1:]
		parents := slices.Clone(g.parents[m])
		slices.SortFunc(parents, func(a, b *Model) int { return strings.Compare(a.Address(), b.Address()) })
		for _, p := range parents {
			if p == start {
				path := []*Model{m}
				for path[0] != start {
					path = slices.Insert(path, 0, came[path[0]])
				}
				return path
			}
			if _, ok := came[p]; !ok && slices.Contains(among, p) {
				came[p] = m
				queue = append(queue, p)
			}
		}
	}
	return nil
}

// catalog is what is in scope of m: only the tables that it names, under the
// names that it uses, so that nothing else can change what the cache holds.
func (g *Graph) catalog(m *Model, columns map[*Model][]schemas.Column) syntax.Catalog {
	catalog := syntax.Catalog{Params: map[string]schemas.Type{}}
	for _, name := range m.params() {
		catalog.Params[name] = schemas.Type{Kind: schemas.Timestamp}
	}
	for _, name := range slices.Sorted(maps.Keys(g.tables[m])) {
		table := syntax.Table{Name: name}
		if parent, ok := g.Project.Model(name); ok {
			table.Columns = columns[parent]
		} else {
			for _, c := range g.rawTable[name].RawColumns() {
				c.Type = schemas.GoogleSQLType(c.Type)
				table.Columns = append(table.Columns, c)
			}
		}
		catalog.Tables = append(catalog.Tables, table)
	}
	return catalog
}
