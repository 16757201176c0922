package transforms

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// byInterval brings a table up to date interval by interval:
//
//	loads that it has not seen ──▶ intervals of their rows are noted as not computed
//	ledger, inputs as they are now ──▶ intervals that are due
//	due, batch by batch: query ──▶ staged rows ──▶ checks ──▶ rows of the batch replaced, ledger with them
//	all batches done ──▶ views
//
// Each arrow to the ledger is one change of the warehouse, so whoever is killed
// leaves a ledger that says what is still due.
func (b *Builder) byInterval(ctx context.Context, w *work, result *Result) (warehouse.Publication, error) {
	t := b.intervalBuild(w)
	if err := t.open(ctx); err != nil {
		return warehouse.Publication{}, err
	}
	if err := t.note(ctx); err != nil {
		return warehouse.Publication{}, err
	}
	batches := runs(t.due(), t.settings.Batch)
	for i, batch := range batches {
		if err := t.replace(ctx, batch, i+1 < len(batches), result); err != nil {
			return warehouse.Publication{}, err
		}
		result.Intervals += len(batch)
	}
	if len(batches) > 0 {
		if err := t.into.Drop(ctx, []warehouse.TableName{t.stage}); err != nil {
			return warehouse.Publication{}, err
		}
	}
	built := b.publication(w, t.table, digest([]string{w.print.Whole, t.ledger.state()}), t.static, warehouse.Stats{Rows: t.ledger.rows()})
	result.Unchanged = result.Intervals == 0 && b.deployed.shows(w.views, built)
	return built, nil
}

// intervalBuild is a table that is kept by interval, on its way.
type intervalBuild struct {
	*Builder
	*work
	settings *IncrementalSettings
	table    warehouse.TableName
	stage    warehouse.TableName // rows on their way into it
	column   schemas.Column      // that places rows in intervals
	ledger   *ledger
	static   *inputs           // what is not tracked
	id       string            // of everything that decides rows, besides what is tracked
	parents  map[string][]kept // intervals of tracked models, in order, by the name that tracks uses
	from     time.Time         // first instant to build; zero when settings do not say
	recent   time.Time         // intervals from here on are computed at every @as_of
}

func (b *Builder) intervalBuild(w *work) *intervalBuild {
	table := b.table(w, "")
	return &intervalBuild{Builder: b, work: w, settings: w.Model.Incremental, table: table, stage: stageOf(table)}
}

// stageOf is where rows wait that go into a table.
func stageOf(table warehouse.TableName) warehouse.TableName {
	return warehouse.TableName{Dataset: warehouse.StageDataset, Table: table.Table}
}

// open reads the ledgers of the table and of what it tracks. It changes nothing.
func (t *intervalBuild) open(ctx context.Context) error {
	i := slices.IndexFunc(t.Columns, func(c schemas.Column) bool { return c.Name == t.settings.Column })
	if i < 0 {
		return fmt.Errorf("the query does not return %s, the column of its intervals", t.settings.Column)
	}
	t.column = t.Columns[i]
	unit := t.settings.Interval
	if t.settings.Start != "" {
		at, err := parseInstant(t.settings.Start)
		if err != nil {
			return err
		}
		t.from = floor(unit, at)
	}
	t.recent = t.options.AsOf
	if t.settings.Lookback > 0 {
		t.recent = floor(unit, t.options.AsOf)
		for range t.settings.Lookback {
			t.recent = floor(unit, t.recent.Add(-1))
		}
	}
	var err error
	if t.ledger, err = t.readLedger(ctx, t.table); err != nil {
		return err
	}
	if t.options.FullRefresh {
		// Every interval is computed again, in place: readers never find the table empty.
		t.ledger.outdate(t.ledger.sorted())
	}
	if t.static, err = t.inputs(t.Model, t.settled); err != nil {
		return err
	}
	t.id = t.buildID(t.work, t.static)
	t.parents = map[string][]kept{}
	for name := range t.settings.Tracks {
		p, ok := t.graph.Project.Model(name)
		if !ok {
			continue
		}
		found, err := t.found(p)
		if err != nil {
			return err
		}
		parent, err := t.readLedger(ctx, found.Table)
		if err != nil {
			return err
		}
		// Rows of intervals that are still to be computed are not in the table.
		t.parents[name] = slices.DeleteFunc(parent.sorted(), func(k kept) bool { return k.computed == "" })
	}
	return nil
}

