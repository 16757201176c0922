package transforms

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/warehouse"
)

// daily is one model by day over raw_shop.orders; settings go into incremental.
func daily(settings, more string) map[string]modelText {
	return map[string]modelText{"core/fct_order_v1": {
		query: "select id, ordered_at, amount from raw_shop.orders where ordered_at >= @interval_start and ordered_at < @interval_end",
		config: "description: d\nkey: [id]\nmaterialized: incremental\n" +
			"incremental: {interval: day, column: ordered_at, tracks: {raw_shop.orders: ordered_at}" + settings + "}\n" + more,
	}}
}

func (w *world) table(model string) string {
	w.t.Helper()
	for _, p := range w.published() {
		if p.View.String() == model {
			return p.Table.String()
		}
	}
	w.t.Fatalf("%s is not published", model)
	return ""
}

func (w *world) published() []warehouse.Publication {
	w.t.Helper()
	published, err := w.into.Published(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return published
}

func jan(day int) string { return fmt.Sprintf("TIMESTAMP '2026-01-%02d 12:00:00'", day) }

func TestByInterval_BackfillReplacesItsIntervalsAndNothingElse(t *testing.T) {
	w := newWorld(t, daily("", ""))
	w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, jan(3)}, order{"c", 3, jan(4)})
	w.mustRun()
	w.exec("UPDATE " + w.table("core.fct_order") + " SET amount = 99")
	before := w.rows("SELECT * FROM ripen_meta.interval WHERE start_at <> TIMESTAMP '2026-01-03'")
	day := time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	results, err := w.run(w.into, func(o *Options) { o.Backfill = &Window{day, day.AddDate(0, 0, 1)} })
	if err != nil || results[0].Intervals != 1 {
		t.Fatalf("results are %+v, %v", results, err)
	}
	if got := w.rows("SELECT id, amount FROM core.fct_order"); got != "a,99\nb,2\nc,99" {
		t.Errorf("after the backfill the table holds\n%s", got)
	}
	if got := w.rows("SELECT * FROM ripen_meta.interval WHERE start_at <> TIMESTAMP '2026-01-03'"); got != before {
		t.Errorf("the ledger of other intervals was\n%s\nand is\n%s", before, got)
	}
	if got := w.rows("SELECT table_name FROM ripen_meta.built WHERE table_dataset = 'ripen_stage'"); got != "" {
		t.Errorf("%s is left", got)
	}
}

func TestByInterval_FindsGapsInItsLedger(t *testing.T) {
	for settings, lost := range map[string]int{"": 3, ", start: 2026-01-01": 9} {
		w := newWorld(t, daily(settings, ""))
		w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, jan(3)}, order{"c", 3, jan(4)}, order{"d", 4, jan(9)})
		w.mustRun()
		want := w.rows("SELECT id FROM core.fct_order")
		w.exec("DELETE FROM " + w.table("core.fct_order") + " WHERE day(ordered_at) = " + fmt.Sprint(lost))
		w.exec("DELETE FROM ripen_meta.interval WHERE day(start_at) = " + fmt.Sprint(lost))
		if results := w.mustRun(); results[0].Intervals != 1 {
			t.Errorf("%d intervals were built", results[0].Intervals)
		}
		if got := w.rows("SELECT id FROM core.fct_order"); got != want {
			t.Errorf("after the gap was found the table holds\n%s\nwant\n%s", got, want)
		}
	}
}

