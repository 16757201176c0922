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

// stage is a warehouse whose models are views and tables of one row with the
// number n of their build.
type stage struct {
	*testing.T
	w      warehouse.Warehouse
	engine Engine
}

func newStage(t *testing.T, engine Engine) stage { return stage{t, engine.Open(t), engine} }

// build makes ripen_build.<model><n> for each, e.g. a2.
func (s stage) build(tables ...string) {
	s.Helper()
	for _, table := range tables {
		build(s.T, s.w, "core."+table[:1], table, "SELECT "+table[1:]+" AS n", column("n", "int64"))
	}
}

// publication is core.<model>, or core__<environment>.<model>, over a built table.
func publication(environment, table string) warehouse.Publication {
	dataset, model := "core", table[:1]
	if environment != "" {
		dataset += "__" + environment
	}
	return warehouse.Publication{
		Environment: environment, Model: "core." + model + "_v1", View: warehouse.TableName{Dataset: dataset, Table: model}, Table: target(table),
		BuildID: "build of " + table, Fingerprint: "it's " + table, Version: 1, Rows: 1, Bytes: 8,
		BuiltAt: time.Date(2026, 1, 1, 0, 0, 0, 123456000, time.UTC),
	}
}

func release(id, environment string, tables ...string) warehouse.Release {
	r := warehouse.Release{ID: id, Environment: environment}
	for _, table := range tables {
		r.Publications = append(r.Publications, publication(environment, table))
	}
	return r
}

func withdrawal(id, environment string, models ...string) warehouse.Release {
	r := warehouse.Release{ID: id, Environment: environment}
	for _, model := range models {
		r.Withdrawn = append(r.Withdrawn, publication(environment, model).View)
	}
	return r
}

func (s stage) publish(r warehouse.Release) {
	s.Helper()
	if err := s.w.Publish(s.Context(), r); err != nil {
		s.Fatal(err)
	}
}

// release builds and publishes.
func (s stage) release(id, environment string, tables ...string) {
	s.Helper()
	s.build(tables...)
	s.publish(release(id, environment, tables...))
}