// settled are inputs whose changes reach single intervals, or none.
func (t *intervalBuild) settled(name string) bool {
	return tracked(t.graph, t.settings, name)
}

// tracked reports whether settings name an input, under any of its names.
func tracked(g *Graph, settings *IncrementalSettings, name string) bool {
	same := func(given string) bool {
		if given == name {
			return true
		}
		m, ok := g.Project.Model(given)
		return ok && (m.Address() == name || m.String() == name)
	}
	return slices.ContainsFunc(settings.Ignores, same) ||
		slices.ContainsFunc(slices.Collect(maps.Keys(settings.Tracks)), same)
}

// createEmpty makes a table that rows are put into later. What an earlier table
// of the name has left in the ledgers goes first.
func (b *Builder) createEmpty(ctx context.Context, w *work, l *ledger, columns []schemas.Column) error {
	if err := b.into.Change(ctx, l.forget()); err != nil {
		return err
	}
	nulls := make([]string, len(columns))
	for i := range columns {
		nulls[i] = fmt.Sprintf("null as c%d", i)
	}
	_, err := b.into.Build(ctx, warehouse.Statement{
		Name: w.Model.Address(), SQL: "select " + strings.Join(nulls, ", ") + " limit 0", Target: l.table, Columns: columns,
	})
	l.exists = err == nil
	return err
}

// note makes the table if it is not there, and writes what has arrived since
// into its ledgers: intervals as not computed, and the loads as seen.
func (t *intervalBuild) note(ctx context.Context) error {
	changed := map[time.Time]bool{}
	if t.options.FullRefresh {
		for start := range t.ledger.intervals {
			changed[start] = true
		}
	}
	if !t.ledger.exists {
		if err := t.createEmpty(ctx, t.work, t.ledger, t.Columns); err != nil {
			return err
		}
	}
	changes, after := t.afterAsOf()
	noted, arrived, err := t.arrivals(ctx)
	if err != nil {
		return err
	}
	for _, k := range slices.Concat(after, noted) {
		changed[k.Start] = true
	}
	written := slices.DeleteFunc(t.ledger.sorted(), func(k kept) bool { return !changed[k.Start] })
	changes = append(changes, t.ledger.write(written, t.options.Clock())...)
	if changes = append(changes, t.ledger.writeSeen(arrived)...); len(changes) == 0 {
		return nil
	}
	return t.into.Change(ctx, changes)
}

// afterAsOf takes away what an earlier run with a later @as_of has built: what is
// after @as_of is not known yet.
func (t *intervalBuild) afterAsOf() ([]warehouse.Statement, []kept) {
	cut := floor(t.settings.Interval, t.options.AsOf)
	if cut.Before(t.options.AsOf) {
		cut = next(t.settings.Interval, cut)
	}
	var after []kept
	for _, k := range t.ledger.sorted() {
		if !k.Start.Before(cut) && k.rows > 0 {
			k.rows = 0
			after = append(after, k)
		}
	}
	if len(after) == 0 || t.options.Backfill != nil {
		return nil, nil
	}
	return []warehouse.Statement{{Name: t.Model.Address(), SQL: fmt.Sprintf("delete from %s as t where t.%s >= %s",
		t.table, t.column.Name, instantAs(cut, t.column.Type.Kind))}}, t.ledger.outdate(after)
}

