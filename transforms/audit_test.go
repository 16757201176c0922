package transforms

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/warehouse"
)

// audited model: its rows are those of raw_shop.orders.
func orders(more string) map[string]modelText {
	return map[string]modelText{"core/fct_order_v1": {
		query:  "select id, amount, ordered_at, payload as note from raw_shop.orders",
		config: "description: d\nkey: [id]\n" + more,
	}}
}

const checkRows = "SELECT release, check_name, severity, failing_rows, stored_in FROM ripen_meta.check"

func TestAudit_FailedCheckKeepsYesterdaysRowsAndTheRestGoesOn(t *testing.T) {
	models := orders("checks: [{accepted_values: {column: amount, values: [1, 2]}}]\n")
	models["report/rpt_below_v1"] = modelText{query: "select id from core.fct_order"}
	models["report/rpt_beside_v1"] = modelText{query: "select id from raw_shop.orders"}
	w := newWorld(t, models)
	w.load("l1", order{"a", 1, jan(1)})
	w.mustRun()
	if got := w.rows("SELECT count(*) FROM ripen_meta.check WHERE failing_rows = 0 AND stored_in = '' AND model = 'core.fct_order_v1'"); got != "3" {
		t.Errorf("the ledger has %s checks that passed", got)
	}
	w.mustRun()
	if got := w.rows("SELECT count(*) FROM ripen_meta.check WHERE release = 'run 2'"); got != "0" {
		t.Errorf("%s checks of unchanged models are in the ledger", got)
	}
	w.load("l2", order{"b", 3, jan(1)}, order{"c", 4, jan(1)})
	results, err := w.run(w.into, nil)
	var failed *CheckError
	if !errors.As(err, &failed) || len(results) != 1 || results[0].Model != "report.rpt_beside" {
		t.Fatalf("results are %+v, %v", results, err)
	}
	const stored = "ripen_check.core__fct_order_v1__accepted_values_amount"
	wantError(t, err, "accepted_values(amount) fails for 2 rows, e.g. id=b amount=3; id=c amount=4 (failing rows are in "+stored+")")
	if got := w.rows("SELECT id FROM core.fct_order"); got != "a" {
		t.Errorf("readers find %q", got)
	}
	if got := w.rows("SELECT id, amount FROM " + stored); got != "b,3\nc,4" {
		t.Errorf("kept are\n%s", got)
	}
	if got := w.rows(checkRows + " WHERE release = 'run 3' AND failing_rows > 0"); got != "run 3,accepted_values(amount),fail,2,"+stored {
		t.Errorf("the ledger says\n%s", got)
	}
	w.exec("DELETE FROM raw_shop.orders WHERE amount > 2")
	w.load("l3")
	w.mustRun()
	if got := w.rows("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'ripen_check'"); got != "" {
		t.Errorf("%s is kept though the check passes", got)
	}
}

func TestAudit_WarningsPublishAndAreReported(t *testing.T) {
	w := newWorld(t, orders("columns: {amount: {not_null: true, severity: warn}}\nchecks: [{volume: {max: 1}, severity: warn}]\n"))
	w.load("l1", order{"a", 1, jan(1)}, order{"b", 2, jan(1)})
	w.exec("UPDATE raw_shop.orders SET amount = NULL WHERE id = 'b'")
	results := w.mustRun()
	var got []string
	for _, f := range results[0].Warnings {
		got = append(got, f.String())
	}
	if text := strings.Join(got, "\n"); text != "not_null(amount) fails for 1 rows, e.g. id=b amount=NULL (failing rows are in ripen_check.core__fct_order_v1__not_null_amount)\nvolume: 2 rows, more than 1" {
		t.Errorf("warnings are\n%s", text)
	}
	if got := w.rows("SELECT id FROM core.fct_order"); got != "a\nb" {
		t.Errorf("readers find\n%s", got)
	}
	if got := w.rows(checkRows + " WHERE severity = 'warn'"); got != "run 1,not_null(amount),warn,1,ripen_check.core__fct_order_v1__not_null_amount\nrun 1,volume,warn,1," {
		t.Errorf("the ledger says\n%s", got)
	}
}

