package transforms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/progress"
	"github.com/ripen-data/ripen/warehouse"
)

// Options say how a Builder builds.
type Options struct {
	AsOf     time.Time                 // the value of @as_of
	RawState func(table string) string // what a raw table (raw_stripe.invoices) holds: equal states, equal rows; see RawStates
	Macros   string                    // text of what statements call in the warehouse; part of every build id, may be empty
	Progress progress.Func
	Clock    func() time.Time
}

// Builder builds chosen models. It is safe for concurrent use; the caller walks
// the models so that each is built after those that Needs names.
type Builder struct {
	graph    *Graph
	compiled map[*Model]*Compiled
	models   []*Model
	options  Options
	into     warehouse.Models

	mu        sync.Mutex
	published map[warehouse.TableName]warehouse.Publication // by view; nil until read
}

// Result is what Build did.
type Result struct {
	Model     string // dataset.model
	Table     warehouse.TableName
	BuildID   string
	Rows      int64
	Unchanged bool // an equal build was there already
	Elapsed   time.Duration
}

// NewBuilder makes a Builder for models, whose statements compiled holds.
func NewBuilder(g *Graph, compiled map[*Model]*Compiled, models []*Model, into warehouse.Models, options Options) *Builder {
	options.AsOf = options.AsOf.UTC().Truncate(time.Microsecond) // what a TIMESTAMP holds
	return &Builder{graph: g, compiled: compiled, models: models, into: into, options: options}
}

// Models returns the models to build, parents first.
func (b *Builder) Models() []*Model {
	return slices.DeleteFunc(slices.Clone(b.graph.Order), func(m *Model) bool { return !slices.Contains(b.models, m) })
}

// Needs returns the models (by Model.String) that must be built before m: the
// nearest ancestors among those to build, through any that are not.
func (b *Builder) Needs(m *Model) []string {
	var needs []string
	seen := map[*Model]bool{}
	var climb func(*Model)
	climb = func(child *Model) {
		for _, p := range b.graph.Parents(child) {
			if seen[p] {
				continue
			}
			seen[p] = true
			if slices.Contains(b.models, p) {
				needs = append(needs, p.String())
			} else {
				climb(p)
			}
		}
	}
	climb(m)
	slices.Sort(needs)
	return needs
}

// Build brings one model up to date: nothing if a build of equal inputs is
// published, else a new table, its checks, and then the views. Rows that fail a
// check are a *CheckError; then, as on every error, the views stay as they were.
func (b *Builder) Build(ctx context.Context, m *Model) (Result, error) {
	send := func(e progress.Event) {
		e.Stage, e.Item = "transform", m.String()
		b.options.Progress.Send(e)
	}
	send(progress.Event{State: progress.Started})
	start := b.options.Clock()
	result, err := b.build(ctx, m)
	result.Elapsed = b.options.Clock().Sub(start)
	switch {
	case err != nil:
		send(progress.Event{State: progress.Failed, Err: err})
	case result.Unchanged:
		send(progress.Event{State: progress.Skipped, Note: "unchanged"})
	default:
		send(progress.Event{State: progress.Done, Rows: result.Rows})
	}
	return result, err
}

func (b *Builder) build(ctx context.Context, m *Model) (Result, error) {
	result := Result{Model: m.String()}
	compiled := b.compiled[m]
	if compiled == nil {
		return result, fmt.Errorf("build %s: it did not compile", m)
	}
	id, err := b.buildID(ctx, compiled)
	if err != nil {
		return result, fmt.Errorf("build %s: %w", m, err)
	}
	result.BuildID = id
	views := []warehouse.TableName{m.VersionView()}
	if m.Latest {
		views = append(views, m.View())
	}
	equal, everywhere, err := b.equalBuild(ctx, id, views)
	if err != nil {
		return result, fmt.Errorf("build %s: %w", m, err)
	}
	if everywhere {
		result.Table, result.Rows, result.Unchanged = equal.Table, equal.Rows, true
		return result, nil
	}
	built := equal // a view may be missing only because this version has just become the latest
	if built.BuildID == "" {
		table := warehouse.TableName{Dataset: BuildDataset, Table: fmt.Sprintf("%s__%s__%s", m.Dataset, m.VersionView().Table, id[:8])}
		stats, err := b.into.Build(ctx, warehouse.Statement{
			Name: m.Address(), SQL: compiled.SQL, Params: b.params(compiled), Target: table, Columns: compiled.Columns,
		})
		if err != nil {
			return result, fmt.Errorf("build %s: %w", m, err)
		}
		result.Table, result.Rows = table, stats.Rows
		if err := check(ctx, b.into, m, table); err != nil {
			return result, err
		}
		built = warehouse.Publication{Table: table, BuildID: id, Version: m.Version, Rows: stats.Rows, BuiltAt: b.options.Clock().UTC()}
	}
	result.Table, result.Rows = built.Table, built.Rows
	return result, b.publish(ctx, m, built, views)
}

