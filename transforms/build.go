package transforms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/progress"
	"github.com/ripen-data/ripen/warehouse"
)

// Options say how a Builder builds.
type Options struct {
	AsOf        time.Time   // the value of @as_of
	Environment Environment // whose views are published
	Release     string      // id of the run: what it publishes is rolled back together
	Raw         RawTables   // what the raw tables hold
	Macros      string      // text of what statements call in the warehouse; part of every build id, may be empty
	Backfill    *Window     // of models built by interval: build these intervals again, and no others
	FullRefresh bool        // build everything again, whatever is there, but for what an environment shares with production
	Progress    progress.Func
	Clock       func() time.Time
}

// Builder builds chosen models. It is safe for concurrent use; the caller walks
// the models so that each is built after those that Needs names.
type Builder struct {
	resolver
	models   []*Model
	options  Options
	into     warehouse.Models
	deployed *deployed
	versions *versionLedger
	failing  *keptFailures
}

// Result is what Build did.
type Result struct {
	Model     string // dataset.model
	Table     warehouse.TableName
	BuildID   string
	Rows      int64
	Unchanged bool      // an equal build was there already
	Intervals int       // that were built, of a model built by interval
	Warnings  []Failure // of checks that only warn
	Elapsed   time.Duration

	checks []checkRun
}

// NewBuilder makes a Builder for models, whose statements compiled holds.
func NewBuilder(g *Graph, compiled map[*Model]*Compiled, models []*Model, into warehouse.Models, options Options) *Builder {
	options.AsOf = options.AsOf.UTC().Truncate(time.Microsecond) // what a TIMESTAMP holds
	b := &Builder{
		models: models, into: into, options: options,
		deployed: &deployed{env: options.Environment, from: into}, versions: &versionLedger{}, failing: &keptFailures{},
	}
	b.resolver = resolver{
		graph: g, compiled: compiled, prints: g.Fingerprints(compiled), raw: options.Raw.State,
		asOf: formatTimestamp(options.AsOf), build: b.buildOf,
	}
	return b
}

// Models returns the models to build, parents first. What is written into other
// statements is not built.
func (b *Builder) Models() []*Model {
	return slices.DeleteFunc(slices.Clone(b.graph.Order), func(m *Model) bool { return m.Kind == Ephemeral || !slices.Contains(b.models, m) })
}

// Needs returns the models (by Model.String) that must be built before m: the
// nearest ancestors among those to build, through any that are not, and what its
// checks read.
func (b *Builder) Needs(m *Model) []string {
	var needs []string
	seen := map[*Model]bool{}
	var climb func([]*Model)
	climb = func(models []*Model) {
		for _, p := range models {
			if seen[p] {
				continue
			}
			seen[p] = true
			if p.Kind != Ephemeral && slices.Contains(b.models, p) {
				needs = append(needs, p.String())
			} else {
				climb(b.graph.Parents(p))
			}
		}
	}
	climb(slices.Concat(b.graph.Parents(m), b.graph.checks[m]))
	slices.Sort(needs)
	return needs
}