func TestAudit_WarningOfManyBatchesIsOne(t *testing.T) {
	w := newWorld(t, daily(", batch: 1", "columns: {amount: {not_null: true, severity: warn}}\nchecks: [{volume: {min: 3}}, {freshness: {column: ordered_at, error_after: 240h}}]\n"))
	w.load("l1", order{"a", 1, jan(2)}, order{"b", 2, jan(3)}, order{"c", 2, jan(4)})
	w.exec("UPDATE raw_shop.orders SET amount = NULL")
	results := w.mustRun() // the first batches alone have fewer rows than 3
	if f := results[0].Warnings; len(f) != 1 || f[0].Rows != 3 {
		t.Errorf("warnings are %+v", f)
	}
	if got := w.rows("SELECT check_name, count(*) FROM ripen_meta.check GROUP BY 1 HAVING count(*) > 1"); got != "" {
		t.Errorf("the ledger has several rows of %s", got)
	}
	if got := w.rows("SELECT failing_rows FROM ripen_meta.check WHERE check_name = 'not_null(amount)'"); got != "3" {
		t.Errorf("the ledger says %s rows", got)
	}
}

func TestAudit_AcceptedValuesAreThoseOfTheColumnsType(t *testing.T) {
	texts := []string{`it's`, `a\b`, "two\nlines", "Ünïcødé ☃", `"quoted"`, "NULL", "", "tab\there", "%s $ 1"}
	yaml := []string{`"it's"`, `'a\b'`, `"two\nlines"`, `"Ünïcødé ☃"`, `'"quoted"'`, `"NULL"`, `""`, `"tab\there"`, `"%s $ 1"`}
	var values []string
	for _, s := range texts {
		values = append(values, "select "+text(s)+" as id, 1 as n")
	}
	query := "select t.id, t.n, 1.5::decimal(38,9) as exact, 0.1::double as rough, true as flag, date '2026-01-31' as day_on, timestamp '2026-01-31 10:00:00' as at from (" + strings.Join(values, " union all ") + ") as t"
	passing := "description: d\nkey: [id]\ncolumns:\n  id: {accepted_values: [" + strings.Join(yaml, ", ") + "]}\n" +
		"  n: {accepted_values: [1]}\n  exact: {accepted_values: [1.5, -2]}\n  rough: {accepted_values: [0.1]}\n  flag: {accepted_values: [true]}\n" +
		"  day_on: {accepted_values: [\"2026-01-31\"]}\n  at: {accepted_values: [\"2026-01-31T10:00:00Z\"]}\n"
	w := newWorld(t, map[string]modelText{"core/a_v1": {query: query, config: passing}})
	w.mustRun()
	for _, change := range [][2]string{{`"it's"`, `"its"`}, {`'a\b'`, `'a\\b'`}, {`"two\nlines"`, `"two lines"`}, {"[1.5, -2]", "[1.4999]"}, {"[true]", "[false]"}, {"01-31T10", "01-31T11"}} {
		w.define(map[string]modelText{"core/a_v1": {query: query, config: strings.Replace(passing, change[0], change[1], 1)}})
		if _, err := w.run(w.into, nil); err == nil || !strings.Contains(err.Error(), "accepted_values(") {
			t.Errorf("with %s: %v", change[1], err)
		}
	}
}

func TestAudit_UniqueColumnsMayHaveManyNulls(t *testing.T) {
	w := newWorld(t, orders("checks: [{unique: [amount, ordered_at]}]\n"))
	w.load("l1", order{"a", 1, "NULL"}, order{"b", 1, "NULL"}, order{"c", 1, jan(1)}, order{"d", 1, jan(2)})
	w.mustRun()
	w.load("l2", order{"e", 1, jan(2)})
	_, err := w.run(w.into, nil)
	wantError(t, err, "unique(amount, ordered_at) fails for 1 keys, e.g. amount=1 ordered_at=2026-01-02T12:00:00Z (2 rows)")
}

