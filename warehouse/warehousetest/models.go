package warehousetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

func target(table string) warehouse.TableName {
	return warehouse.TableName{Dataset: "ripen_build", Table: table}
}

func build(t *testing.T, w warehouse.Models, name, table, sql string, columns ...schemas.Column) {
	t.Helper()
	if _, err := w.Build(t.Context(), warehouse.Statement{Name: name, SQL: sql, Target: target(table), Columns: columns}); err != nil {
		t.Fatal(err)
	}
}

func buildTypes(t *testing.T, engine Engine) {
	w := engine.Open(t)
	// The literals are of other types than the columns: narrower, wider, NULL.
	stats, err := w.Build(t.Context(), warehouse.Statement{
		Name:   "core.typed",
		SQL:    "SELECT 1 AS a, 2 AS b, 3 AS c, 'x' AS d, CAST('2024-01-01' AS DATE) AS e, NULL AS f -- a comment ends it",
		Target: target("typed"),
		Columns: []schemas.Column{column("a", "int64"), column("b", "float64"), column("c", "numeric"),
			column("d", "string"), column("e", "date"), column("f", "timestamp")},
	})
	if err != nil || stats.Rows != 1 {
		t.Fatalf("%+v, %v", stats, err)
	}
	for record, err := range w.Query(t.Context(), warehouse.Statement{SQL: "SELECT * FROM ripen_build.typed"}) {
		if err != nil {
			t.Fatal(err)
		}
		var types []string
		for _, f := range record.Schema().Fields() {
			types = append(types, f.Name+" "+f.Type.String())
		}
		same(t, "types", types, []string{"a int64", "b float64", "c decimal(38, 9)", "d utf8", "e date32", "f timestamp[us, tz=UTC]"})
	}
}

func buildFails(t *testing.T, engine Engine) {
	w := engine.Open(t)
	n := column("n", "int64")
	build(t, w, "core.a", "a", "SELECT 1 AS n", n)
	for _, sql := range []string{
		"SELECT n FROM no_such_dataset.no_such_table",
		"SELEC 1",
		"SELECT 'no number' AS n",
		"SELECT n * 1000000000000000000 * 10 AS n FROM (SELECT 1 AS n UNION ALL SELECT 922)", // overflows in the second row
		"SELECT 1 AS n, 2 AS m",
	} {
		_, err := w.Build(t.Context(), warehouse.Statement{Name: "core.a", SQL: sql, Target: target("a"), Columns: []schemas.Column{n}})
		var stmtErr *warehouse.StatementError
		if !errors.As(err, &stmtErr) || stmtErr.Name != "core.a" || stmtErr.SQL != sql {
			t.Errorf("%s: %v", sql, err)
		}
		same(t, "table after "+sql, Rows(t, w, "SELECT n FROM ripen_build.a"), []string{"1"})
	}
	_, err := w.Build(t.Context(), warehouse.Statement{Name: "core.b", SQL: "SELECT NULL AS n", Target: target("b"),
		Columns: []schemas.Column{required("n", "int64")}})
	if err == nil {
		t.Error("a required column took a NULL")
	}
}

