package transforms

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/warehouse"
)

// world is a warehouse whose raw tables grow load by load, and models over them.
type world struct {
	t        *testing.T
	into     warehouse.Models
	graph    *Graph
	compiled map[*Model]*Compiled
	loads    []warehouse.Load
	inserted []string // SQL of their rows
	asOf     time.Time
	runs     int
}

func newWorld(t *testing.T, models map[string]modelText) *world {
	t.Helper()
	w := &world{t: t, into: openMemory(t), asOf: time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)}
	for _, table := range testContracts() {
		sql := "SELECT " + strings.TrimSuffix(strings.Repeat("NULL, ", len(table.RawColumns())), ", ") + " LIMIT 0"
		if _, err := w.into.Build(t.Context(), warehouse.Statement{
			Name: table.Name, SQL: sql, Target: warehouse.TableName{Dataset: table.RawDataset(), Table: table.Name}, Columns: table.RawColumns(),
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.define(models)
	return w
}

// define gives the models other files.
func (w *world) define(models map[string]modelText) {
	w.t.Helper()
	e := newStandIn(w.t).engine("")
	w.graph = graphOf(w.t, e, loadProject(w.t, models, nil))
	var err error
	if w.compiled, err = e.Compile(w.graph, w.graph.Order); err != nil {
		w.t.Fatal(err)
	}
}

// order is a row of raw_shop.orders; at is SQL.
type order struct {
	id     string
	amount int
	at     string
}

func (w *world) load(id string, orders ...order) {
	w.t.Helper()
	var values []string
	for _, o := range orders {
		values = append(values, fmt.Sprintf("('%s', %d, NULL, %s, 's', '%s', TIMESTAMP '2026-01-01')", o.id, o.amount, o.at, id))
	}
	w.insert("orders", id, values)
}

// item adds a load to raw_shop.items.
func (w *world) item(id, item string) {
	w.t.Helper()
	w.insert("items", id, []string{fmt.Sprintf("('%s', 's', '%s', TIMESTAMP '2026-01-01')", item, id)})
}

func (w *world) insert(table, load string, values []string) {
	w.t.Helper()
	if len(values) > 0 {
		w.inserted = append(w.inserted, "INSERT INTO raw_shop."+table+" VALUES "+strings.Join(values, ", "))
		w.exec(w.inserted[len(w.inserted)-1])
	}
	w.loads = append(w.loads, warehouse.Load{LoadID: load, Table: "shop." + table})
}

func (w *world) exec(sql string) {
	w.t.Helper()
	if err := w.into.Change(w.t.Context(), []warehouse.Statement{{Name: "test", SQL: sql}}); err != nil {
		w.t.Fatal(err)
	}
}

// run builds models, all when none are named.
func (w *world) run(into warehouse.Models, change func(*Options), selectors ...string) ([]Result, error) {
	w.t.Helper()
	w.runs++
	options := Options{AsOf: w.asOf, Release: fmt.Sprintf("run %d", w.runs), Raw: NewRawTables(w.loads), Clock: ticker()}
	if change != nil {
		change(&options)
	}
	models, err := w.graph.Select(selectors, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return NewBuilder(w.graph, w.compiled, models, into, options).BuildAll(w.t.Context())
}

func (w *world) mustRun(selectors ...string) []Result {
	w.t.Helper()
	results, err := w.run(w.into, nil, selectors...)
	if err != nil {
		w.t.Fatal(err)
	}
	return results
}

// rows are those of a query, a line each, sorted.
func (w *world) rows(sql string) string {
	w.t.Helper()
	rows, err := query(w.t.Context(), w.into, warehouse.Statement{Name: "rows", SQL: sql}, -1)
	if err != nil {
		w.t.Fatal(err)
	}
	lines := make([]string, len(rows.Values))
	for i, row := range rows.Values {
		cells := make([]string, len(row))
		for j, v := range row {
			cells[j] = Text(v)
		}
		lines[i] = strings.Join(cells, ",")
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// content is all that readers see.
func (w *world) content() map[string]string {
	w.t.Helper()
	seen := map[string]string{}
	for _, m := range w.graph.Order {
		if m.Kind != Ephemeral {
			seen[m.String()] = w.rows("SELECT * FROM " + m.String())
		}
	}
	return seen
}

var errKilled = errors.New("killed")

// mortal is a warehouse whose user is killed at its n-th effect: before it, or
// behind it without having seen it.
type mortal struct {
	warehouse.Models
	left  int
	after bool
}

func (m *mortal) effect(do func() error) error {
	m.left--
	switch {
	case m.left > 0:
		return do()
	case m.left == 0 && m.after:
		_ = do()
	}
	return errKilled
}

func (m *mortal) Build(ctx context.Context, s warehouse.Statement) (stats warehouse.Stats, err error) {
	err = m.effect(func() error {
		stats, err = m.Models.Build(ctx, s)
		return err
	})
	return stats, err
}

func (m *mortal) Change(ctx context.Context, s []warehouse.Statement) error {
	return m.effect(func() error { return m.Models.Change(ctx, s) })
}

func (m *mortal) Drop(ctx context.Context, names []warehouse.TableName) error {
	return m.effect(func() error { return m.Models.Drop(ctx, names) })
}

func (m *mortal) Publish(ctx context.Context, r warehouse.Release) error {
	return m.effect(func() error { return m.Models.Publish(ctx, r) })
}

func (m *mortal) Query(ctx context.Context, s warehouse.Statement) iter.Seq2[arrow.Record, error] {
	if m.left <= 0 {
		return func(yield func(arrow.Record, error) bool) { yield(nil, errKilled) }
	}
	return m.Models.Query(ctx, s)
}

// incrementals are models of every way to be kept up to date.
func incrementals(unit string, batch, lookback int, start string) map[string]modelText {
	settings := fmt.Sprintf("batch: %d, lookback: %d", batch, lookback)
	if start != "" {
		settings += ", start: " + start
	}
	daily := unit
	if unit == "hour" {
		daily = "day"
	}
	const inside = "ordered_at >= @interval_start and ordered_at < @interval_end"
	return map[string]modelText{
		// By the instant of rows, the newest record of each.
		"core/fct_order_v1": {
			query: "select id, ordered_at, amount from raw_shop.orders where " + inside +
				" qualify row_number() over (partition by id, ordered_at order by _ripen_load_id desc, amount) = 1",
			config: "description: d\nkey: [id, ordered_at]\nmaterialized: incremental\nincremental: {interval: " + unit +
				", column: ordered_at, tracks: {raw_shop.orders: ordered_at}, " + settings + "}\n",
		},
		// By date, through a view on an ephemeral model, with an input that is not tracked.
		"staging/stg_order_v1": {query: "select id, ordered_at, amount from raw_shop.orders where amount is not null", config: "description: d\nkey: [id]\nmaterialized: ephemeral\n"},
		"staging/vw_order_v1":  {query: "select distinct o.id, o.ordered_at, o.amount from staging.stg_order as o where o.ordered_at is not null", config: "description: d\nkey: [id, ordered_at, amount]\nmaterialized: view\n"},
		"staging/limits_v1":    {query: "select 'x' as id, count(*) as items from raw_shop.items"},
		"core/fct_day_v1": {
			query: "select cast(ordered_at as date) as day_on, count(distinct o.id) as orders, sum(o.amount) as amount, max(l.items) as items" +
				" from staging.vw_order as o cross join staging.limits as l where " + inside + " group by 1",
			config: "description: d\nkey: [day_on]\nmaterialized: incremental\nincremental: {interval: " + daily +
				", column: day_on, tracks: {raw_shop.orders: ordered_at}, " + settings + "}\n",
		},
		// Below another incremental table, by another unit.
		"core/fct_month_v1": {
			query: "select date_trunc('month', ordered_at) as month_at, count(*) as n, sum(amount) as amount from core.fct_order where " + inside + " group by 1",
			config: "description: d\nkey: [month_at]\nmaterialized: incremental\nincremental: {interval: month, column: month_at, tracks: {core.fct_order: ordered_at}, " +
				strings.Split(settings, ", start")[0] + "}\n",
		},
		"core/fct_hour_v1": {
			query:  "select date_trunc('hour', ordered_at) as hour_at, count(*) as n from core.fct_order_v1 where " + inside + " group by 1",
			config: "description: d\nkey: [hour_at]\nmaterialized: incremental\nincremental: {interval: hour, column: hour_at, tracks: {core.fct_order: ordered_at}}\n",
		},
		// By key.
		"core/dim_order_v1": {
			query: "select o.id, o.amount, o.ordered_at, l.items from (select * from raw_shop.orders qualify row_number() over " +
				"(partition by id order by _ripen_load_id desc, ordered_at desc nulls last, amount) = 1) as o cross join staging.limits as l where o.amount > 1",
			config: "description: d\nkey: [id]\nmaterialized: incremental\nincremental: {tracks: {raw_shop.orders: id}}\n",
		},
		// Whole tables below them.
		"report/rpt_order_v1": {query: "select 'x' as id, count(*) as n, sum(f.amount) as amount from core.fct_order as f"},
		"report/rpt_dim_v1":   {query: "select 'x' as id, count(*) as n, sum(d.amount) as amount from core.dim_order as d"},
	}
}

// randomOrders are rows of which some are late, some in the future, some at no
// time at all, and most updates of others.
func randomOrders(r *rand.Rand) []order {
	var orders []order
	for range r.IntN(12) {
		at := instantText(time.Date(2026, 1, r.IntN(40)-5, r.IntN(24), 0, r.IntN(3)*1799, 0, time.UTC))
		switch r.IntN(25) {
		case 0:
			at = "NULL"
		case 1:
			at = "TIMESTAMP '1970-01-01 00:00:00'"
		case 2:
			at = "TIMESTAMP '57000-01-01 00:00:00'" // milliseconds taken for seconds
		}
		orders = append(orders, order{fmt.Sprintf("o%d", r.IntN(8)), r.IntN(20), at})
	}
	return orders
}

func TestIncremental_EqualsItsFullRebuildWhateverTheOrderOfArrival(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(seed, 3))
			start := []string{"", "2026-01-03", "2026-01-01T13:00:00Z"}[r.IntN(3)]
			models := incrementals(intervalUnits[seed%4], 20*r.IntN(3), r.IntN(3), start)
			w := newWorld(t, models)
			loads := 0
			for range 4 + r.IntN(6) {
				for range r.IntN(3) {
					loads++
					w.load(fmt.Sprintf("load%03d", 500+(loads*211)%499), randomOrders(r)...)
				}
				if r.IntN(6) == 0 {
					w.item(fmt.Sprintf("item%d", w.runs), fmt.Sprintf("i%d", r.IntN(3)))
				}
				hours := r.IntN(100)
				if r.IntN(5) == 0 {
					hours = -r.IntN(100)
				}
				w.asOf = w.asOf.Add(time.Duration(hours)*time.Hour + time.Duration(r.IntN(2))*1234*time.Second)
				change := func(o *Options) {
					o.FullRefresh = r.IntN(10) == 0
					if r.IntN(6) == 0 {
						from := w.asOf.Add(-time.Duration(r.IntN(200)) * time.Hour)
						o.Backfill = &Window{from, from.Add(time.Duration(r.IntN(100)) * time.Hour)}
					}
				}
				var selectors []string
				if r.IntN(4) == 0 {
					selectors = []string{[]string{"fct_order", "+fct_day", "+fct_month", "dim_order"}[r.IntN(4)]}
				}
				if r.IntN(2) == 0 {
					_, err := w.run(&mortal{Models: w.into, left: 1 + r.IntN(60), after: r.IntN(2) == 0}, change, selectors...)
					if err != nil && !errors.Is(err, errKilled) && !strings.Contains(err.Error(), "never built") {
						t.Fatal(err)
					}
				} else if _, err := w.run(w.into, change, selectors...); err != nil && !strings.Contains(err.Error(), "never built") {
					t.Fatal(err)
				}
			}
			w.mustRun()
			fresh := newWorld(t, models)
			fresh.asOf, fresh.loads = w.asOf, w.loads
			for _, sql := range w.inserted {
				fresh.exec(sql)
			}
			fresh.mustRun()
			want := fresh.content()
			for name, got := range w.content() {
				if got != want[name] {
					t.Errorf("%s (as of %s) holds\n%s\n\nbuilt at once it holds\n%s", name, w.asOf, got, want[name])
				}
			}
			for _, result := range w.mustRun() {
				if !result.Unchanged {
					t.Errorf("%s is built again though nothing has changed", result.Model)
				}
			}
		})
	}
}