func TestAudit_VolumeIsHeldAgainstTheLastPublishedBuild(t *testing.T) {
	w := newWorld(t, orders("checks: [{volume: {max_drop: 50, max_growth: 100}}]\n"))
	many := func(n int) (list []order) {
		for i := range n {
			list = append(list, order{string(rune('a' + i)), 1, jan(1)})
		}
		return list
	}
	for _, step := range []struct {
		rows int
		want string
	}{
		{10, ""}, {4, "volume: 4 rows after 10: 60.0 % fewer, at most 50 % may go"},
		{4, "4 rows after 10"}, // what failed is not what is published
		{5, ""}, {11, "volume: 11 rows after 5: 120.0 % more, at most 100 % may come"}, {10, ""},
	} {
		w.put(many(step.rows)...)
		_, err := w.run(w.into, nil)
		if step.want == "" && err != nil || step.want != "" && (err == nil || !strings.Contains(err.Error(), step.want)) {
			t.Errorf("%d rows: %v, want %q", step.rows, err, step.want)
		}
	}
}

func TestAudit_OnlyTheLastBuildThatFailedIsKept(t *testing.T) {
	w := newWorld(t, orders("checks: [{volume: {max: 1}}]\n"))
	w.put(order{"a", 1, jan(1)})
	w.mustRun()
	for range 4 {
		w.put(order{"a", 1, jan(1)}, order{"b", 1, jan(1)})
		if _, err := w.run(w.into, nil); err == nil {
			t.Fatal("two rows passed")
		}
	}
	if got := w.rows("SELECT count(*) FROM ripen_meta.built WHERE statement_name = 'core.fct_order_v1'"); got != "2" {
		t.Errorf("%s tables are kept", got)
	}
}

func TestAudit_FullRefreshThatFailsLeavesReadersWhatTheyHave(t *testing.T) {
	w := newWorld(t, orders(""))
	w.load("l1", order{"a", 1, jan(1)})
	w.mustRun()
	refresh := func(o *Options) { o.FullRefresh = true }
	w.exec("INSERT INTO raw_shop.orders SELECT * FROM raw_shop.orders") // by hand: no load tells of it
	if _, err := w.run(w.into, refresh); err == nil {
		t.Fatal("a key that stands twice passed")
	}
	if got := w.rows("SELECT id FROM core.fct_order"); got != "a" {
		t.Errorf("readers find\n%s", got)
	}
	w.exec("UPDATE raw_shop.orders SET id = 'b' WHERE rowid = 1")
	if _, err := w.run(w.into, refresh); err != nil {
		t.Fatal(err)
	}
	if got := w.rows("SELECT id FROM core.fct_order"); got != "a\nb" {
		t.Errorf("after the cure readers find\n%s", got)
	}
}

func TestAudit_VolumeOfAViewIsThatOfItsLastLook(t *testing.T) {
	w := newWorld(t, orders("materialized: view\nchecks: [{volume: {max_drop: 50}}]\n"))
	w.put(order{"a", 1, jan(1)}, order{"b", 1, jan(1)}, order{"c", 1, jan(1)})
	if results := w.mustRun(); results[0].Rows != 3 {
		t.Errorf("result is %+v", results[0])
	}
	w.put(order{"a", 1, jan(1)})
	_, err := w.run(w.into, nil)
	wantError(t, err, "1 rows after 3")
}

func TestAudit_FreshnessIsCheckedOfUnchangedTablesToo(t *testing.T) {
	w := newWorld(t, orders("checks: [{freshness: {column: ordered_at, warn_after: 24h, error_after: 72h}}]\n"))
	w.load("l1", order{"a", 1, "TIMESTAMP '2026-01-09 12:00:00'"})
	for _, step := range []struct {
		at   string
		warn int
		want string
	}{
		{"2026-01-10T00:00:00Z", 0, ""},
		{"2026-01-11T00:00:00Z", 1, ""},
		{"2026-01-13T00:00:00Z", 0, "freshness(ordered_at): the newest is 2026-01-09T12:00:00Z, 84h0m0s before @as_of; at most 72h0m0s are allowed"},
		{"2026-01-10T00:00:00Z", 0, ""},
	} {
		var err error
		if w.asOf, err = time.Parse(time.RFC3339, step.at); err != nil {
			t.Fatal(err)
		}
		results, err := w.run(w.into, nil)
		if step.want != "" {
			wantError(t, err, step.want)
			continue
		}
		if err != nil || len(results[0].Warnings) != step.warn {
			t.Errorf("%s: %+v, %v", step.at, results, err)
		}
	}
}