// shows compares what a view of every table in a space-separated list shows.
func (s stage) shows(environment, want string) {
	s.Helper()
	var got []string
	published, err := s.w.Published(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, p := range published {
		if p.Environment == environment {
			got = append(got, p.View.Table+strings.Join(Rows(s.T, s.w, "SELECT n FROM "+p.View.String()), " "))
		}
	}
	same(s.T, fmt.Sprintf("published in %q", environment), strings.Join(got, " "), want)
}

func (s stage) exists(name warehouse.TableName) bool {
	_, err := rowsOf(s.Context(), s.w, warehouse.Statement{SQL: "SELECT n FROM " + name.String()})
	return err == nil
}

// tables compares the built tables there are, of models a to c in builds 1 to 9.
func (s stage) tables(want string) {
	s.Helper()
	var got []string
	for _, model := range "abc" {
		for n := 1; n <= 9; n++ {
			if table := fmt.Sprint(string(model), n); s.exists(target(table)) {
				got = append(got, table)
			}
		}
	}
	same(s.T, "built tables", strings.Join(got, " "), want)
}

func (s stage) history() []warehouse.Event {
	s.Helper()
	history, err := s.w.History(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return history
}

func publishAtomic(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.release("1", "", "a1", "b1")
	s.build("a2")
	err := s.w.Publish(t.Context(), release("2", "", "a2", "b9"))
	if err == nil {
		t.Error("a view of a missing table was published")
	}
	s.shows("", "a1 b1")
	same(t, "events", len(s.history()), 2)

	// The columns of a view may change; a view that reads it goes on.
	reader := warehouse.Statement{Name: "reader", SQL: "SELECT n FROM core.a", Target: target("reader"), View: true}
	if _, err := s.w.Build(t.Context(), reader); err != nil {
		t.Fatal(err)
	}
	build(t, s.w, "core.a", "a3", "SELECT 'new' AS s, 3 AS n", column("s", "string"), column("n", "int64"))
	s.publish(release("2", "", "a3"))
	same(t, "rows", Rows(t, s.w, "SELECT a.s, reader.n FROM core.a AS a, ripen_build.reader AS reader"), []string{"new|3"})
}

func publishLedgers(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.build("a1")
	noted := func(id, table, load string) warehouse.Release {
		r := release(id, "", table)
		r.Ledgers = []warehouse.Statement{{Name: "seen", SQL: "INSERT INTO ripen_meta.seen (table_name, source_table, load_id) VALUES ('" + table + "', 'raw_a.b', " + load + ")"}}
		return r
	}
	seen := func(want ...string) {
		t.Helper()
		same(t, "ledger", Rows(t, s.w, "SELECT table_name, load_id FROM ripen_meta.seen ORDER BY load_id"), want)
	}
	s.publish(noted("1", "a1", "'x'"))
	seen("a1|x")
	s.build("a2")
	var stmtErr *warehouse.StatementError
	if err := s.w.Publish(t.Context(), noted("2", "a2", "nope")); !errors.As(err, &stmtErr) || stmtErr.Name != "seen" {
		t.Errorf("a ledger that cannot be written: %v", err)
	}
	s.shows("", "a1")
	if err := s.w.Publish(t.Context(), noted("2", "a9", "'y'")); err == nil {
		t.Error("a view of a missing table was published")
	}
	seen("a1|x")
	// What is in force already is no event; what was found out about it is written all the same.
	s.publish(noted("2", "a1", "'y'"))
	seen("a1|x", "a1|y")
	same(t, "events", len(s.history()), 1)
}

func publishHistory(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.release("1", "", "b1", "a1")
	s.publish(release("2", "", "a1", "b1")) // in force already
	s.publish(release("2", "dev", "a1"))
	both := release("3", "", "a2")
	both.Withdrawn = []warehouse.TableName{publication("", "b").View, publication("", "never").View}
	s.build("a2")
	s.publish(both)
	s.publish(withdrawal("4", "", "b")) // it is gone

	want := []warehouse.Event{
		{Publication: publication("", "b1"), Release: "1"},
		{Publication: publication("", "a1"), Release: "1"},
		{Publication: publication("dev", "a1"), Release: "2"},
		{Publication: publication("", "a2"), Release: "3"},
		{Publication: publication("", "b1"), Release: "3", Withdrawn: true},
	}
	got := s.history()
	for i, e := range got {
		if e.PublishedAt.IsZero() || i > 0 && e.PublishedAt.Before(got[i-1].PublishedAt) {
			t.Errorf("event %d was published at %s", i, e.PublishedAt)
		}
		got[i].PublishedAt = time.Time{}
	}
	same(t, "history", got, want)
	published, err := s.w.Published(t.Context())
	same(t, "published", fmt.Sprint(published, err), fmt.Sprint([]warehouse.Publication{publication("", "a2"), publication("dev", "a1")}, nil))
	if s.exists(publication("", "b").View) {
		t.Error("the view that was withdrawn is there")
	}

	// What it shows is the same, what it means is not.
	renamed := release("5", "", "a2")
	renamed.Publications[0].Fingerprint = "of another text"
	s.publish(renamed)
	same(t, "events", len(s.history()), 6)
}

func publishRefuses(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.release("1", "", "a1")
	s.release("1", "dev", "a1")
	mixed := release("2", "dev", "a1")
	mixed.Publications[0].Environment = ""
	twice := release("2", "", "b1")
	twice.Withdrawn = []warehouse.TableName{publication("", "b").View}
	taken := release("2", "dev", "b1")
	taken.Publications[0].View = publication("", "a").View
	for what, r := range map[string]warehouse.Release{
		"no id":                               release("", "", "a1"),
		"a publication of another one":        mixed,
		"a view published and withdrawn":      twice,
		"a view published twice":              release("2", "", "b1", "b2"),
		"a view of another environment":       taken,
		"withdrawal of production's view":     {ID: "2", Environment: "dev", Withdrawn: []warehouse.TableName{publication("", "a").View}},
		"withdrawal of an environment's view": {ID: "2", Withdrawn: []warehouse.TableName{publication("dev", "a").View}},
	} {
		s.build("b1", "b2")
		if err := s.w.Publish(t.Context(), r); err == nil {
			t.Errorf("%s: published", what)
		}
	}
	same(t, "events", len(s.history()), 2)
	s.shows("", "a1")
	s.shows("dev", "a1")
}

func publishKeeps(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.build("a9", "c1") // a9 failed its checks, say; c1 is on its way
	s.release("1", "", "a1", "b1")
	s.tables("a1 b1 c1")
	s.release("2", "", "a2")
	s.release("2", "", "b2")
	s.tables("a1 a2 b1 b2 c1") // release 2 can be taken back
	s.release("3", "", "a3")
	s.tables("a2 a3 b1 b2 c1") // of b, nothing was published
	s.release("3", "", "b3")
	s.tables("a2 a3 b2 b3 c1")
	s.publish(withdrawal("4", "", "a"))
	s.tables("a3 b2 b3 c1")
	s.publish(withdrawal("5", "", "b"))
	s.tables("a3 b3 c1")
	s.release("6", "", "a4", "b4")
	s.tables("a4 b4 c1")
}

func publishShared(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.release("1", "", "a1", "b1")
	s.publish(release("2", "dev", "a1", "b1"))
	s.release("3", "", "a2")
	s.release("4", "", "a3")
	s.tables("a1 a2 a3 b1") // dev shows a1
	s.publish(release("5", "dev", "a3"))
	s.release("6", "", "a4")
	s.release("7", "", "a5")
	s.tables("a1 a3 a4 a5 b1") // dev shows a3, and can go back to a1
	s.shows("dev", "a3 b1")
	s.publish(withdrawal("8", "dev", "a"))
	s.tables("a3 a4 a5 b1")
	s.publish(withdrawal("9", "dev", "b"))
	s.tables("a4 a5 b1") // there is no dev to go back to
	s.shows("", "a5 b1")
}

func publishWithdraws(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.release("1", "", "a1")
	s.publish(release("2", "dev", "a1"))
	s.publish(withdrawal("3", "dev", "a"))
	s.publish(withdrawal("4", "", "a"))
	stray := func(dataset string) error {
		_, err := rowsOf(t.Context(), s.w, warehouse.Statement{SQL: "CREATE TABLE " + dataset + ".stray AS SELECT 1 AS n"})
		return err
	}
	if err := stray("core__dev"); err == nil {
		t.Error("the dataset of the environment is still there")
	}
	if err := stray("core"); err != nil {
		t.Errorf("the dataset of production: %v", err)
	}
	s.release("5", "dev", "a2") // and it comes again
	if err := stray("core__dev"); err != nil {
		t.Fatal(err)
	}
	s.publish(withdrawal("6", "dev", "a"))
	same(t, "a table of somebody else", Rows(t, s.w, "SELECT n FROM core__dev.stray"), []string{"1"})
}

func rollBack(t *testing.T, engine Engine) {
	s := newStage(t, engine)
	s.release("1", "", "a1", "b1")
	s.release("2", "", "a2")
	s.release("2", "", "b2", "c2")
	// back returns the release that undoes the newest one.
	back := func(id string) warehouse.Release {
		history := s.history()
		newest := history[len(history)-1].Release
		before := map[warehouse.TableName]warehouse.Event{}
		for _, e := range history {
			if e.Release != newest {
				before[e.View] = e
			}
		}
		r := warehouse.Release{ID: id}
		for _, e := range history {
			if e.Release != newest {
				continue
			}
			if old, ok := before[e.View]; ok && !old.Withdrawn {
				r.Publications = append(r.Publications, old.Publication)
			} else {
				r.Withdrawn = append(r.Withdrawn, e.View)
			}
		}
		return r
	}
	s.shows("", "a2 b2 c2")
	s.publish(back("3"))
	s.shows("", "a1 b1")
	s.publish(back("4")) // and that can be undone
	s.shows("", "a2 b2 c2")
	s.tables("a1 a2 b1 b2 c2")
}

func publishAtOnce(t *testing.T, engine Engine) {
	const releases, models = 6, 8
	s := newStage(t, engine)
	name := func(model int) string { return fmt.Sprint("m", model) }
	publish := func(release, model int) error {
		table := target(fmt.Sprintf("%s_%d", name(model), release))
		_, err := s.w.Build(t.Context(), warehouse.Statement{Name: name(model), Target: table, SQL: fmt.Sprintf("SELECT %d AS n", release),
			Columns: []schemas.Column{column("n", "int64")}})
		if err != nil {
			return err
		}
		r := warehouse.Release{ID: fmt.Sprint(release)}
		for _, dataset := range []string{"core", "mart"} { // two views that never differ
			r.Publications = append(r.Publications, warehouse.Publication{BuildID: table.Table, Table: table,
				View: warehouse.TableName{Dataset: dataset, Table: name(model)}})
		}
		return s.w.Publish(t.Context(), r)
	}
	done := make(chan struct{})
	var writers, readers sync.WaitGroup
	for release := range releases {
		errs := make([]error, models)
		for model := range models {
			writers.Go(func() { errs[model] = publish(release, model) })
		}
		writers.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if release > 0 {
			continue
		}
		for model := range 2 {
			readers.Go(func() {
				last := ""
				for {
					sql := fmt.Sprintf("SELECT a.n, a.n - b.n FROM core.%[1]s AS a, mart.%[1]s AS b", name(model))
					rows, err := rowsOf(t.Context(), s.w, warehouse.Statement{SQL: sql})
					if err != nil || len(rows) != 1 || !strings.HasSuffix(rows[0], "|0") || rows[0] < last {
						t.Errorf("a reader saw %v after %q, %v", rows, last, err)
						return
					}
					last = rows[0]
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
	}
	close(done)
	readers.Wait()
	published, err := s.w.Published(t.Context())
	same(t, "views", fmt.Sprint(len(published), err), fmt.Sprint(2*models, nil))
	seen := map[string]int{}
	for _, e := range s.history() {
		seen[e.Release]++
	}
	for release := range releases {
		same(t, "events of a release", seen[fmt.Sprint(release)], 2*models)
	}
	for model := range models {
		var kept []int
		for release := range releases {
			if s.exists(target(fmt.Sprintf("%s_%d", name(model), release))) {
				kept = append(kept, release)
			}
		}
		same(t, "kept builds", kept, []int{releases - 2, releases - 1})
	}
}
