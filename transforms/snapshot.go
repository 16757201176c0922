package transforms

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// snapshot adds to the history of what the query returns: a version of a row is
// valid from ValidFrom until before ValidTo (SCD type 2, half open). History
// cannot be computed again, so it outlives every change of the query.
func (b *Builder) snapshot(ctx context.Context, w *work, result *Result) (warehouse.Publication, error) {
	table := b.historyTable(w)
	ledger, err := b.readLedger(ctx, table)
	if err != nil {
		return warehouse.Publication{}, err
	}
	in, err := b.inputs(w.Model, nothing)
	if err != nil {
		return warehouse.Publication{}, err
	}
	if table != w.before.Table {
		// What a run that was killed has left of it is not published: begin again.
		if err := b.inherit(ctx, w, ledger); err != nil {
			return warehouse.Publication{}, err
		}
	}
	last := ledger.newest()
	now := kept{Window: Window{b.options.AsOf, b.options.AsOf}, computed: b.buildID(w, in)[:16]}
	if last.computed != now.computed || b.options.FullRefresh {
		if b.options.AsOf.Before(last.Start) {
			return warehouse.Publication{}, hint.New(
				fmt.Sprintf("the history reaches to %s, which is after --as-of %s", formatTimestamp(last.Start), formatTimestamp(b.options.AsOf)),
				"a snapshot only goes forward: leave --as-of out, or leave this model out with --exclude %s", w.Model)
		}
		now.arrivals = digest([]string{last.arrivals, now.computed, b.asOf})[:16]
		if err := b.extend(ctx, w, ledger, now, result); err != nil {
			return warehouse.Publication{}, err
		}
		if ledger, err = b.readLedger(ctx, table); err != nil {
			return warehouse.Publication{}, err
		}
		last = ledger.newest()
	}
	built := b.publication(w, table, digest([]string{w.print.Whole, last.arrivals}), in, warehouse.Stats{Rows: last.rows})
	result.Unchanged = b.deployed.shows(w.views, built)
	return built, nil
}

// historyTable is the table with the model's history: the published one, unless
// the model means something else now or the table is another environment's.
func (b *Builder) historyTable(w *work) warehouse.TableName {
	if w.before.Fingerprint == w.print.Whole && w.before.Environment == string(b.options.Environment) {
		return w.before.Table
	}
	return b.table(w, digest([]string{w.before.Table.Table, w.before.BuildID, string(b.options.Environment)})[:8])
}

// newest is the last snapshot that was taken.
func (l *ledger) newest() kept {
	all := l.sorted()
	if len(all) == 0 {
		return kept{}
	}
	return all[len(all)-1]
}

// snapshotColumns are the columns of the query and those of the history.
func snapshotColumns(columns []schemas.Column) []schemas.Column {
	return append(slices.Clone(columns),
		schemas.Column{Name: ValidFrom, Type: schemas.Type{Kind: schemas.Timestamp}, Description: "First instant at which this version was in force."},
		schemas.Column{Name: ValidTo, Type: schemas.Type{Kind: schemas.Timestamp}, Description: "First instant at which it was not any more; NULL while it is."})
}

// inherit makes the table and copies the history that was kept under the model's
// last fingerprint, column by column.
func (b *Builder) inherit(ctx context.Context, w *work, l *ledger) error {
	columns := snapshotColumns(w.Query)
	if err := b.createEmpty(ctx, w, l, columns); err != nil {
		return err
	}
	l.intervals = map[time.Time]kept{}
	if w.before.Table == (warehouse.TableName{}) {
		return nil
	}
	versions, err := Versions(ctx, b.into, []string{w.before.Fingerprint})
	if err != nil {
		return err
	}
	old := versions[w.before.Fingerprint]
	if old.Config.Kind != Snapshot {
		return nil
	}
	var names, values []string
	for _, c := range columns {
		if slices.ContainsFunc(old.Columns, func(o schemas.Column) bool { return o.Name == c.Name && o.Type.String() == c.Type.String() }) {
			names, values = append(names, c.Name), append(values, "old."+c.Name)
		} else {
			values = append(values, "null")
		}
	}
	for _, needed := range append(slices.Clone(w.Model.Key), ValidFrom, ValidTo) {
		if !slices.Contains(names, needed) {
			return hint.New(fmt.Sprintf("the history of %s cannot be carried over: column %s is new or has another type", w.Model, needed),
				"give the model a new version, which starts a history of its own")
		}
	}
	before, err := b.readLedger(ctx, w.before.Table)
	if err != nil {
		return err
	}
	changes := []warehouse.Statement{{Name: w.Model.Address(), SQL: fmt.Sprintf("insert into %s select %s from %s as old",
		l.table, strings.Join(values, ", "), w.before.Table)}}
	last := before.newest()
	last.computed = ""
	if !last.Start.IsZero() {
		l.intervals[last.Start] = last
		changes = append(changes, l.write([]kept{last}, b.options.Clock())...)
	}
	return b.into.Change(ctx, changes)
}