// arrivals finds the intervals that loads reach which the table has not seen. The
// ledger in memory has them then as not computed.
func (t *intervalBuild) arrivals(ctx context.Context) (noted []kept, arrived map[string][]string, err error) {
	arrived = map[string][]string{}
	touched := map[time.Time][]string{} // interval -> loads
	for _, table := range slices.Sorted(maps.Keys(t.settings.Tracks)) {
		loads := t.ledger.arrived(table, t.options.Raw[table])
		if len(loads) == 0 {
			continue
		}
		arrived[table] = loads
		column := "r." + t.settings.Tracks[table][0]
		// No warehouse holds what is outside of these years, and no run will ever reach it.
		rows, err := t.rows(ctx, fmt.Sprintf("select distinct %s, r.%s as load_id from %s as r where cast(%s as date) between date '0001-01-01' and date '9999-12-31' and %s",
			t.place(column), schemas.LoadID, table, column, t.ledger.unseen(table, loads)))
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			start, err := t.placed(row)
			if err != nil {
				return nil, nil, fmt.Errorf("%s of %s: %w", column, table, err)
			}
			touched[start] = append(touched[start], Text(row[2]))
		}
	}
	for start, loads := range touched {
		if start.Before(t.from) {
			continue
		}
		slices.Sort(loads)
		k := t.ledger.intervals[start]
		k.Window = intervalAt(t.settings.Interval, start)
		k.arrivals = digest(append([]string{k.arrivals}, slices.Compact(loads)...))[:16]
		noted = append(noted, k)
	}
	slices.SortFunc(noted, func(a, b kept) int { return a.Start.Compare(b.Start) })
	return t.ledger.outdate(noted), arrived, nil
}

// place selects what placed reads: the day and the hour of a column of time.
func (t *intervalBuild) place(column string) string {
	hour := "0"
	if t.settings.Interval == "hour" {
		hour = "extract(hour from " + column + ")"
	}
	return fmt.Sprintf("cast(%s as date) as day_on, %s as hour_number", column, hour)
}

// placed is the start of the interval that a row of place is in.
func (t *intervalBuild) placed(row []any) (time.Time, error) {
	day, err := parseInstant(Text(row[0]))
	if err != nil {
		return day, err
	}
	hour, err := strconv.Atoi(Text(row[1]))
	return floor(t.settings.Interval, day.Add(time.Duration(hour)*time.Hour)), err
}

// Intervals without a tracked row between two that have one are built all the
// same, if the gap is no wider: rows do not come every hour or on Sundays, and
// else each run of hours would take statements of its own.
const (
	maxGap      = 1000 // intervals
	maxGapYears = 1
)

// due are the intervals to compute, in order.
func (t *intervalBuild) due() []Window {
	unit := t.settings.Interval
	starts := slices.Collect(maps.Keys(t.ledger.intervals))
	if t.settings.Start != "" {
		for _, w := range intervalsIn(unit, Window{t.from, t.options.AsOf}) {
			starts = append(starts, w.Start)
		}
	}
	for _, parent := range t.parents {
		for _, k := range parent {
			for _, w := range intervalsIn(unit, k.Window) {
				starts = append(starts, w.Start)
			}
		}
	}
	slices.SortFunc(starts, time.Time.Compare)
	starts = slices.CompactFunc(starts, time.Time.Equal)
	var due []Window
	look := func(start time.Time) {
		w := intervalAt(unit, start)
		switch back := t.options.Backfill; {
		case start.Before(t.from) || !start.Before(t.options.AsOf):
		case back != nil && back.overlaps(w), back == nil && t.ledger.intervals[start].computed != t.expected(w):
			due = append(due, w)
		}
	}
	for i, start := range starts {
		look(start)
		if i+1 == len(starts) {
			break
		}
		if starts[i+1].After(start.AddDate(maxGapYears, 0, 0)) {
			continue
		}
		var gap []time.Time
		for at := next(unit, start); at.Before(starts[i+1]) && len(gap) <= maxGap; at = next(unit, at) {
			gap = append(gap, at)
		}
		if len(gap) <= maxGap {
			for _, at := range gap {
				look(at)
			}
		}
	}
	return due
}