func TestByInterval_BuildsOnlyWhatArrivedAndWhatAsOfReaches(t *testing.T) {
	w := newWorld(t, daily("", ""))
	w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, jan(4)}, order{"f", 9, jan(12)})
	for _, step := range []struct {
		do   func()
		want int
	}{
		{func() {}, 8}, // days 2 to 9: those between, too
		{func() {}, 0},
		{func() { w.load("l2", order{"c", 3, jan(3)}) }, 1},
		{func() { w.asOf = w.asOf.Add(time.Hour) }, 1},                        // an hour of day 10
		{func() { w.asOf = time.Date(2026, 1, 13, 0, 0, 0, 0, time.UTC) }, 3}, // the rest of it, and up to the row of day 12
		{func() { w.load("l3") }, 0},                                          // a load without rows
		{func() { w.asOf = w.asOf.Add(time.Hour) }, 0},                        // nothing is known of day 13
	} {
		step.do()
		if results := w.mustRun(); results[0].Intervals != step.want {
			t.Errorf("as of %s: %d intervals were built, want %d", w.asOf, results[0].Intervals, step.want)
		}
	}
	if got := w.rows("SELECT id FROM core.fct_order"); got != "a\nb\nc\nf" {
		t.Errorf("the table holds\n%s", got)
	}
}

// limited refuses statements that a warehouse would refuse for their size.
type limited struct {
	warehouse.Models
	t    *testing.T
	most int
}

func (l *limited) Change(ctx context.Context, statements []warehouse.Statement) error {
	for _, s := range statements {
		if l.most = max(l.most, len(s.SQL)); len(s.SQL) > 500_000 {
			l.t.Errorf("%s: a statement of %d bytes", s.Name, len(s.SQL))
		}
	}
	return l.Models.Change(ctx, statements)
}

func (l *limited) Build(ctx context.Context, s warehouse.Statement) (warehouse.Stats, error) {
	if len(s.SQL) > 500_000 {
		l.t.Errorf("%s: a statement of %d bytes", s.Name, len(s.SQL))
	}
	return l.Models.Build(ctx, s)
}

func TestByInterval_HundredThousandIntervalsStayBounded(t *testing.T) {
	models := daily(", start: 2014-08-01", "")
	m := models["core/fct_order_v1"]
	m.config = strings.Replace(m.config, "interval: day", "interval: hour", 1)
	models["core/fct_order_v1"] = m
	w := newWorld(t, models)
	w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, "TIMESTAMP '2014-08-01 00:10:00'"})
	into := &limited{Models: w.into, t: t}
	results, err := w.run(into, nil)
	if err != nil || results[0].Intervals < 100_000 || results[0].Rows != 2 {
		t.Fatalf("results are %+v, %v", results, err)
	}
	w.asOf = w.asOf.Add(time.Hour)
	w.load("l2", order{"c", 1, jan(3)})
	if results = w.mustRun(); results[0].Intervals != 2 || results[0].Rows != 3 {
		t.Errorf("results are %+v", results)
	}
}

func TestByInterval_ManyLoadsStayBounded(t *testing.T) {
	w := newWorld(t, map[string]modelText{
		"core/fct_order_v1": daily("", "")["core/fct_order_v1"],
		"core/dim_order_v1": {query: "select id, amount from raw_shop.orders", config: "description: d\nkey: [id]\nmaterialized: incremental\nincremental: {tracks: {raw_shop.orders: id}}\n"},
	})
	w.load("first", order{"first", 1, jan(1)})
	w.mustRun()
	w.exec("INSERT INTO raw_shop.orders SELECT 'o' || n, n, NULL, TIMESTAMP '2026-01-01' + INTERVAL (n) MINUTE, 's', 'a rather long name of a load ' || n, TIMESTAMP '2026-01-01' FROM range(9000) AS r(n)")
	for n := range 9000 {
		w.loads = append(w.loads, warehouse.Load{LoadID: fmt.Sprint("a rather long name of a load ", n), Table: "shop.orders"})
	}
	into := &limited{Models: w.into, t: t}
	results, err := w.run(into, nil)
	if err != nil || results[0].Rows != 9001 || results[1].Rows != 9001 {
		t.Fatalf("results are %+v, %v", results, err)
	}
	for _, result := range w.mustRun() {
		if !result.Unchanged {
			t.Errorf("%s is built again", result.Model)
		}
	}
}

