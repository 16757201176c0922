package transforms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// Change is how the files of a model stand to what an environment shows.
type Change string

// Changes.
const (
	ChangeNone     Change = "unchanged"
	ChangeNew      Change = "new"
	ChangeOwn      Change = "changed"    // the model's own files mean something else
	ChangeIndirect Change = "indirect"   // a model that it reads does
	ChangeData     Change = "data"       // the files mean the same; inputs have moved
	ChangeRemoved  Change = "removed"    // the environment shows it, and no file does
	ChangeShared   Change = "production" // the environment has no view of its own yet, and gets production's
)

// Planned is what a run would do with one model.
type Planned struct {
	Model     string         `json:"model"` // dataset.model, with the version unless it is the latest
	Kind      Kind           `json:"materialized,omitempty"`
	Change    Change         `json:"change"`
	Breaking  bool           `json:"breaking,omitempty"` // readers lose a column, or find another type or key
	Columns   []ColumnChange `json:"columns,omitempty"`
	Reasons   []string       `json:"reasons,omitempty"`
	Rebuild   bool           `json:"rebuild"`             // rows are computed
	Intervals int            `json:"intervals,omitempty"` // so many of them, of a model built by interval
	Rows      int64          `json:"rows,omitempty"`      // that the part to rebuild had at its last build
	Bytes     int64          `json:"bytes,omitempty"`     // likewise
	Views     []string       `json:"views,omitempty"`     // to drop, of a removed model
	Before    string         `json:"-"`                   // GoogleSQL that is deployed; empty unless the change is ChangeOwn
	After     string         `json:"-"`                   // and that of the files
}

// ColumnChange is a column that readers lose, gain or find changed.
type ColumnChange struct {
	Name string `json:"name"`
	From string `json:"from,omitempty"` // type; empty when it is new
	To   string `json:"to,omitempty"`   // type; empty when it is gone
}

func (c ColumnChange) breaking() bool { return c.From != "" }

func (c ColumnChange) String() string {
	switch {
	case c.From == "":
		return "+" + c.Name + " " + c.To
	case c.To == "":
		return "-" + c.Name
	}
	return c.Name + " " + c.From + " -> " + c.To
}

// Plan says, parents first, what Build would do with the models, and which views
// of the environment no model has any more. It changes nothing.
func (b *Builder) Plan(ctx context.Context) ([]Planned, error) {
	if err := b.deployed.read(ctx); err != nil {
		return nil, err
	}
	p := &planner{Builder: b, ids: map[*Model]string{}, rebuilt: map[*Model]bool{}, causes: map[*Model][]string{}}
	var err error
	if p.versions, err = Versions(ctx, b.into, b.deployed.fingerprints()); err != nil {
		return nil, err
	}
	forecast := p.resolver
	forecast.build = p.willBe
	p.forecast = &forecast
	var plan []Planned
	for _, m := range b.Models() {
		planned, err := p.plan(ctx, m)
		if err != nil {
			return nil, fmt.Errorf("plan %s: %w", m, err)
		}
		plan = append(plan, planned)
	}
	return append(plan, b.removed()...), nil
}

// planner forecasts build ids: they follow from inputs, so most are known before
// anything is built.
type planner struct {
	*Builder
	forecast *resolver
	versions map[string]Version
	ids      map[*Model]string // build id after the run, as far as it is known
	rebuilt  map[*Model]bool
	causes   map[*Model][]string // see cause
}

func (p *planner) willBe(m *Model) (string, error) {
	if id, ok := p.ids[m]; ok {
		return id, nil
	}
	return p.buildOf(m)
}

func (p *planner) plan(ctx context.Context, m *Model) (Planned, error) {
	planned := Planned{Model: m.String(), Kind: m.Kind, Change: ChangeNone}
	if p.compiled[m] == nil {
		return planned, errors.New("it did not compile")
	}
	w := &work{Compiled: p.compiled[m], print: p.prints[m], views: p.options.Environment.Views(m)}
	before, exists := p.deployed.of(m)
	w.before = before
	switch {
	case !exists:
		planned.Change = ChangeNew
	case before.Fingerprint != w.print.Whole:
		p.compare(&planned, w)
	}
	p.face(&planned, w)
	planned.Rows, planned.Bytes = before.Rows, before.Bytes
	if shared, ok := p.shared(w); ok {
		p.ids[m] = shared.BuildID
		planned.Rows, planned.Bytes = 0, 0
		if !p.deployed.shows(w.views, shared) {
			planned.Change, planned.Reasons = ChangeShared, nil
		}
		return planned, nil
	}
	var err error
	switch {
	case m.ByInterval():
		err = p.intervals(ctx, w, &planned)
	case m.ByKey(), m.Kind == Snapshot:
		err = p.kept(ctx, w, &planned)
	default:
		err = p.whole(w, &planned)
	}
	if err != nil {
		return planned, err
	}
	p.rebuilt[m] = planned.Rebuild
	if !planned.Rebuild {
		planned.Rows, planned.Bytes = 0, 0
	} else if planned.Change == ChangeNone {
		planned.Change = ChangeData
	}
	return planned, nil
}

