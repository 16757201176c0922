package warehousetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/ripen-data/ripen/warehouse"
)

func release(id string, publications ...warehouse.Publication) warehouse.Release {
	return warehouse.Release{ID: id, Publications: publications}
}

func publication(view, table, buildID string) warehouse.Publication {
	return warehouse.Publication{
		View: warehouse.TableName{Dataset: "core", Table: view}, Table: target(table),
		BuildID: buildID, Version: 1, Rows: 1, BuiltAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

func publishAtomic(t *testing.T, engine Engine) {
	w := engine.Open(t)
	n := column("n", "int64")
	build(t, w, "core.a", "a1", "SELECT 1 AS n", n)
	build(t, w, "core.b", "b1", "SELECT 1 AS n", n)
	first := []warehouse.Publication{publication("a", "a1", "1"), publication("a_v1", "a1", "1"), publication("b", "b1", "1")}
	for range 2 { // publishing again what is published changes nothing
		if err := w.Publish(t.Context(), release("1", first...)); err != nil {
			t.Fatal(err)
		}
		published, err := w.Published(t.Context())
		same(t, "published", fmt.Sprint(published, err), fmt.Sprint(first, nil))
	}
	build(t, w, "core.a", "a2", "SELECT 2 AS n, 'new' AS s", n, column("s", "string"))
	err := w.Publish(t.Context(), release("2", publication("a", "a2", "2"), publication("b", "never_built", "2")))
	if err == nil {
		t.Error("a view of a missing table was published")
	}
	published, err := w.Published(t.Context())
	same(t, "published after the failure", fmt.Sprint(published, err), fmt.Sprint(first, nil))
	same(t, "rows", Rows(t, w, "SELECT a.n, b.n FROM core.a AS a, core.b AS b"), []string{"1|1"})

	// The columns of a view may change; a view that reads it goes on.
	if err := w.Publish(t.Context(), release("2", publication("a", "a2", "2"))); err != nil {
		t.Fatal(err)
	}
	same(t, "rows", Rows(t, w, "SELECT n, s FROM core.a"), []string{"2|new"})
	same(t, "rows", Rows(t, w, "SELECT n FROM core.a_v1"), []string{"1"})
}

func publishDrops(t *testing.T, engine Engine) {
	w := engine.Open(t)
	n := column("n", "int64")
	exists := func(table string) bool {
		_, err := rowsOf(t.Context(), w, warehouse.Statement{SQL: "SELECT n FROM ripen_build." + table})
		return err == nil
	}
	build(t, w, "core.a", "a1", "SELECT 1 AS n", n)
	build(t, w, "core.a", "a_failed", "SELECT 0 AS n", n) // its checks failed, say
	build(t, w, "core.b", "b1", "SELECT 1 AS n", n)
	build(t, w, "core.c", "c1", "SELECT 1 AS n", n) // not published yet
	if err := w.Publish(t.Context(), release("2", publication("a", "a1", "1"), publication("a_v1", "a1", "1"), publication("b", "b1", "1"))); err != nil {
		t.Fatal(err)
	}
	build(t, w, "core.a", "a2", "SELECT 2 AS n", n)
	if err := w.Publish(t.Context(), release("2", publication("a", "a2", "2"))); err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]bool{"a1": true, "a_failed": false, "a2": true, "b1": true, "c1": true} {
		if exists(table) != want {
			t.Errorf("table %s exists: %v", table, !want)
		}
	}
	if err := w.Publish(t.Context(), release("2", publication("a_v1", "a2", "2"))); err != nil {
		t.Fatal(err)
	}
	if exists("a1") {
		t.Error("a table stays that no view points at any more")
	}
}