func TestByInterval_FailingBatchKeepsTheBatchesBeforeIt(t *testing.T) {
	w := newWorld(t, daily(", batch: 1", "columns: {amount: {not_null: true}}\n"))
	w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, jan(3)}, order{"c", 3, jan(4)})
	w.mustRun()
	w.exec("UPDATE raw_shop.orders SET amount = NULL WHERE id = 'b'")
	w.exec("UPDATE raw_shop.orders SET amount = 10 * amount WHERE id <> 'b'")
	_, err := w.run(w.into, func(o *Options) { o.FullRefresh = true })
	var failed *CheckError
	if !errors.As(err, &failed) || failed.Failures[0].Check != "not_null(amount)" {
		t.Fatalf("error is %v", err)
	}
	if got := w.rows("SELECT id, amount FROM core.fct_order"); got != "a,10\nb,2\nc,3" {
		t.Errorf("behind the failure readers find\n%s", got)
	}
	w.exec("UPDATE raw_shop.orders SET amount = 20 WHERE id = 'b'")
	if results := w.mustRun(); results[0].Intervals != 2 {
		t.Errorf("%d intervals were left to build", results[0].Intervals)
	}
	if got := w.rows("SELECT id, amount FROM core.fct_order"); got != "a,10\nb,20\nc,30" {
		t.Errorf("after the cure readers find\n%s", got)
	}
	if got := w.rows("SELECT table_name FROM ripen_meta.built WHERE table_dataset IN ('ripen_check', 'ripen_stage')"); got != "" {
		t.Errorf("%s is left", got)
	}
}

func TestByInterval_KeyMustBeUniqueOverAllIntervals(t *testing.T) {
	w := newWorld(t, daily("", ""))
	w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, jan(3)})
	w.mustRun()
	w.load("l2", order{"a", 5, jan(7)})
	_, err := w.run(w.into, nil)
	wantError(t, err, "unique(id) fails for 1 keys, e.g. id=a (2 rows)")
	if got := w.rows("SELECT id, amount FROM core.fct_order"); got != "a,1\nb,2" {
		t.Errorf("readers find\n%s", got)
	}
}

func TestByInterval_RowsOutsideOfTheIntervalsFail(t *testing.T) {
	models := daily("", "")
	m := models["core/fct_order_v1"]
	m.query = "select id, ordered_at, amount from raw_shop.orders where @interval_start is not null and @interval_end is not null"
	models["core/fct_order_v1"] = m
	w := newWorld(t, models)
	w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, "NULL"}, order{"c", 2, jan(25)})
	_, err := w.run(w.into, nil)
	wantError(t, err, "in_interval(ordered_at) fails for 2 rows, e.g. id=b; id=c")
}

func TestByInterval_NewMeaningGetsATableAndTheOldOneGoes(t *testing.T) {
	first, second := daily("", ""), daily("", "")
	second["core/fct_order_v1"] = modelText{
		query:  strings.Replace(first["core/fct_order_v1"].query, "amount from", "2 * amount as amount from", 1),
		config: first["core/fct_order_v1"].config,
	}
	w := newWorld(t, first)
	w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, jan(3)})
	w.mustRun()
	one := w.table("core.fct_order")
	w.define(second)
	w.mustRun()
	two := w.table("core.fct_order")
	if got := w.rows("SELECT id, amount FROM core.fct_order"); got != "a,2\nb,4" || one == two {
		t.Errorf("%s, then %s holds\n%s", one, two, got)
	}
	if _, err := Rollback(t.Context(), w.into, Production, "back"); err != nil {
		t.Fatal(err)
	}
	if got := w.rows("SELECT id, amount FROM core.fct_order"); got != "a,1\nb,2" {
		t.Errorf("after the rollback it holds\n%s", got)
	}
	w.load("l2", order{"c", 3, jan(4)}) // while the first meaning is in force
	w.mustRun()
	if got := w.rows("SELECT id, amount FROM core.fct_order"); got != "a,2\nb,4\nc,6" {
		t.Errorf("after the second meaning came again it holds\n%s", got)
	}
	w.load("l3", order{"d", 4, jan(4)})
	w.mustRun()
	w.load("l4", order{"e", 5, jan(5)})
	w.mustRun()
	w.define(first) // its table may be gone by now, its ledgers must not be believed
	w.mustRun()
	if got := w.rows("SELECT id, amount FROM core.fct_order"); got != "a,1\nb,2\nc,3\nd,4\ne,5" {
		t.Errorf("back at the first meaning it holds\n%s", got)
	}
	w.define(second)
	w.mustRun()
	w.load("l5", order{"f", 6, jan(6)})
	w.mustRun()
	if got := w.rows("SELECT count(DISTINCT table_name) FROM ripen_meta.interval"); got != "1" && got != "2" {
		t.Errorf("ledgers of %s tables are kept", got)
	}
}