// extend closes versions that are over and opens those that are new.
func (b *Builder) extend(ctx context.Context, w *work, l *ledger, now kept, result *Result) error {
	stage := stageOf(l.table)
	statement, err := b.statement(w, stage, nil)
	if err != nil {
		return err
	}
	statement.Columns = w.Query
	if _, err := b.into.Build(ctx, statement); err != nil {
		return err
	}
	if _, err := b.audit(ctx, w, audited{table: stage}, result); err != nil {
		return err
	}
	asOf := instantText(b.options.AsOf)
	same := equal("s", "t", w.Model.Key)
	var changes []warehouse.Statement
	change := func(format string, args ...any) {
		changes = append(changes, warehouse.Statement{Name: w.Model.Address(), SQL: fmt.Sprintf(format, args...)})
	}
	// A version begins when its row says that it was updated, if history can have
	// it so: not before the version in front of it ended, and not after @as_of.
	ended, begun, watched := asOf, asOf, w.Model.Snapshot.Check
	switch at := w.Model.Snapshot.UpdatedAt; {
	case at != "":
		watched = []string{at}
		begins := func(after string) string {
			return fmt.Sprintf("case when s.%s %s and s.%s <= %s then s.%s else %s end", at, after, at, asOf, at, asOf)
		}
		ended = begins("> t." + ValidFrom)
		begun = begins(fmt.Sprintf(">= coalesce((select max(e.%s) from %s as e where %s), s.%s)", ValidTo, l.table, equal("s", "e", w.Model.Key), at))
	case len(watched) == 0:
		watched = columnNames(w.Query)
	}
	var changed []string
	for _, column := range watched {
		if !slices.Contains(w.Model.Key, column) {
			changed = append(changed, fmt.Sprintf("s.%s is distinct from t.%s", column, column))
		}
	}
	if len(changed) > 0 {
		change("update %s as t set %s = %s from %s as s where %s and t.%s is null and (%s)",
			l.table, ValidTo, ended, stage, same, ValidTo, strings.Join(changed, " or "))
	}
	if w.Model.Snapshot.Deletes != "keep" {
		change("update %s as t set %s = %s where t.%s is null and not exists (select 1 from %s as s where %s)",
			l.table, ValidTo, asOf, ValidTo, stage, same)
	}
	change("insert into %s select s.*, %s, cast(null as timestamp) from %s as s where not exists (select 1 from %s as t where %s and t.%s is null)",
		l.table, begun, stage, l.table, same, ValidTo)
	// A version that began and ended at one instant was never in force.
	change("delete from %s as t where t.%s <= t.%s", l.table, ValidTo, ValidFrom)
	change("delete from %s as i where i.table_name = %s", intervalTable, text(l.table.String()))
	change("insert into %s (table_name, start_at, end_at, inputs, row_count, built_at) select %s, %s, %s, %s, count(*), %s from %s as t",
		intervalTable, text(l.table.String()), asOf, asOf, text(now.inputs()), instantText(b.options.Clock()), l.table)
	if err := b.into.Change(ctx, changes); err != nil {
		return err
	}
	return b.into.Drop(ctx, []warehouse.TableName{stage})
}