// params are the values that the statement names; engines refuse others.
func (b *Builder) params(c *Compiled) map[string]any {
	if !c.Uses(AsOf) {
		return nil
	}
	return map[string]any{AsOf: b.options.AsOf}
}

// buildID identifies everything that decides the rows of the table and whether
// they pass: the statement and the macros it may call, its types and key, the parameter, the builds of its
// parents and the loads of its raw tables.
func (b *Builder) buildID(ctx context.Context, c *Compiled) (string, error) {
	inputs := struct {
		Model, SQL, Macros, AsOf string
		Columns, Key             []string
		Parents, Raw             [][2]string
	}{Model: c.Model.Address(), SQL: c.SQL, Macros: b.options.Macros, Key: c.Model.Key}
	for _, column := range c.Columns {
		inputs.Columns = append(inputs.Columns, column.Name+" "+column.Type.String())
	}
	if c.Uses(AsOf) {
		inputs.AsOf = formatTimestamp(b.options.AsOf)
	}
	for _, parent := range b.graph.Parents(c.Model) {
		publication, ok, err := b.publication(ctx, parent.VersionView())
		if err != nil {
			return "", err
		}
		if !ok {
			return "", hint.Wrap(fmt.Errorf("it reads %s, which was never built", parent), "select its ancestors too: --select +%s", c.Model)
		}
		inputs.Parents = append(inputs.Parents, [2]string{parent.Address(), publication.BuildID})
	}
	for _, table := range b.graph.RawTables(c.Model) {
		inputs.Raw = append(inputs.Raw, [2]string{table, b.options.RawState(table)})
	}
	return digest(inputs), nil
}

// equalBuild finds a published build with the id, and whether all views show it.
func (b *Builder) equalBuild(ctx context.Context, id string, views []warehouse.TableName) (equal warehouse.Publication, everywhere bool, err error) {
	everywhere = true
	for _, view := range views {
		publication, ok, err := b.publication(ctx, view)
		if err != nil {
			return equal, false, err
		}
		if ok && publication.BuildID == id {
			equal = publication
		} else {
			everywhere = false
		}
	}
	return equal, everywhere, nil
}

// publication is what a view shows now.
func (b *Builder) publication(ctx context.Context, view warehouse.TableName) (warehouse.Publication, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.published == nil {
		publications, err := b.into.Published(ctx)
		if err != nil {
			return warehouse.Publication{}, false, err
		}
		b.published = map[warehouse.TableName]warehouse.Publication{}
		for _, p := range publications {
			b.published[p.View] = p
		}
	}
	publication, ok := b.published[view]
	return publication, ok, nil
}

// publish points the views at a build.
func (b *Builder) publish(ctx context.Context, m *Model, built warehouse.Publication, views []warehouse.TableName) error {
	publications := make([]warehouse.Publication, len(views))
	for i, view := range views {
		publications[i] = built
		publications[i].View = view
	}
	if err := b.into.Publish(ctx, publications); err != nil {
		return fmt.Errorf("publish %s: %w", m, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range publications {
		b.published[p.View] = p
	}
	return nil
}

// BuildAll builds one model after the other. What reads a model that failed is
// left as it is; other models go on. All failures are returned, joined.
func (b *Builder) BuildAll(ctx context.Context) ([]Result, error) {
	var results []Result
	var faults []error
	failed := map[string]bool{}
	for _, m := range b.Models() {
		if slices.ContainsFunc(b.Needs(m), func(name string) bool { return failed[name] }) {
			failed[m.String()] = true
			continue
		}
		result, err := b.Build(ctx, m)
		if err != nil {
			failed[m.String()] = true
			faults = append(faults, err)
			continue
		}
		results = append(results, result)
	}
	return results, errors.Join(faults...)
}

// RawStates makes Options.RawState of the load ledger: a raw table's rows are
// those of its loads.
func RawStates(loads []warehouse.Load) func(table string) string {
	ids := map[string][]string{}
	for _, l := range loads {
		ids["raw_"+l.Table] = append(ids["raw_"+l.Table], l.LoadID)
	}
	states := map[string]string{}
	for table, list := range ids {
		slices.Sort(list)
		states[table] = digest(strings.Join(list, "\n"))
	}
	return func(table string) string { return states[table] }
}