// expected identifies what the rows of an interval are computed from, besides
// the tracked rows of raw tables.
func (t *intervalBuild) expected(w Window) string {
	var tracked []string
	for _, name := range slices.Sorted(maps.Keys(t.parents)) {
		parent := t.parents[name]
		i, _ := slices.BinarySearchFunc(parent, w.Start, func(k kept, start time.Time) int {
			if k.End.After(start) {
				return 1
			}
			return -1
		})
		for ; i < len(parent) && parent[i].overlaps(w); i++ {
			tracked = append(tracked, name+" "+parent[i].Start.Format(time.RFC3339)+" "+parent[i].inputs())
		}
	}
	asOf := ""
	if t.settings.Lookback > 0 && !w.Start.Before(t.recent) {
		asOf = t.asOf
	}
	return digest(struct {
		Build, End, AsOf string
		Tracked          []string
	}{t.id, formatTimestamp(t.end(w)), asOf, tracked})[:16]
}

// end is where the rows of an interval end: what is after @as_of is not known yet.
func (t *intervalBuild) end(w Window) time.Time {
	if w.End.After(t.options.AsOf) {
		return t.options.AsOf
	}
	return w.End
}

// replace computes a batch of intervals that touch each other; more says that
// others follow.
func (t *intervalBuild) replace(ctx context.Context, batch []Window, more bool, result *Result) error {
	full := Window{batch[0].Start, batch[len(batch)-1].End}
	statement, err := t.statement(t.work, t.stage, map[string]any{IntervalStart: full.Start, IntervalEnd: t.end(full)})
	if err != nil {
		return err
	}
	if _, err := t.into.Build(ctx, statement); err != nil {
		return err
	}
	kind := t.column.Type.Kind
	replaced := func(table string) string {
		at := table + "." + t.column.Name
		return fmt.Sprintf("%s >= %s and %s < %s", at, instantAs(full.Start, kind), at, instantAs(full.End, kind))
	}
	rows := audited{table: t.stage, into: t.table, replaced: replaced, within: nameOf("", "in_interval", t.column.Name), partial: more}
	if _, err := t.audit(ctx, t.work, rows, result); err != nil {
		return err
	}
	counts, err := t.count(ctx)
	if err != nil {
		return err
	}
	done := make([]kept, len(batch))
	for i, w := range batch {
		k := t.ledger.intervals[w.Start]
		k.Window, k.rows, k.computed = w, counts[w.Start], t.expected(w)
		done[i] = k
	}
	changes := append(t.moveRows(t.work, t.table, replaced), t.ledger.write(done, t.options.Clock())...)
	if err := t.into.Change(ctx, changes); err != nil {
		return err
	}
	for _, k := range done {
		t.ledger.intervals[k.Start] = k
	}
	return nil
}

// moveRows puts the staged rows into a table, in the place of those that go.
func (b *Builder) moveRows(w *work, table warehouse.TableName, replaced func(table string) string) []warehouse.Statement {
	return []warehouse.Statement{
		{Name: w.Model.Address(), SQL: fmt.Sprintf("delete from %s as t where %s", table, replaced("t"))},
		{Name: w.Model.Address(), SQL: fmt.Sprintf("insert into %s select s.* from %s as s", table, stageOf(table))},
	}
}

// count returns the staged rows of each interval.
func (t *intervalBuild) count(ctx context.Context) (map[time.Time]int64, error) {
	rows, err := t.rows(ctx, fmt.Sprintf("select %s, count(*) as row_count from %s as s group by 1, 2", t.place("s."+t.column.Name), t.stage))
	if err != nil {
		return nil, err
	}
	counts := map[time.Time]int64{}
	for _, row := range rows {
		start, err := t.placed(row)
		if err != nil {
			return nil, err
		}
		n, _ := row[2].(int64)
		counts[start] += n
	}
	return counts, nil
}