// Build brings one model up to date: nothing if a build of equal inputs is
// published, else new rows, their checks, and then the views. Rows that fail a
// check are a *CheckError; then, as on every error, the views stay as they were.
func (b *Builder) Build(ctx context.Context, m *Model) (Result, error) {
	send := func(e progress.Event) {
		e.Stage, e.Item = "transform", m.String()
		b.options.Progress.Send(e)
	}
	send(progress.Event{State: progress.Started})
	start := b.options.Clock()
	result, err := b.bring(ctx, m)
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

// work is one model on its way.
type work struct {
	*Compiled
	print  Fingerprint
	views  []warehouse.TableName
	before warehouse.Publication // what readers find now; zero when nothing
}

func (b *Builder) bring(ctx context.Context, m *Model) (Result, error) {
	result := Result{Model: m.String()}
	if b.compiled[m] == nil {
		return result, fmt.Errorf("build %s: it did not compile", m)
	}
	if err := b.deployed.read(ctx); err != nil {
		return result, fmt.Errorf("build %s: %w", m, err)
	}
	w := &work{Compiled: b.compiled[m], print: b.prints[m], views: b.options.Environment.Views(m)}
	w.before, _ = b.deployed.of(m)
	built, err := b.materialize(ctx, w, &result)
	if err == nil && result.Unchanged {
		t := &auditing{Builder: b, work: w, of: audited{table: built.Table}, result: &result}
		if err = t.fresh(ctx); err == nil {
			err = t.failed()
		}
	}
	checks := b.checked(m, result.checks)
	var check *CheckError
	switch {
	case errors.As(err, &check):
		return result, errors.Join(err, b.into.Change(ctx, checks), b.dropPassed(ctx, m, result.checks))
	case err != nil:
		return result, fmt.Errorf("build %s: %w", m, b.graph.locate(m, err))
	}
	result.Table, result.Rows, result.BuildID = built.Table, built.Rows, built.BuildID
	if err := b.publish(ctx, w, built, checks); err != nil {
		return result, fmt.Errorf("publish %s: %w", m, err)
	}
	return result, b.dropPassed(ctx, m, result.checks)
}

// materialize makes the rows, or finds that they are there.
func (b *Builder) materialize(ctx context.Context, w *work, result *Result) (warehouse.Publication, error) {
	if shared, ok := b.shared(w); ok {
		result.Unchanged = true
		return shared, nil
	}
	switch {
	case w.Model.ByInterval():
		return b.byInterval(ctx, w, result)
	case w.Model.ByKey():
		return b.byKey(ctx, w, result)
	case w.Model.Kind == Snapshot:
		return b.snapshot(ctx, w, result)
	}
	return b.whole(ctx, w, result)
}

// shared is production's build for an environment in which the model means the
// same: newer data alone is no reason to build it there again, and what readers of
// production find is not changed from elsewhere.
func (b *Builder) shared(w *work) (warehouse.Publication, bool) {
	if b.options.Environment == Production {
		return warehouse.Publication{}, false
	}
	production, ok := b.deployed.in(Production, w.Model)
	return production, ok && production.Fingerprint == w.print.Whole
}

// whole builds a table or a view anew, unless a build of equal inputs is there.
func (b *Builder) whole(ctx context.Context, w *work, result *Result) (warehouse.Publication, error) {
	in, err := b.inputs(w.Model, nothing)
	if err != nil {
		return warehouse.Publication{}, err
	}
	id := b.buildID(w, in)
	if equal, ok := b.deployed.equal(w.Model, id); ok && !b.options.FullRefresh {
		result.Unchanged = b.deployed.shows(w.views, equal)
		return equal, nil
	}
	name := id
	if b.options.FullRefresh { // the table that readers see may have the id
		name = digest([]string{id, b.options.Release})
	}
	statement, err := b.statement(w, b.table(w, name[:8]), nil)
	if err != nil {
		return warehouse.Publication{}, err
	}
	if err := b.sweep(ctx, w); err != nil {
		return warehouse.Publication{}, err
	}
	stats, err := b.into.Build(ctx, statement)
	if err != nil {
		return warehouse.Publication{}, err
	}
	if stats.Rows, err = b.audit(ctx, w, audited{table: statement.Target}, result); err != nil {
		return warehouse.Publication{}, err
	}
	return b.publication(w, statement.Target, id, in, stats), nil
}

// sweep drops what earlier runs have built of the model and not published, for
// its checks failed: publishing again what is published lets go of it.
func (b *Builder) sweep(ctx context.Context, w *work) error {
	p, ok := b.deployed.in(b.options.Environment, w.Model)
	if !ok {
		return nil
	}
	return b.into.Publish(ctx, warehouse.Release{ID: b.options.Release, Environment: string(b.options.Environment), Publications: []warehouse.Publication{p}})
}

func nothing(string) bool { return false }

// table is where rows of the model are kept: under the fingerprint, and the build
// where every build has a table of its own.
func (b *Builder) table(w *work, build string) warehouse.TableName {
	name := fmt.Sprintf("%s__%s__%s", w.Model.Dataset, w.Model.VersionView().Table, w.print.Whole[:8])
	if build != "" {
		name += "_" + build
	}
	return warehouse.TableName{Dataset: warehouse.BuildDataset, Table: name}
}

// statement is the model's query, to be built into target. more are parameters
// besides @as_of.
func (b *Builder) statement(w *work, target warehouse.TableName, more map[string]any) (warehouse.Statement, error) {
	view := w.Model.Kind == View
	sql, err := b.render(w.Model, func(p *Model) (warehouse.TableName, error) {
		if view || p.Kind == View {
			// What is computed on reading reads stable views, so that it shows what they show then.
			return b.visible(p), nil
		}
		found, err := b.found(p)
		return found.Table, err
	})
	if err != nil {
		return warehouse.Statement{}, err
	}
	params := map[string]any{}
	if b.uses(w.Model, AsOf) {
		params[AsOf] = b.options.AsOf
	}
	for name, value := range more {
		if b.uses(w.Model, name) {
			params[name] = value
		}
	}
	return warehouse.Statement{
		Name: w.Model.Address(), SQL: sql, Params: params, Target: target, Columns: w.Columns, View: view,
	}, nil
}

// visible is the view by which readers of the environment find a model.
func (b *Builder) visible(m *Model) warehouse.TableName {
	if p, ok := b.deployed.of(m); ok {
		return p.View
	}
	return b.options.Environment.View(m.VersionView())
}

// found is the build of a model that others read.
func (b *Builder) found(m *Model) (warehouse.Publication, error) {
	p, ok := b.deployed.of(m)
	if !ok {
		return p, hint.Wrap(fmt.Errorf("it reads %s, which was never built", m), "select its ancestors too: --select +…, or leave --select out")
	}
	return p, nil
}

func (b *Builder) buildOf(m *Model) (string, error) {
	p, err := b.found(m)
	return p.BuildID, err
}

// buildID identifies everything that decides the rows and whether they pass: the
// meaning of the files, what they compiled to, the macros, the checks, the inputs.
func (b *Builder) buildID(w *work, in *inputs) string {
	return digest(struct {
		Fingerprint, SQL, Macros string
		Checks                   any
		Inputs                   *inputs
	}{w.print.Whole, bare(w.SQL), b.options.Macros, w.Model.checksMeaning(), in})
}

func (b *Builder) publication(w *work, table warehouse.TableName, id string, in *inputs, stats warehouse.Stats) warehouse.Publication {
	return warehouse.Publication{
		Environment: string(b.options.Environment), Model: w.Model.Address(), Table: table,
		BuildID: id, Fingerprint: w.print.Whole, Inputs: in.text(), Version: w.Model.Version,
		Rows: stats.Rows, Bytes: stats.Bytes, BuiltAt: b.options.Clock().UTC(),
	}
}

// publish points the views at a build, and writes into ledgers what the model was
// and what was checked.
func (b *Builder) publish(ctx context.Context, w *work, built warehouse.Publication, ledgers []warehouse.Statement) error {
	if b.deployed.shows(w.views, built) {
		if len(ledgers) == 0 {
			return nil
		}
		return b.into.Change(ctx, ledgers)
	}
	remember, err := b.remember(ctx, w)
	if err != nil {
		return err
	}
	publications := make([]warehouse.Publication, len(w.views))
	for i, view := range w.views {
		publications[i] = built
		publications[i].View, publications[i].Environment = view, string(b.options.Environment)
	}
	err = b.into.Publish(ctx, warehouse.Release{
		ID: b.options.Release, Environment: string(b.options.Environment), Publications: publications, At: b.options.Clock(), Ledgers: append(ledgers, remember...),
	})
	if err != nil {
		return err
	}
	b.versions.add(w.print.Whole)
	b.deployed.record(publications)
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

// RawTables is what the raw tables hold, by the load ledger: a raw table's rows
// are those of its loads.
type RawTables map[string][]string // raw table, e.g. raw_stripe.invoices -> ids of its loads, sorted

// NewRawTables reads the load ledger.
func NewRawTables(loads []warehouse.Load) RawTables {
	tables := RawTables{}
	for _, l := range loads {
		tables["raw_"+l.Table] = append(tables["raw_"+l.Table], l.LoadID)
	}
	for _, ids := range tables {
		slices.Sort(ids)
	}
	return tables
}

// State is equal for equal rows; empty for a table that nothing was loaded into.
func (r RawTables) State(table string) string {
	if len(r[table]) == 0 {
		return ""
	}
	return digest(strings.Join(r[table], "\n"))
}

// Instant is the environment and the instant that the Builder builds.
func (b *Builder) Instant() (Environment, time.Time) { return b.options.Environment, b.options.AsOf }