func buildAtomic(t *testing.T, engine Engine) {
	const rows, builds = 20_000, 12
	w := engine.Open(t)
	sql := func(version int) string { return fmt.Sprintf("SELECT %d AS v FROM %s", version, engine.Range(rows)) }
	build(t, w, "core.a", "a", sql(0), column("v", "int64"))
	done := make(chan struct{})
	var readers sync.WaitGroup
	reads := make([]int, 2)
	for i := range reads {
		readers.Go(func() {
			for {
				seen, err := rowsOf(t.Context(), w, warehouse.Statement{SQL: "SELECT count(*), max(v) - min(v) FROM ripen_build.a"})
				if err != nil || len(seen) != 1 || seen[0] != fmt.Sprintf("%d|0", rows) {
					t.Errorf("a reader saw %v, %v", seen, err)
					return
				}
				reads[i]++
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for version := 1; version <= builds; version++ {
		build(t, w, "core.a", "a", sql(version), column("v", "int64"))
	}
	close(done)
	readers.Wait()
	same(t, "rows", Rows(t, w, "SELECT DISTINCT v FROM ripen_build.a"), []string{fmt.Sprint(builds)})
}

func buildMany(t *testing.T, engine Engine) {
	const tables = 8
	w := engine.Open(t)
	var wg sync.WaitGroup
	errs := make([]error, tables)
	for i := range tables {
		wg.Go(func() {
			_, errs[i] = w.Build(t.Context(), warehouse.Statement{
				Name: fmt.Sprint("core.t", i), SQL: fmt.Sprintf("SELECT %d AS v", i), Columns: []schemas.Column{column("v", "int64")},
				Target: warehouse.TableName{Dataset: "fresh", Table: fmt.Sprint("t", i)},
			})
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for i := range tables {
		same(t, "row", Rows(t, w, fmt.Sprint("SELECT v FROM fresh.t", i)), []string{fmt.Sprint(i)})
	}
}

func parameters(t *testing.T, engine Engine) {
	w := engine.Open(t)
	params := map[string]any{
		"as_of": time.Date(2024, 2, 29, 23, 0, 0, 123456000, time.FixedZone("east", 7200)),
		"s":     "it's 100% ?$1", "n": int64(-5), "x": 0.1, "ok": true, "unused": int64(1),
	}
	sql := fmt.Sprintf("SELECT %s AS as_of, %s AS s, %s AS n, %s AS x, %s AS ok",
		engine.Param("as_of"), engine.Param("s"), engine.Param("n"), engine.Param("x"), engine.Param("ok"))
	want := []string{"2024-02-29 21:00:00.123456Z|it's 100% ?$1|-5|0.1|true"}
	rows, err := rowsOf(t.Context(), w, warehouse.Statement{Name: "params", SQL: sql, Params: params})
	same(t, "query", fmt.Sprint(rows, err), fmt.Sprint(want, nil))
	_, err = w.Build(t.Context(), warehouse.Statement{Name: "params", SQL: sql, Params: params, Target: target("params"), Columns: []schemas.Column{
		column("as_of", "timestamp"), column("s", "string"), column("n", "int64"), column("x", "float64"), column("ok", "bool")}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "table", Rows(t, w, "SELECT * FROM ripen_build.params"), want)
	if rows, err := rowsOf(t.Context(), w, warehouse.Statement{Name: "params", SQL: "SELECT " + engine.Param("absent")}); err == nil {
		t.Errorf("a parameter without a value: %v", rows)
	}
	if rows, err := rowsOf(t.Context(), w, warehouse.Statement{SQL: "SELECT " + engine.Param("p"), Params: map[string]any{"p": []string{}}}); err == nil {
		t.Errorf("a parameter of no known type: %v", rows)
	}
}

func queryEmpty(t *testing.T, engine Engine) {
	w := engine.Open(t)
	batches := 0
	for record, err := range w.Query(t.Context(), warehouse.Statement{SQL: "SELECT n FROM (SELECT 1 AS n) AS t WHERE n > 1"}) {
		if err != nil {
			t.Fatal(err)
		}
		batches++
		same(t, "batch", fmt.Sprint(record.NumRows(), record.ColumnName(0)), fmt.Sprint(0, "n"))
	}
	same(t, "batches", batches, 1)
}

func queryEarly(t *testing.T, engine Engine) {
	w := engine.Open(t)
	sql := "SELECT n FROM " + engine.Range(50_000)
	for range 3 {
		for record, err := range w.Query(t.Context(), warehouse.Statement{SQL: sql}) {
			if err != nil || record.NumRows() == 0 {
				t.Fatal(record, err)
			}
			break
		}
	}
	rows := 0
	for record, err := range w.Query(t.Context(), warehouse.Statement{SQL: sql}) {
		if err != nil {
			t.Fatal(err)
		}
		rows += int(record.NumRows())
	}
	same(t, "rows", rows, 50_000)
}

func queryFails(t *testing.T, engine Engine) {
	w := engine.Open(t)
	_, err := rowsOf(t.Context(), w, warehouse.Statement{Name: "check core.a unique", SQL: "SELECT nothing"})
	var stmtErr *warehouse.StatementError
	if !errors.As(err, &stmtErr) || stmtErr.Name != "check core.a unique" || stmtErr.SQL != "SELECT nothing" {
		t.Errorf("%#v", err)
	}
}