func TestAudit_RelationshipsToOthersAndToItself(t *testing.T) {
	models := map[string]modelText{
		"core/a_child_v1": {
			query: "select id, payload as parent_id from raw_shop.orders",
			config: "description: d\nkey: [id]\ncolumns:\n  parent_id: {references: core.a_child.id}\n" +
				"checks: [{relationship: {column: id, to: core.z_parent.id}}]\n",
		},
		"core/z_parent_v1": {query: "select id from raw_shop.items"},
	}
	w := newWorld(t, models)
	if got := names(w.graph.Order); got != "core.z_parent core.a_child" {
		t.Errorf("the order is %s", got)
	}
	w.load("l1", order{"a", 1, jan(1)}, order{"b", 1, jan(1)})
	w.exec("UPDATE raw_shop.orders SET payload = 'a' WHERE id = 'b'")
	w.item("i1", "a")
	_, err := w.run(w.into, nil)
	wantError(t, err, "relationship(id in core.z_parent.id) fails for 1 rows, e.g. id=b")
	w.item("i2", "b")
	w.mustRun()
	w.exec("UPDATE raw_shop.orders SET payload = 'nobody' WHERE id = 'a'")
	w.load("l2")
	_, err = w.run(w.into, nil)
	wantError(t, err, "relationship(parent_id in core.a_child.id) fails for 1 rows, e.g. id=a parent_id=nobody")

	models["core/z_parent_v1"] = modelText{query: "select id from raw_shop.items", config: "description: d\nkey: [id]\nchecks: [{relationship: {column: id, to: core.a_child.id}}]\n"}
	_, err = newStandIn(t).engine("").Graph(loadProject(t, models, nil))
	wantError(t, err, "sql/core/a_child_v1/model.yaml:5:42: the check must wait for core.z_parent, which waits for core.a_child by a check",
		"sql/core/z_parent_v1/model.yaml:3:42: the check must wait for core.a_child")
	models["core/z_parent_v1"] = modelText{query: "select id from core.a_child"}
	_, err = newStandIn(t).engine("").Graph(loadProject(t, models, nil))
	wantError(t, err, "sql/core/a_child_v1/model.yaml:5:42: core.z_parent is built from core.a_child", "move the check to that model")
}

func TestAudit_NeedsHoldWhatChecksRead(t *testing.T) {
	w := newWorld(t, map[string]modelText{
		"core/a_v1": {query: "select id from raw_shop.orders", config: "description: d\nkey: [id]\nchecks: [{relationship: {column: id, to: core.b.id}}]\n"},
		"core/b_v1": {query: "select id from raw_shop.items"},
	})
	b := NewBuilder(w.graph, w.compiled, w.graph.Order, w.into, Options{Clock: ticker()})
	m, _ := w.graph.Project.Model("core.a")
	if got := strings.Join(b.Needs(m), " "); got != "core.b" {
		t.Errorf("core.a needs %q", got)
	}
}

func TestAudit_FailingRowsAreBounded(t *testing.T) {
	w := newWorld(t, map[string]modelText{"core/a_v1": {
		query:  "select n as id, cast(null as varchar) as empty from range(20000) as r(n)",
		config: "description: d\nkey: [id]\ncolumns: {empty: {not_null: true}}\n",
	}})
	_, err := w.run(w.into, nil)
	wantError(t, err, "not_null(empty) fails for 20000 rows")
	if got := w.rows("SELECT count(*) FROM ripen_check.core__a_v1__not_null_empty"); got != "10000" {
		t.Errorf("%s rows are kept", got)
	}
}

func TestAudit_ChecksOfSimilarNamesKeepTheirRowsApart(t *testing.T) {
	m := &Model{Dataset: "core", Name: "a", Version: 1}
	seen := map[warehouse.TableName]string{}
	for _, name := range []string{"unique(a, b)", "unique(a_b)", "a b", "a-b", "A b", "unique_a_b", "not_null(a)", strings.Repeat("x", 90), strings.Repeat("x", 91)} {
		table := checkTable(m, Production, name)
		if other, twice := seen[table]; twice {
			t.Errorf("%q and %q are both kept in %s", other, name, table)
		}
		seen[table] = name
		if len(table.Table) > 80 {
			t.Errorf("%s is long", table)
		}
	}
}
