package transforms

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// byKey brings a table up to date by replacing the rows of the keys that newly
// loaded records carry. When something that is not tracked has changed, all rows
// are computed again.
func (b *Builder) byKey(ctx context.Context, w *work, result *Result) (warehouse.Publication, error) {
	settings := w.Model.Incremental
	table := b.table(w, "")
	ledger, err := b.readLedger(ctx, table)
	if err != nil {
		return warehouse.Publication{}, err
	}
	static, err := b.inputs(w.Model, func(name string) bool { return tracked(b.graph, settings, name) })
	if err != nil {
		return warehouse.Publication{}, err
	}
	before := ledger.intervals[always]
	now := kept{Window: Window{always, always}, computed: b.buildID(w, static)[:16], arrivals: before.arrivals, rows: before.rows}
	arrived := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(settings.Tracks)) {
		if loads := ledger.arrived(name, b.options.Raw[name]); len(loads) > 0 {
			arrived[name] = loads
			now.arrivals = digest(append([]string{now.arrivals, name}, loads...))[:16]
		}
	}
	switch {
	case !ledger.exists || b.options.FullRefresh || before.computed != now.computed:
		err = b.allKeys(ctx, w, ledger, &now, arrived, result)
	case len(arrived) > 0:
		err = b.changedKeys(ctx, w, ledger, &now, arrived, result)
	}
	if err != nil {
		return warehouse.Publication{}, err
	}
	built := b.publication(w, table, digest([]string{w.print.Whole, now.inputs()}), static, warehouse.Stats{Rows: now.rows})
	result.Unchanged = b.deployed.shows(w.views, built)
	return built, nil
}

// always stands in the interval ledger for a table that has no intervals.
var always = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)

// allKeys computes all rows, which replace those that are there.
func (b *Builder) allKeys(ctx context.Context, w *work, l *ledger, now *kept, arrived map[string][]string, result *Result) error {
	if !l.exists {
		if err := b.createEmpty(ctx, w, l, w.Columns); err != nil {
			return err
		}
		arrived = map[string][]string{}
		for name := range w.Model.Incremental.Tracks {
			arrived[name] = b.options.Raw[name]
		}
	}
	return b.replaceKeys(ctx, w, l, now, arrived, func(string) string { return "true" }, "", result)
}

// changedKeys computes the rows of keys that new records carry.
func (b *Builder) changedKeys(ctx context.Context, w *work, l *ledger, now *kept, arrived map[string][]string, result *Result) error {
	key := w.Model.changeKey()
	keys := stageOf(l.table)
	keys.Table += "__keys"
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(arrived)) {
		selected, present := make([]string, len(key)), make([]string, len(key))
		for i, column := range w.Model.Incremental.Tracks[name] {
			selected[i] = fmt.Sprintf("r.%s as c%d", column, i)
			present[i] = fmt.Sprintf("r.%s is not null", column)
		}
		parts = append(parts, fmt.Sprintf("select distinct %s from %s as r where %s and %s",
			strings.Join(selected, ", "), name, l.unseen(name, arrived[name]), strings.Join(present, " and ")))
	}
	_, err := b.into.Build(ctx, warehouse.Statement{
		Name: w.Model.Address(), Target: keys, Columns: pick(w.Columns, key), SQL: strings.Join(parts, " union distinct "),
	})
	if err != nil {
		return err
	}
	changed := func(table string) string {
		return fmt.Sprintf("exists (select 1 from %s as k where %s)", keys, equal("k", table, key))
	}
	if err := b.replaceKeys(ctx, w, l, now, arrived, changed, changed("whole"), result); err != nil {
		return err
	}
	return b.into.Drop(ctx, []warehouse.TableName{keys})
}

// replaceKeys replaces the rows for which replaced holds by those of the query
// for which chosen holds; an empty text means all.
func (b *Builder) replaceKeys(ctx context.Context, w *work, l *ledger, now *kept, arrived map[string][]string, replaced func(table string) string, chosen string, result *Result) error {
	stage := stageOf(l.table)
	statement, err := b.statement(w, stage, nil)
	if err != nil {
		return err
	}
	if chosen != "" {
		statement.SQL = fmt.Sprintf("select whole.* from (\n%s\n) as whole where %s", statement.SQL, chosen)
	}
	if _, err := b.into.Build(ctx, statement); err != nil {
		return err
	}
	if now.rows, err = b.audit(ctx, w, audited{table: stage, into: l.table, replaced: replaced}, result); err != nil {
		return err
	}
	changes := append(b.moveRows(w, l.table, replaced), l.write([]kept{*now}, b.options.Clock())...)
	if err := b.into.Change(ctx, append(changes, l.writeSeen(arrived)...)); err != nil {
		return err
	}
	return b.into.Drop(ctx, []warehouse.TableName{stage})
}

// pick returns the columns of the given names, in the order of the names.
func pick(columns []schemas.Column, names []string) []schemas.Column {
	var picked []schemas.Column
	for _, name := range names {
		for _, c := range columns {
			if c.Name == name {
				picked = append(picked, c)
			}
		}
	}
	return picked
}

// changeKey are the columns whose rows are replaced together.
func (m *Model) changeKey() []string {
	if len(m.Incremental.Key) > 0 {
		return m.Incremental.Key
	}
	return m.Key
}
