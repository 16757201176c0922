package warehousetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

func changeAtomic(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.build("a1", "b2")
	err := s.w.Change(t.Context(), []warehouse.Statement{
		{Name: "first", SQL: "INSERT INTO ripen_build.a1 SELECT n FROM ripen_build.b2"},
		{Name: "second", SQL: "DELETE FROM ripen_build.a1 WHERE n = 1"},
		{Name: "third", SQL: "DROP TABLE ripen_build.b2"},
		{Name: "fourth", SQL: "INSERT INTO ripen_build.a1 SELECT n FROM ripen_build.no_such_table"},
	})
	var stmtErr *warehouse.StatementError
	if !errors.As(err, &stmtErr) || stmtErr.Name != "fourth" || !strings.Contains(stmtErr.SQL, "no_such_table") {
		t.Errorf("%#v", err)
	}
	same(t, "rows after the failure", Rows(t, s.w, "SELECT a.n, b.n FROM ripen_build.a1 AS a, ripen_build.b2 AS b"), []string{"1|2"})

	as := map[string]any{"n": int64(7), "s": "it's", "at": time.Date(2024, 2, 29, 23, 0, 0, 0, time.UTC)}
	build(t, s.w, "core.typed", "typed", "SELECT 0 AS n, '' AS s, NULL AS d", column("n", "int64"), column("s", "string"), column("d", "timestamp"))
	err = s.w.Change(t.Context(), []warehouse.Statement{
		{Name: "first", SQL: "INSERT INTO ripen_build.a1 SELECT n FROM ripen_build.b2"},
		{Name: "second", SQL: "DELETE FROM ripen_build.a1 WHERE n = 1"},
		{Name: "third", SQL: "DROP TABLE ripen_build.b2"},
		{Name: "fourth", SQL: "UPDATE ripen_build.typed SET n = " + engine.Param("n") + ", s = " + engine.Param("s") + ", d = " + engine.Param("at") + " WHERE true", Params: as},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.tables("a1")
	same(t, "rows", Rows(t, s.w, "SELECT a.n, t.n, t.s, t.d FROM ripen_build.a1 AS a, ripen_build.typed AS t"), []string{"2|7|it's|2024-02-29 23:00:00Z"})
	if err := s.w.Change(t.Context(), nil); err != nil {
		t.Errorf("no statements: %v", err)
	}
	err = s.w.Change(t.Context(), []warehouse.Statement{{Name: "odd", SQL: "SELECT 1", Params: map[string]any{"p": []string{}}}})
	if !errors.As(err, &stmtErr) || stmtErr.Name != "odd" {
		t.Errorf("a parameter of no known type: %v", err)
	}
}

func changeCollides(t *testing.T, engine Engine) {
	const writers, rounds = 4, 5
	s := newStage(t, engine)
	s.build("a1")
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			for range rounds {
				errs[i] = errors.Join(errs[i], s.w.Change(t.Context(), []warehouse.Statement{
					{Name: "count", SQL: "UPDATE ripen_build.a1 SET n = n + 1 WHERE true"},
				}))
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	same(t, "count", Rows(t, s.w, "SELECT n FROM ripen_build.a1"), []string{fmt.Sprint(1 + writers*rounds)})
}

func buildViews(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.build("a1")
	view := warehouse.Statement{Name: "core.v", SQL: "SELECT n + 1 AS n FROM ripen_build.a1 -- a comment ends it", Target: target("v"), View: true,
		Columns: []schemas.Column{column("n", "int64")}}
	for range 2 {
		stats, err := s.w.Build(t.Context(), view)
		if err != nil || stats != (warehouse.Stats{}) {
			t.Fatalf("%+v, %v", stats, err)
		}
		same(t, "rows", Rows(t, s.w, "SELECT n FROM ripen_build.v"), []string{"2"})
	}
	if err := s.w.Change(t.Context(), []warehouse.Statement{{SQL: "UPDATE ripen_build.a1 SET n = 5 WHERE true"}}); err != nil {
		t.Fatal(err)
	}
	same(t, "rows of a view follow its table", Rows(t, s.w, "SELECT n FROM ripen_build.v"), []string{"6"})
	build(t, s.w, "core.v", "v", "SELECT 8 AS n", column("n", "int64"))
	same(t, "rows of a table in place of the view", Rows(t, s.w, "SELECT n FROM ripen_build.v"), []string{"8"})

	for what, broken := range map[string]warehouse.Statement{
		"a missing table": {SQL: "SELECT n FROM ripen_build.no_such_table"},
		"bad syntax":      {SQL: "SELEC 1"},
		"a parameter":     {SQL: "SELECT " + engine.Param("n") + " AS n", Params: map[string]any{"n": int64(1)}},
	} {
		broken.Name, broken.Target, broken.View = "core.v", view.Target, true
		_, err := s.w.Build(t.Context(), broken)
		var stmtErr *warehouse.StatementError
		if !errors.As(err, &stmtErr) || stmtErr.Name != "core.v" || stmtErr.SQL != broken.SQL {
			t.Errorf("%s: %v", what, err)
		}
		same(t, "rows after "+what, Rows(t, s.w, "SELECT n FROM ripen_build.v"), []string{"8"})
	}
}

// buildBytes asks for no exact figures: engines compress.
func buildBytes(t *testing.T, engine Engine) {
	w := engine.Open(t)
	var last int64
	for _, rows := range []int{1, 1000, 300_000} {
		stats, err := w.Build(t.Context(), warehouse.Statement{
			Name: "core.a", Target: target("a"), SQL: fmt.Sprintf("SELECT n, concat('a name of some length ', n * 7919 %% 1000003) AS s FROM %s", engine.Range(rows)),
			Columns: []schemas.Column{column("n", "int64"), column("s", "string")},
		})
		if err != nil || stats.Rows != int64(rows) {
			t.Fatalf("%+v, %v", stats, err)
		}
		if stats.Bytes <= last || stats.Bytes > int64(200*rows) {
			t.Errorf("%d rows take %d bytes", rows, stats.Bytes)
		}
		last = stats.Bytes
	}
	stats, err := w.Build(t.Context(), warehouse.Statement{Name: "core.a", Target: target("a"), SQL: "SELECT 1 AS n FROM (SELECT 1 AS m) AS t WHERE m > 1",
		Columns: []schemas.Column{column("n", "int64")}})
	same(t, "an empty table", fmt.Sprint(stats, err), fmt.Sprint(warehouse.Stats{}, nil))
}

func dropBuilt(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.build("a1", "a2", "b1", "c1")
	view := warehouse.Statement{Name: "core.v", SQL: "SELECT n FROM ripen_build.b1", Target: target("v"), View: true}
	failed := warehouse.Statement{Name: "check", SQL: "SELECT 1 AS n", Target: warehouse.TableName{Dataset: warehouse.CheckDataset, Table: "failed"},
		Columns: []schemas.Column{column("n", "int64")}}
	staged := failed
	staged.Target.Dataset = warehouse.StageDataset
	for _, stmt := range []warehouse.Statement{view, failed, staged} {
		if _, err := s.w.Build(t.Context(), stmt); err != nil {
			t.Fatal(err)
		}
	}
	shown := release("1", "", "a1")
	shown.Publications = append(shown.Publications, publication("dev", "v"))
	shown.Publications[1].Environment = ""
	s.publish(shown) // a1, and v, which reads b1
	s.build("a2")
	for _, names := range [][]warehouse.TableName{
		{target("c1"), target("a1")},
		{target("c1"), target("v")},
		{target("c1"), target("b1")},
		{target("c1"), {Dataset: "core", Table: "a"}},
		{target("c1"), {Dataset: "raw_stripe", Table: "customers"}},
	} {
		if err := s.w.Drop(t.Context(), names); err == nil || !strings.Contains(err.Error(), names[1].String()) {
			t.Errorf("drop %v: %v", names, err)
		}
		s.tables("a1 a2 b1 c1")
	}
	if err := s.w.Drop(t.Context(), []warehouse.TableName{target("c1"), target("a2"), target("a2"), failed.Target, staged.Target, target("missing")}); err != nil {
		t.Fatal(err)
	}
	s.tables("a1 b1")
	if s.exists(failed.Target) || s.exists(staged.Target) {
		t.Error("a table is there that was dropped")
	}
	gone := withdrawal("2", "")
	gone.Withdrawn = []warehouse.TableName{publication("dev", "v").View}
	s.publish(gone)
	if err := s.w.Drop(t.Context(), []warehouse.TableName{target("b1"), target("v")}); err != nil {
		t.Errorf("what no view needs any more: %v", err)
	}
	s.shows("", "a1")
}

func publishReads(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	view := func(table string, reads string) {
		_, err := s.w.Build(t.Context(), warehouse.Statement{Name: "core." + table[:1], Target: target(table), View: true,
			SQL: "WITH other AS (SELECT n FROM ripen_build." + reads + ") SELECT o.n FROM other AS o LEFT JOIN (SELECT n FROM ripen_build." + reads + ") AS p ON o.n = p.n"})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.build("a1")
	view("b1", "a1")
	view("c1", "b1")
	s.publish(release("1", "", "a1", "b1", "c1"))
	s.release("2", "", "a2")
	s.release("3", "", "a3")
	s.release("4", "", "a4")
	s.tables("a1 a3 a4 b1 c1") // c reads b, and that a1
	s.shows("", "a4 b1 c1")
	view("b2", "a4")
	view("c2", "b2")
	s.publish(release("5", "", "b2", "c2"))
	s.release("6", "", "a5")
	s.release("6", "", "b6", "c6")
	s.release("7", "", "a7", "b7", "c7")
	s.tables("a5 a7 b6 b7 c6 c7")
}

func ledgersAreTables(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.release("1", "", "a1")
	for _, ledger := range warehouse.Ledgers() {
		var names []string
		for _, c := range ledger.Columns {
			names = append(names, c.Name)
			if c.Description == "" || ledger.Description == "" {
				t.Errorf("%s.%s has no description", ledger.ID(), c.Name)
			}
		}
		rows := Rows(t, s.w, "SELECT "+strings.Join(names, ", ")+" FROM "+ledger.ID())
		if want := map[string]int{"build": 1, "built": 1}[ledger.Name]; len(rows) != want {
			t.Errorf("%s has %v", ledger.ID(), rows)
		}
	}
	err := s.w.Change(t.Context(), []warehouse.Statement{
		{Name: "interval", SQL: "INSERT INTO ripen_meta.interval (table_name, start_at, end_at, inputs, row_count, built_at) VALUES (" +
			"'ripen_build.a1', TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02', 'x', 1, TIMESTAMP '2026-01-03')"},
		// Who changes the publications by hand is believed.
		{Name: "publications", SQL: "DELETE FROM ripen_meta.build WHERE true"},
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "interval", Rows(t, s.w, "SELECT table_name, end_at, row_count FROM ripen_meta.interval"), []string{"ripen_build.a1|2026-01-02 00:00:00Z|1"})
	s.shows("", "")
	s.publish(release("2", "", "a1"))
	s.shows("", "a1")
	same(t, "events", len(s.history()), 1)
}
