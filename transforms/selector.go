package transforms

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
)

// Select returns the models that the selectors name, parents first. The grammar
// is dbt's:
//
//	fct_trial           a model, by name, dataset.name, or either with _vN (or .vN) for one version
//	staging             a dataset; also staging.*
//	+m  m+  2+m+1  @m   with ancestors, with descendants, so many steps, with descendants and their ancestors
//	tag:nightly  path:sql/core  file:query.sql  source:raw_stripe.invoices+  fqn:m
//	state:modified       whose files mean something else than what is deployed; also new, old, unmodified
//	result:error         that ended so in the last run; also success, skipped
//	stg_*               *, ? and [abc] match in names, tags, paths and files
//	a b                 union: a or b; several selectors are a union too
//	a,b                 intersection: a and b
//
// No selector means all models; exclude is taken away from what is selected. A
// selector that matches nothing is an error.
func (g *Graph) Select(selectors, exclude []string) ([]*Model, error) {
	selected := map[*Model]bool{}
	if len(selectors) == 0 {
		for _, m := range g.Order {
			selected[m] = true
		}
	}
	for _, s := range selectors {
		if err := g.union(s, selected); err != nil {
			return nil, err
		}
	}
	excluded := map[*Model]bool{}
	for _, s := range exclude {
		if err := g.union(s, excluded); err != nil {
			return nil, err
		}
	}
	models := slices.DeleteFunc(slices.Clone(g.Order), func(m *Model) bool { return !selected[m] || excluded[m] })
	if len(models) == 0 && len(selectors)+len(exclude) > 0 {
		return nil, fmt.Errorf("select models: %q without %q leaves nothing", strings.Join(selectors, " "), strings.Join(exclude, " "))
	}
	return models, nil
}

// union adds what the space-separated parts of a selector name.
func (g *Graph) union(selector string, into map[*Model]bool) error {
	parts := strings.Fields(selector)
	if len(parts) == 0 {
		return hint.New("select models: the selector is empty", "leave --select out to take all models")
	}
	for _, part := range parts {
		found, err := g.intersection(part)
		if err != nil {
			return err
		}
		for m := range found {
			into[m] = true
		}
	}
	return nil
}

// intersection is what all comma-separated parts name.
func (g *Graph) intersection(selector string) (map[*Model]bool, error) {
	var common map[*Model]bool
	for _, part := range strings.Split(selector, ",") {
		found, err := g.term(part)
		if err != nil {
			return nil, err
		}
		if common == nil {
			common = found
			continue
		}
		for m := range common {
			if !found[m] {
				delete(common, m)
			}
		}
	}
	if len(common) == 0 {
		return nil, hint.Wrap(fmt.Errorf("select models: no model matches all of %q", selector),
			"a comma means and, a space means or")
	}
	return common, nil
}

// term is one selector without spaces and commas: [@|[N]+][method:]value[+[N]].
var termPattern = regexp.MustCompile(`^(@)?(?:([0-9]*)(\+))?(?:([A-Za-z0-9_.]+):)?(.*?)(?:(\+)([0-9]*))?$`)

func (g *Graph) term(term string) (map[*Model]bool, error) {
	parts := termPattern.FindStringSubmatch(term)
	at, up, down, method, value := parts[1] != "", parts[3] != "", parts[6] != "", parts[4], parts[5]
	switch {
	case value == "":
		return nil, hint.Wrap(fmt.Errorf("select models: %q names no model", term), "write e.g. +fct_trial, tag:nightly or staging.*")
	case at && (up || down):
		return nil, hint.Wrap(fmt.Errorf("select models: %q combines @ with +", term),
			"@%s already takes the descendants and all their ancestors", value)
	}
	steps := func(text string) (int, error) {
		if text == "" {
			return len(g.Order), nil // as far as there is anything
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return 0, fmt.Errorf("select models: %q: %w", term, err)
		}
		return n, nil
	}
	upSteps, err := steps(parts[2])
	if err != nil {
		return nil, err
	}
	downSteps, err := steps(parts[7])
	if err != nil {
		return nil, err
	}
	if method == "source" {
		return g.readersOf(term, value, at, down, downSteps)
	}
	start, err := g.match(term, method, value)
	if err != nil {
		return nil, err
	}
	found := map[*Model]bool{}
	add := func(models map[*Model]bool) {
		for m := range models {
			found[m] = true
		}
	}
	add(start)
	if at {
		below := walk(start, g.children, len(g.Order))
		add(walk(below, g.parents, len(g.Order)))
	}
	if up {
		add(walk(start, g.parents, upSteps))
	}
	if down {
		add(walk(start, g.children, downSteps))
	}
	return found, nil
}

