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
	keys := warehouse.TableName{Dataset: warehouse.StageDataset, Table: l.table.Table + "__keys"}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(arrived)) {
		columns := w.Model.Incremental.Tracks[name]
		selected, present := make([]string, len(key)), make([]string, len(key))
		for i, k := range key {
			selected[i] = fmt.Sprintf("r.%s as %s", columns[i], k)
			present[i] = fmt.Sprintf("r.%s is not null", columns[i])
		}
		parts = append(parts, fmt.Sprintf("select %s from %s as r where r.%s in (%s) and %s",
			strings.Join(selected, ", "), name, schemas.LoadID, texts(arrived[name]), strings.Join(present, " and ")))
	}
	columns := slices.DeleteFunc(slices.Clone(w.Columns), func(c schemas.Column) bool { return !slices.Contains(key, c.Name) })
	slices.SortFunc(columns, func(a, b schemas.Column) int { return slices.Index(key, a.Name) - slices.Index(key, b.Name) })
	_, err := b.into.Build(ctx, warehouse.Statement{
		Name: w.Model.Address() + ": changed keys", Target: keys, Columns: columns,
		SQL: fmt.Sprintf("select distinct %s from (%s) as a", qualified("a", key), strings.Join(parts, " union all ")),
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
	stage := warehouse.TableName{Dataset: warehouse.StageDataset, Table: l.table.Table}
	statement, err := b.statement(w, stage, nil)
	if err != nil {
		return err
	}
	if chosen != "" {
		statement.SQL = fmt.Sprintf("select whole.* from (\n%s) as whole where %s", statement.SQL, chosen)
	}
	if _, err := b.into.Build(ctx, statement); err != nil {
		return err
	}
	if err := b.audit(ctx, w, audited{table: stage, into: l.table, replaced: replaced}, result); err != nil {
		return err
	}
	left, err := b.rows(ctx, fmt.Sprintf("select (select count(*) from %s) + (select count(*) from %s as t where not (%s)) as row_count",
		stage, l.table, replaced("t")))
	if err != nil {
		return err
	}
	now.rows, _ = left[0][0].(int64)
	names := columnNames(w.Columns)
	changes := []warehouse.Statement{
		{Name: w.Model.Address(), SQL: fmt.Sprintf("delete from %s as t where %s", l.table, replaced("t"))},
		{Name: w.Model.Address(), SQL: fmt.Sprintf("insert into %s select %s from %s as s",
			l.table, qualified("s", names), stage)},
	}
	changes = append(changes, l.write([]kept{*now}, b.options.Clock())...)
	if err := b.into.Change(ctx, append(changes, l.writeSeen(arrived)...)); err != nil {
		return err
	}
	return b.into.Drop(ctx, []warehouse.TableName{stage})
}

// changeKey are the columns whose rows are replaced together.
func (m *Model) changeKey() []string {
	if len(m.Incremental.Key) > 0 {
		return m.Incremental.Key
	}
	return m.Key
}