// compare says how the deployed version differs from the files.
func (p *planner) compare(planned *Planned, w *work) {
	planned.Change = ChangeIndirect
	old, known := p.versions[w.before.Fingerprint]
	if !known {
		planned.Change = ChangeOwn
		planned.Reasons = append(planned.Reasons, "it was built before versions were recorded")
		return
	}
	if old.Own != w.print.Own {
		planned.Change = ChangeOwn
		planned.Before, planned.After = old.Query, w.Model.Source.Text
	} else {
		for _, name := range p.cause(w.Model) {
			planned.Reasons = append(planned.Reasons, name+" means something else")
		}
		if len(planned.Reasons) == 0 {
			planned.Reasons = p.rewired(w)
		}
	}
	planned.Columns = compareColumns(old.Columns, w.Columns)
	planned.Breaking = slices.ContainsFunc(planned.Columns, ColumnChange.breaking)
	if !slices.Equal(old.Config.Key, w.Model.Key) {
		planned.Breaking = true
		planned.Reasons = append(planned.Reasons, fmt.Sprintf("the key was (%s) and is (%s)",
			strings.Join(old.Config.Key, ", "), strings.Join(w.Model.Key, ", ")))
	}
	if old.Config.Kind != w.Model.Kind {
		planned.Reasons = append(planned.Reasons, fmt.Sprintf("it was a %s and is a %s", old.Config.Kind, w.Model.Kind))
	}
}

// face compares the model with another version that its unversioned view shows so far.
func (p *planner) face(planned *Planned, w *work) {
	if !w.Model.Latest {
		return
	}
	shown, ok := p.deployed.at(w.Model.View())
	if !ok || shown.Version == w.Model.Version {
		return
	}
	if planned.Change == ChangeNone {
		planned.Change = ChangeOwn
	}
	planned.Reasons = append(planned.Reasons, fmt.Sprintf("%s shows version %d so far", w.Model.View(), shown.Version))
	old, known := p.versions[shown.Fingerprint]
	if !known {
		return
	}
	if planned.Columns == nil {
		planned.Columns = compareColumns(old.Columns, w.Columns)
	}
	planned.Breaking = planned.Breaking || !slices.Equal(old.Config.Key, w.Model.Key) ||
		slices.ContainsFunc(compareColumns(old.Columns, w.Columns), ColumnChange.breaking)
}

// cause names the models whose own files are why m means something else than
// what is deployed: m itself, or the nearest above it.
func (p *planner) cause(m *Model) []string {
	if names, ok := p.causes[m]; ok {
		return names
	}
	var names []string
	found, exists := p.deployed.of(m)
	old, known := p.versions[found.Fingerprint]
	switch {
	case exists && found.Fingerprint == p.prints[m].Whole:
	case m.Kind != Ephemeral && (!exists || !known || old.Own != p.prints[m].Own):
		names = []string{m.String()}
	default:
		for _, parent := range p.graph.Parents(m) {
			names = append(names, p.cause(parent)...)
			if parent.Kind == Ephemeral && len(p.cause(parent)) == 0 && recorded(found).Models[parent.Address()] != p.prints[parent].Whole && exists {
				names = append(names, parent.String()) // nothing shows it, but what was read of it is known
			}
		}
		slices.Sort(names)
		names = slices.Compact(names)
	}
	p.causes[m] = names
	return names
}