// match is the models that method:value names.
func (g *Graph) match(term, method, value string) (map[*Model]bool, error) {
	var matches func(*Model) bool
	var known []string
	switch method {
	case "":
		if strings.Contains(value, "/") {
			return g.match(term, "path", value)
		}
		if strings.HasSuffix(value, ".sql") || strings.HasSuffix(value, ".yaml") {
			return g.match(term, "file", value)
		}
		return g.match(term, "fqn", value)
	case "fqn":
		matches = func(m *Model) bool { return matchesName(m, value) }
		for _, m := range g.Order {
			known = append(known, m.Name, m.View().String(), m.Dataset)
		}
	case "tag":
		matches = func(m *Model) bool {
			return slices.ContainsFunc(m.Tags, func(tag string) bool { return glob(value, tag) })
		}
		for _, m := range g.Order {
			known = append(known, m.Tags...)
		}
	case "path":
		pattern := path.Clean(value)
		matches = func(m *Model) bool { return matchesPath(m, pattern) }
		for _, m := range g.Order {
			known = append(known, path.Dir(m.Source.Name), path.Join(root, m.Dataset))
		}
	case "file":
		matches = func(m *Model) bool { return glob(value, queryFile) || glob(value, configFile) }
		known = []string{queryFile, configFile}
	case "state":
		states, err := g.states(term)
		if err != nil {
			return nil, err
		}
		if matches = stateMatcher(value, states); matches == nil {
			return nil, hint.Wrap(fmt.Errorf("select models: %q: unknown state", term), "%s", hint.DidYouMean(value, stateWords))
		}
	case "result":
		results, err := g.results(term)
		if err != nil {
			return nil, err
		}
		if value == "fail" {
			value = "error" // dbt's word for a check that failed
		}
		if !slices.Contains(resultWords, value) {
			return nil, hint.Wrap(fmt.Errorf("select models: %q: unknown result", term), "%s", hint.DidYouMean(value, resultWords))
		}
		matches = func(m *Model) bool { return results[m.String()] == value }
	default:
		return nil, hint.Wrap(fmt.Errorf("select models: %q: unknown method %q", term, method),
			"%s", hint.DidYouMean(method, []string{"fqn", "tag", "path", "file", "source", "state", "result"}))
	}
	found := map[*Model]bool{}
	for _, m := range g.Order {
		if matches(m) {
			found[m] = true
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case known == nil: // it is no name that could be misspelt
		return nil, fmt.Errorf("select models: %q matches nothing: no model is so", term)
	}
	return nil, noMatch(term, value, known)
}

// readersOf follows raw tables, which are read but never built themselves.
func (g *Graph) readersOf(term, value string, at, down bool, steps int) (map[*Model]bool, error) {
	dataset, table, hasTable := strings.Cut(value, ".")
	start, matched := map[*Model]bool{}, false
	var known []string
	for _, t := range g.Project.Raw {
		name := t.RawDataset() + "." + t.Name
		known = append(known, t.RawDataset(), name)
		if !glob(dataset, t.RawDataset()) || hasTable && !glob(table, t.Name) {
			continue
		}
		matched = true
		for _, m := range g.Order {
			if slices.Contains(g.raw[m], name) {
				start[m] = true
			}
		}
	}
	switch {
	case !matched:
		return nil, noMatch(term, value, known)
	case !at && !down:
		return nil, hint.Wrap(fmt.Errorf("select models: %q names raw tables, which are not built", term),
			"write source:%s+ for the models that read them", value)
	case down && steps == 0 || len(start) == 0:
		return nil, fmt.Errorf("select models: %q: no model reads it", term)
	case at:
		below := walk(start, g.children, len(g.Order))
		return walk(below, g.parents, len(g.Order)), nil
	default:
		return walk(start, g.children, steps-1), nil
	}
}

func noMatch(term, value string, known []string) error {
	slices.Sort(known)
	return hint.Wrap(fmt.Errorf("select models: %q matches nothing", term), "%s", hint.DidYouMean(value, slices.Compact(known)))
}

// walk is start and everything within so many steps of it.
func walk(start map[*Model]bool, edges map[*Model][]*Model, steps int) map[*Model]bool {
	found := map[*Model]bool{}
	frontier := make([]*Model, 0, len(start))
	for m := range start {
		found[m] = true
		frontier = append(frontier, m)
	}
	for ; steps > 0 && len(frontier) > 0; steps-- {
		var next []*Model
		for _, m := range frontier {
			for _, n := range edges[m] {
				if !found[n] {
					found[n] = true
					next = append(next, n)
				}
			}
		}
		frontier = next
	}
	return found
}

// ancestors is the models with everything that they read.
func (g *Graph) ancestors(models []*Model) map[*Model]bool {
	start := map[*Model]bool{}
	for _, m := range models {
		start[m] = true
	}
	return walk(start, g.parents, len(g.Order))
}

// matchesName follows dbt: a name is matched as a whole, or its dotted path from
// the left; from the first part with a wildcard on, the rest is one pattern.
func matchesName(m *Model, value string) bool {
	version := fmt.Sprintf("v%d", m.Version)
	for _, name := range []string{m.Name, m.Name + "_" + version, m.Name + "." + version} {
		if glob(value, name) || glob(value, m.Dataset+"."+name) {
			return true
		}
	}
	return value == m.Dataset
}

// matchesPath reports whether the pattern names the model's folder, a file in
// it, or a folder above it.
func matchesPath(m *Model, pattern string) bool {
	for _, file := range []string{m.Source.Name, m.Config.Name} {
		for p := file; p != "."; p = path.Dir(p) {
			if glob(pattern, p) {
				return true
			}
		}
	}
	return false
}

// glob matches like a shell; [!a] is accepted for [^a], as in dbt.
func glob(pattern, name string) bool {
	ok, err := path.Match(strings.ReplaceAll(pattern, "[!", "[^"), name)
	return err == nil && ok
}
