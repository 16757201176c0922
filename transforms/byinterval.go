package transforms

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
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
	due, err := t.due()
	if err != nil {
		return warehouse.Publication{}, err
	}
	for _, batch := range runs(due, t.settings.Batch) {
		if err := t.replace(ctx, batch, result); err != nil {
			return warehouse.Publication{}, err
		}
		result.Intervals += len(batch)
	}
	built := b.publication(w, t.table, digest([]string{w.print.Whole, t.ledger.state()}), t.static, warehouse.Stats{Rows: t.ledger.rows()})
	result.Unchanged = b.deployed.shows(w.views, built)
	return built, nil
}

// intervalBuild is a table that is kept by interval, on its way.
type intervalBuild struct {
	*Builder
	*work
	settings *IncrementalSettings
	table    warehouse.TableName
	ledger   *ledger
	static   *inputs            // what is not tracked
	parents  map[string]*ledger // of tracked models, by the name that tracks uses
}

func (b *Builder) intervalBuild(w *work) *intervalBuild {
	return &intervalBuild{Builder: b, work: w, table: b.table(w, ""), settings: w.Model.Incremental}
}

// open reads the ledgers of the table and of what it tracks. It changes nothing.
func (t *intervalBuild) open(ctx context.Context) error {
	var err error
	if t.ledger, err = t.readLedger(ctx, t.table); err != nil {
		return err
	}
	if t.static, err = t.inputs(t.Model, t.settled); err != nil {
		return err
	}
	t.parents = map[string]*ledger{}
	for name := range t.settings.Tracks {
		p, ok := t.graph.Project.Model(name)
		if !ok {
			continue
		}
		found, err := t.found(p)
		if err != nil {
			return err
		}
		if t.parents[name], err = t.readLedger(ctx, found.Table); err != nil {
			return err
		}
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
	nulls := ""
	for i, c := range columns {
		if i > 0 {
			nulls += ", "
		}
		nulls += "null as " + c.Name
	}
	_, err := b.into.Build(ctx, warehouse.Statement{
		Name: w.Model.Address(), SQL: "select " + nulls + " limit 0", Target: l.table, Columns: columns,
	})
	l.exists = err == nil
	return err
}

// note makes the table if it is not there, and writes what has arrived since
// into its ledgers: intervals as not computed, and the loads as seen.
func (t *intervalBuild) note(ctx context.Context) error {
	if t.ledger.exists && t.options.FullRefresh {
		// Every interval is computed again, in place: readers never find the table empty.
		for start, k := range t.ledger.intervals {
			k.computed = ""
			t.ledger.intervals[start] = k
		}
		if err := t.into.Change(ctx, t.ledger.write(t.ledger.sorted(), t.options.Clock())); err != nil {
			return err
		}
	}
	if !t.ledger.exists {
		if err := t.createEmpty(ctx, t.work, t.ledger, t.Columns); err != nil {
			return err
		}
	}
	noted, arrived, err := t.arrivals(ctx)
	if err != nil || len(arrived) == 0 {
		return err
	}
	return t.into.Change(ctx, append(t.ledger.write(noted, t.options.Clock()), t.ledger.writeSeen(arrived)...))
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
		column := t.settings.Tracks[table][0]
		rows, err := t.rows(ctx, fmt.Sprintf("select distinct %s, r.%s as load_id from %s as r where r.%s is not null and r.%s in (%s)",
			t.place("r."+column), schemas.LoadID, table, column, schemas.LoadID, texts(loads)))
		if err != nil {
			return nil, nil, err
		}
		for _, row := range rows {
			start, err := t.placed(row)
			if err != nil {
				return nil, nil, fmt.Errorf("%s.%s: %w", table, column, err)
			}
			load := Text(row[2])
			if !slices.Contains(touched[start], load) {
				touched[start] = append(touched[start], load)
			}
		}
	}
	from, err := t.start()
	if err != nil {
		return nil, nil, err
	}
	for start, loads := range touched {
		if start.Before(from) {
			continue
		}
		slices.Sort(loads)
		k := t.ledger.intervals[start]
		k.Window, k.computed = intervalAt(t.settings.Interval, start), ""
		k.arrivals = digest(append([]string{k.arrivals}, loads...))[:16]
		noted = append(noted, k)
	}
	slices.SortFunc(noted, func(a, b kept) int { return a.Start.Compare(b.Start) })
	for _, k := range noted {
		t.ledger.intervals[k.Start] = k
	}
	return noted, arrived, nil
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

// start is the first instant to build; the zero time when settings do not say.
func (t *intervalBuild) start() (time.Time, error) {
	if t.settings.Start == "" {
		return time.Time{}, nil
	}
	at, err := parseInstant(t.settings.Start)
	return floor(t.settings.Interval, at), err
}

// due are the intervals to compute, in order.
func (t *intervalBuild) due() ([]Window, error) {
	unit := t.settings.Interval
	from, err := t.start()
	if err != nil {
		return nil, err
	}
	known := map[time.Time]bool{}
	for start := range t.ledger.intervals {
		known[start] = true
	}
	if t.settings.Start != "" {
		for _, w := range intervalsIn(unit, Window{from, t.options.AsOf}) {
			known[w.Start] = true
		}
	}
	for _, parent := range t.parents {
		for _, k := range parent.intervals {
			for _, w := range intervalsIn(unit, k.Window) {
				known[w.Start] = true
			}
		}
	}
	var due []Window
	for start := range known {
		w := intervalAt(unit, start)
		if start.Before(from) || !start.Before(t.options.AsOf) {
			continue
		}
		if back := t.options.Backfill; back != nil {
			if back.overlaps(w) {
				due = append(due, w)
			}
			continue
		}
		if t.ledger.intervals[start].computed != t.expected(w) {
			due = append(due, w)
		}
	}
	sortWindows(due)
	return due, nil
}

// expected identifies what the rows of an interval are computed from, besides
// the tracked rows of raw tables.
func (t *intervalBuild) expected(w Window) string {
	var tracked []string
	for _, name := range slices.Sorted(maps.Keys(t.parents)) {
		for _, k := range t.parents[name].sorted() {
			if k.overlaps(w) {
				tracked = append(tracked, name+" "+k.Start.Format(time.RFC3339)+" "+k.inputs())
			}
		}
	}
	end, asOf := t.end(w), ""
	back := floor(t.settings.Interval, t.options.AsOf)
	for range t.settings.Lookback {
		back = floor(t.settings.Interval, back.Add(-1))
	}
	if t.settings.Lookback > 0 && !w.Start.Before(back) {
		asOf = t.asOf
	}
	return digest(struct {
		Build, End, AsOf string
		Tracked          []string
	}{t.buildID(t.work, t.static), formatTimestamp(end), asOf, tracked})[:16]
}

// end is where the rows of an interval end: what is after @as_of is not known yet.
func (t *intervalBuild) end(w Window) time.Time {
	if w.End.After(t.options.AsOf) {
		return t.options.AsOf
	}
	return w.End
}

// replace computes a batch of intervals that touch each other.
func (t *intervalBuild) replace(ctx context.Context, batch []Window, result *Result) error {
	whole := Window{batch[0].Start, t.end(batch[len(batch)-1])}
	stage := warehouse.TableName{Dataset: warehouse.StageDataset, Table: t.table.Table}
	statement, err := t.statement(t.work, stage, map[string]any{IntervalStart: whole.Start, IntervalEnd: whole.End})
	if err != nil {
		return err
	}
	if _, err := t.into.Build(ctx, statement); err != nil {
		return err
	}
	column, err := t.timeColumn()
	if err != nil {
		return err
	}
	full := Window{batch[0].Start, batch[len(batch)-1].End}
	replaced := func(table string) string {
		return fmt.Sprintf("%s.%s >= %s and %s.%s < %s", table, column.Name, instantAs(full.Start, column.Type.Kind),
			table, column.Name, instantAs(full.End, column.Type.Kind))
	}
	if err := t.audit(ctx, t.work, audited{table: stage, into: t.table, replaced: replaced}, result); err != nil {
		return err
	}
	counts, err := t.count(ctx, stage, column)
	if err != nil {
		return err
	}
	done := make([]kept, len(batch))
	for i, w := range batch {
		k := t.ledger.intervals[w.Start]
		k.Window, k.rows, k.computed = w, counts[w.Start], t.expected(w)
		done[i] = k
	}
	names := columnNames(t.Columns)
	changes := []warehouse.Statement{
		{Name: t.Model.Address(), SQL: fmt.Sprintf("delete from %s as t where %s", t.table, replaced("t"))},
		{Name: t.Model.Address(), SQL: fmt.Sprintf("insert into %s select %s from %s as s",
			t.table, qualified("s", names), stage)},
	}
	if err := t.into.Change(ctx, append(changes, t.ledger.write(done, t.options.Clock())...)); err != nil {
		return err
	}
	for _, k := range done {
		t.ledger.intervals[k.Start] = k
	}
	return t.into.Drop(ctx, []warehouse.TableName{stage})
}

// timeColumn is the column that places rows in intervals.
func (t *intervalBuild) timeColumn() (schemas.Column, error) {
	for _, c := range t.Columns {
		if c.Name == t.settings.Column {
			switch c.Type.Kind {
			case schemas.Timestamp, schemas.Datetime, schemas.Date:
				return c, nil
			}
			return c, hint.New(fmt.Sprintf("column %s is %s", c.Name, c.Type), "an interval needs a TIMESTAMP, DATETIME or DATE")
		}
	}
	return schemas.Column{}, fmt.Errorf("the query does not return %s, the column of its intervals", t.settings.Column)
}

// count returns the rows of each interval of a staged table.
func (t *intervalBuild) count(ctx context.Context, stage warehouse.TableName, column schemas.Column) (map[time.Time]int64, error) {
	rows, err := t.rows(ctx, fmt.Sprintf("select %s, count(*) as row_count from %s as s group by 1, 2", t.place("s."+column.Name), stage))
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