func TestByInterval_UntrackedInputsBuildAllUnlessIgnored(t *testing.T) {
	for settings, want := range map[string]int{"": 2, ", ignores: [staging.limits]": 0, ", ignores: [staging.limits_v1]": 0} {
		models := daily(settings, "")
		m := models["core/fct_order_v1"]
		m.query = "select o.id, o.ordered_at, l.items from raw_shop.orders as o cross join staging.limits as l where o.ordered_at >= @interval_start and o.ordered_at < @interval_end"
		models["core/fct_order_v1"] = m
		models["staging/limits_v1"] = modelText{query: "select 'x' as id, count(*) as items from raw_shop.items"}
		w := newWorld(t, models)
		w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, jan(3)})
		w.mustRun()
		w.item("i1", "thing")
		results := w.mustRun()
		if got := results[1]; got.Model != "core.fct_order" || got.Intervals != want {
			t.Errorf("with %q: %+v", settings, got)
		}
	}
}

func TestByInterval_LookbackBuildsTheLastIntervalsAtEveryAsOf(t *testing.T) {
	w := newWorld(t, daily(", start: 2026-01-01, lookback: 2", ""))
	w.load("l1", order{"a", 1, jan(2)})
	w.mustRun()
	w.asOf = w.asOf.AddDate(0, 0, 1)
	// Day 10 is new; 8 and 9 are looked back at; 7 is not any more and says so once.
	if results := w.mustRun(); results[0].Intervals < 3 || results[0].Intervals > 4 {
		t.Errorf("%d intervals", results[0].Intervals)
	}
	if results := w.mustRun(); results[0].Intervals != 0 {
		t.Errorf("%d intervals at the same instant", results[0].Intervals)
	}
}

func TestByInterval_ColumnsMayHaveReservedNamesAndCapitals(t *testing.T) {
	w := newWorld(t, map[string]modelText{"core/fct_order_v1": {
		query: `select id as "order", ordered_at as "group", amount as "select", amount as "Mixed" from raw_shop.orders where ordered_at >= @interval_start and ordered_at < @interval_end`,
		config: "description: d\nkey: [order]\nmaterialized: incremental\nincremental: {interval: day, column: group, tracks: {raw_shop.orders: ordered_at}}\n" +
			"columns: {group: {not_null: true}, select: {unique: true}, Mixed: {accepted_values: [1, 2]}}\nchecks: [{freshness: {column: group, warn_after: 1h}}]\n",
	}, "core/dim_order_v1": {
		query:  `select id as "order", amount as "Select" from raw_shop.orders`,
		config: "description: d\nkey: [order]\nmaterialized: incremental\nincremental: {tracks: {raw_shop.orders: id}}\n",
	}})
	w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, jan(3)})
	w.mustRun()
	w.load("l2", order{"c", 2, jan(3)})
	_, err := w.run(w.into, nil)
	wantError(t, err, "unique(select) fails for 1 keys, e.g. select=2 (2 rows)")
}