// rewired says what a model reads now and did not, and the reverse.
func (p *planner) rewired(w *work) []string {
	in, err := p.forecast.inputs(w.Model, nothing)
	if err != nil {
		return nil // told when it is planned
	}
	var reasons []string
	old := recorded(w.before)
	for _, address := range slices.Sorted(maps.Keys(old.Models)) {
		if _, reads := in.Models[address]; !reads {
			reasons = append(reasons, "it read "+address+" before")
		}
	}
	for _, parent := range p.graph.Parents(w.Model) {
		id, reads := in.Models[parent.Address()]
		was, read := old.Models[parent.Address()]
		switch {
		case reads && !read && len(old.Models) > 0:
			reasons = append(reasons, "it reads "+parent.String()+" now")
		case reads && id != was:
			reasons = append(reasons, parent.String()+" means something else") // and was built so already
		}
	}
	return reasons
}

// recorded are the inputs of a build; empty when it was recorded without them.
func recorded(p warehouse.Publication) inputs {
	var in inputs
	if p.Inputs == "" || json.Unmarshal([]byte(p.Inputs), &in) != nil {
		return inputs{}
	}
	return in
}

// compareColumns returns what differs, lost and changed columns first.
func compareColumns(old, files []schemas.Column) []ColumnChange {
	var changes []ColumnChange
	typeIn := func(columns []schemas.Column, name string) string {
		for _, c := range columns {
			if c.Name == name {
				return c.Type.String()
			}
		}
		return ""
	}
	for _, c := range old {
		if to := typeIn(files, c.Name); to != c.Type.String() {
			changes = append(changes, ColumnChange{Name: c.Name, From: c.Type.String(), To: to})
		}
	}
	for _, c := range files {
		if typeIn(old, c.Name) == "" {
			changes = append(changes, ColumnChange{Name: c.Name, To: c.Type.String()})
		}
	}
	return changes
}

// whole plans a table or a view.
func (p *planner) whole(w *work, planned *Planned) error {
	in, err := p.forecast.inputs(w.Model, nothing)
	if err != nil {
		return err
	}
	id := p.buildID(w, in)
	p.ids[w.Model] = id
	if _, ok := p.deployed.equal(w.Model, id); ok && !p.options.FullRefresh {
		return nil
	}
	planned.Rebuild = true
	p.explain(planned, w, in)
	return nil
}

// kept plans a table by key or a history.
func (p *planner) kept(ctx context.Context, w *work, planned *Planned) error {
	without := nothing
	if w.Model.ByKey() {
		without = func(name string) bool { return tracked(p.graph, w.Model.Incremental, name) }
	}
	in, err := p.forecast.inputs(w.Model, without)
	if err != nil {
		return err
	}
	table := p.table(w, "")
	if w.Model.Kind == Snapshot {
		table = p.historyTable(w)
	}
	l, err := p.readLedger(ctx, table)
	if err != nil {
		return err
	}
	switch {
	case !l.exists, l.newest().computed != p.buildID(w, in)[:16], p.options.FullRefresh:
		planned.Rebuild = true
		p.explain(planned, w, in)
	case w.Model.ByKey():
		for name := range w.Model.Incremental.Tracks {
			if n := len(l.arrived(name, p.options.Raw[name])); n > 0 {
				planned.Rebuild, planned.Rows, planned.Bytes = true, 0, 0 // how many keys is known when they are read
				planned.Reasons = append(planned.Reasons, fmt.Sprintf("%d new loads of %s: only the rows of their keys", n, name))
			}
		}
		slices.Sort(planned.Reasons)
	}
	if planned.Rebuild {
		p.ids[w.Model] = "to be built"
	} else {
		p.ids[w.Model] = w.before.BuildID
	}
	return nil
}

// intervals plans a table by interval.
func (p *planner) intervals(ctx context.Context, w *work, planned *Planned) error {
	foreseen := *p.Builder
	foreseen.resolver = *p.forecast
	t := foreseen.intervalBuild(w)
	for _, parent := range p.graph.Parents(w.Model) {
		if _, ok := p.deployed.of(parent); !ok && parent.stored() {
			planned.Rebuild = true
			planned.Reasons = append(planned.Reasons, parent.String()+" is new")
			p.ids[w.Model] = "to be built"
			return nil
		}
	}
	if err := t.open(ctx); err != nil {
		return err
	}
	noted, _, err := t.arrivals(ctx)
	if err != nil {
		return err
	}
	due := t.due()
	p.ids[w.Model] = w.before.BuildID
	planned.Intervals = len(due)
	var rows int64
	for _, d := range due {
		rows += t.ledger.intervals[d.Start].rows
	}
	for name := range t.parents {
		if m, ok := p.graph.Project.Model(name); ok && p.rebuilt[m] {
			planned.Rebuild = true
			planned.Reasons = append(planned.Reasons, "intervals of "+name+" that are built again")
		}
	}
	slices.Sort(planned.Reasons)
	if len(due) > 0 || !t.ledger.exists {
		planned.Rebuild = true
		if len(noted) > 0 && t.ledger.exists {
			planned.Reasons = append(planned.Reasons, fmt.Sprintf("new rows in %d intervals", len(noted)))
		}
		if len(due) > len(noted) {
			p.explain(planned, w, t.static)
		}
	}
	if planned.Rebuild {
		p.ids[w.Model] = "to be built"
	}
	if !t.ledger.exists {
		return nil // all of it
	}
	if planned.Rows > 0 {
		planned.Bytes = planned.Bytes * rows / planned.Rows
	}
	planned.Rows = rows
	return nil
}

// explain says which inputs have moved since the build that readers find.
func (p *planner) explain(planned *Planned, w *work, in *inputs) {
	switch {
	case p.options.FullRefresh:
		planned.Reasons = append(planned.Reasons, "everything is to be built again")
		return
	case planned.Change != ChangeNone:
		return
	}
	old := recorded(w.before)
	if w.before.Inputs == "" {
		planned.Reasons = append(planned.Reasons, "its last build did not record its inputs")
		return
	}
	before := len(planned.Reasons)
	for _, table := range p.graph.RawTables(w.Model) {
		if state, reads := in.Raw[table]; reads && state != old.Raw[table] {
			planned.Reasons = append(planned.Reasons, "new rows in "+table)
		}
	}
	for _, parent := range p.graph.Parents(w.Model) {
		if id, reads := in.Models[parent.Address()]; reads && id != old.Models[parent.Address()] {
			planned.Reasons = append(planned.Reasons, parent.String()+" is built again")
		}
	}
	if in.AsOf != old.AsOf {
		planned.Reasons = append(planned.Reasons, "@as_of moves to "+in.AsOf)
	}
	if len(planned.Reasons) == before {
		planned.Reasons = append(planned.Reasons, "its checks, or the SQL that it compiles to, are others")
	}
}

// Removed returns the views of the environment that no model of the project has;
// none where only some models were chosen.
func (b *Builder) Removed(ctx context.Context) ([]warehouse.TableName, error) {
	if err := b.deployed.read(ctx); err != nil {
		return nil, err
	}
	var views []warehouse.TableName
	for _, p := range b.gone() {
		views = append(views, p.View)
	}
	return views, nil
}

// gone are the publications of views that no model has. Who chooses models asks
// about these, and not about what is left of others.
func (b *Builder) gone() []warehouse.Publication {
	if len(b.models) < len(b.graph.Order) {
		return nil
	}
	wanted := map[warehouse.TableName]bool{}
	for _, m := range b.graph.Project.Models {
		for _, view := range b.options.Environment.Views(m) {
			wanted[view] = m.Kind != Ephemeral
		}
	}
	return slices.DeleteFunc(b.deployed.views(), func(p warehouse.Publication) bool { return wanted[p.View] })
}

func (b *Builder) removed() []Planned {
	var plan []Planned
	for _, p := range b.gone() {
		address := addressOf(p)
		i := slices.IndexFunc(plan, func(planned Planned) bool { return planned.Model == address })
		if i < 0 {
			i = len(plan)
			removed := Planned{Model: address, Change: ChangeRemoved, Breaking: true}
			if m := b.graph.Project.retired[address]; m != nil {
				removed.Breaking = false // readers were told
				removed.Reasons = []string{"its deprecation date, " + m.Deprecated.Format(time.DateOnly) + ", has come"}
			}
			plan = append(plan, removed)
		}
		plan[i].Views = append(plan[i].Views, p.View.String())
	}
	return plan
}

// Withdraw drops views; their tables go when no environment and no rollback needs them.
func (b *Builder) Withdraw(ctx context.Context, views []warehouse.TableName) error {
	if len(views) == 0 {
		return nil
	}
	err := b.into.Publish(ctx, warehouse.Release{
		ID: b.options.Release, Environment: string(b.options.Environment), Withdrawn: views, At: b.options.Clock(),
	})
	if err != nil {
		return fmt.Errorf("withdraw views: %w", err)
	}
	return nil
}
