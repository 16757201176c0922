package transforms

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/warehouse"
)

// edit replaces text in a model's query.
func (y *yard) edit(path, from, to string) {
	y.t.Helper()
	m := y.files[path]
	if !strings.Contains(m.query, from) {
		y.t.Fatalf("%s has no %q", path, from)
	}
	m.query = strings.Replace(m.query, from, to, 1)
	y.files[path] = m
}

func (y *yard) rollback(env Environment) {
	y.t.Helper()
	y.runs++
	if _, err := Rollback(y.t.Context(), y.w, env, "back "+string(rune('a'+y.runs))); err != nil {
		y.t.Fatal(err)
	}
}

func (y *yard) mustShow(env Environment, what string, want map[string]string) {
	y.t.Helper()
	got := y.shown(env)
	for view := range got {
		if _, ok := want[view]; !ok {
			y.t.Errorf("%s: %s is shown", what, view)
		}
	}
	for view, rows := range want {
		if got[view] != rows {
			y.t.Errorf("%s: %s shows %s, want %s", what, view, got[view], rows)
		}
	}
}

func TestRollback_BringsBackWhatWasShownAndTwiceBringsItAgain(t *testing.T) {
	y := newYard(t, chain())
	y.load([3]string{"o1", "10", "TIMESTAMP '2026-01-01'"})
	y.apply(Production)
	first := y.shown(Production)
	for _, change := range []struct {
		what string
		do   func()
	}{
		{"changed", func() { y.edit("core/fct_order_v1", "* 2", "* 3") }},
		{"new model", func() { y.files["report/rpt_more_v1"] = modelText{query: "select id from core.fct_order"} }},
		{"new version", func() { y.files["report/rpt_number_v2"] = modelText{query: "select 'two' as id"} }},
		{"removed", func() { delete(y.files, "report/rpt_sales_v1") }},
		{"new data", func() { y.load([3]string{"o2", "20", "TIMESTAMP '2026-01-01'"}) }},
		{"later instant", func() { y.asOf = y.asOf.AddDate(0, 0, -30) }},
	} {
		before := y.shown(Production)
		change.do()
		y.apply(Production)
		after := y.shown(Production)
		if maps.Equal(before, after) {
			t.Fatalf("%s: nothing moved", change.what)
		}
		for range 2 {
			y.rollback(Production)
			y.mustShow(Production, change.what+", taken back", before)
			y.rollback(Production)
			y.mustShow(Production, change.what+", brought again", after)
		}
		y.rollback(Production)
		y.apply(Production) // the files are as they are: what was taken back is built again
		y.mustShow(Production, change.what+", built again", after)
	}
	if maps.Equal(first, y.shown(Production)) {
		t.Error("all changes together changed nothing")
	}
}

func TestRollback_OfAnEnvironmentLeavesProductionAlone(t *testing.T) {
	y := newYard(t, chain())
	y.load([3]string{"o1", "10", "TIMESTAMP '2026-01-01'"})
	y.apply(Production)
	y.apply("dev")
	shared := y.shown("dev")
	y.edit("core/fct_order_v1", "* 2", "* 3")
	y.apply("dev")
	production, changed := y.shown(Production), y.shown("dev")
	// Production goes on: what the environment goes back to must be kept for it.
	y.load([3]string{"o2", "20", "TIMESTAMP '2026-01-01'"})
	y.edit("core/fct_order_v1", "* 3", "* 2")
	y.apply(Production)
	y.apply(Production)
	y.edit("core/fct_order_v1", "* 2", "* 5")
	y.apply(Production)
	production = y.shown(Production)
	y.rollback("dev")
	y.mustShow("dev", "taken back", shared)
	y.mustShow(Production, "beside it", production)
	y.rollback("dev")
	y.mustShow("dev", "brought again", changed)
}

func TestRollback_NeverLeavesReadersWithoutViews(t *testing.T) {
	y := newYard(t, chain())
	_, err := Rollback(t.Context(), y.w, Production, "r0")
	wantError(t, err, "nothing to roll back to: production has no release")
	y.apply(Production)
	_, err = Rollback(t.Context(), y.w, Production, "r1")
	wantError(t, err, "run 001 is the first release of production")
	if !errors.Is(err, ErrNoRelease) || len(y.shown(Production)) != 8 {
		t.Errorf("error %v, views %v", err, y.shown(Production))
	}
	y.apply("dev")
	_, err = Rollback(t.Context(), y.w, "dev", "r2")
	wantError(t, err, "is the first release of dev")
	if len(y.shown("dev")) != 8 {
		t.Errorf("views of dev: %v", y.shown("dev"))
	}
}

func TestRollback_GoesBackToWhatWasPublishedBeforeThereWereReleasesAndNoFurther(t *testing.T) {
	old := warehouse.Publication{View: warehouse.TableName{Dataset: "core", Table: "fct_order_v1"}, Table: warehouse.TableName{Dataset: "ripen_build", Table: "a"}, Version: 1}
	face := old
	face.View.Table = "fct_order"
	ledger := &ledgerOnly{events: []warehouse.Event{{Publication: old}, {Publication: face}}}
	_, err := Rollback(t.Context(), ledger, Production, "r1")
	if !errors.Is(err, ErrNoRelease) || ledger.published != nil {
		t.Errorf("error %v, published %v", err, ledger.published)
	}
	list, err := Releases(t.Context(), ledger, Production)
	if err != nil || len(list) != 1 || list[0].ID != "" || !slices.Equal(list[0].Models, []string{"core.fct_order_v1"}) {
		t.Errorf("releases %+v, error %v", list, err)
	}
	newer := old
	newer.Table.Table, newer.Model = "b", "core.fct_order_v1"
	ledger.events = append(ledger.events, warehouse.Event{Publication: newer, Release: "run"})
	if _, err := Rollback(t.Context(), ledger, Production, "r2"); err != nil || len(ledger.published) != 1 || ledger.published[0].Table.Table != "a" {
		t.Errorf("error %v, published %v", err, ledger.published)
	}
}

// ledgerOnly has views without a warehouse.
type ledgerOnly struct {
	warehouse.Models
	events    []warehouse.Event
	published []warehouse.Publication
}

func (l *ledgerOnly) History(context.Context) ([]warehouse.Event, error) { return l.events, nil }

func (l *ledgerOnly) Publish(_ context.Context, r warehouse.Release) error {
	l.published = r.Publications
	return nil
}

func TestReleases_AreListedNewestFirstWithTheirModels(t *testing.T) {
	y := newYard(t, chain())
	y.apply(Production)
	y.edit("report/rpt_number_v1", "1", "2")
	y.apply(Production)
	y.apply("dev")
	list, err := Releases(t.Context(), y.w, Production)
	if err != nil || len(list) != 2 {
		t.Fatalf("releases %+v, error %v", list, err)
	}
	if list[0].ID <= list[1].ID || list[0].Views != 2 || !slices.Equal(list[0].Models, []string{"report.rpt_number_v1"}) || list[1].Views != 8 {
		t.Errorf("releases %+v", list)
	}
	if list[0].PublishedAt.Year() != 2026 || list[0].PublishedAt.Month() != 1 {
		t.Errorf("published at %s, by another clock than the run's", list[0].PublishedAt)
	}
}

func TestDrop_TakesTheViewsAndTheTablesThatOnlyTheyShow(t *testing.T) {
	y := newYard(t, chain())
	y.apply(Production)
	y.apply("dev")
	y.edit("core/fct_order_v1", "* 2", "* 3")
	y.apply("dev")
	production := y.shown(Production)
	tables := func() string {
		return y.rows("select count(*) from ripen_meta.built where table_dataset = 'ripen_build'")
	}
	if got := tables(); got != "[[6]]" {
		t.Errorf("tables of both: %s", got)
	}
	if _, err := Drop(t.Context(), y.w, "dev", "drop"); err != nil {
		t.Fatal(err)
	}
	if got := tables(); got != "[[4]]" || len(y.shown("dev")) != 0 {
		t.Errorf("afterwards: %s tables, views %v", got, y.shown("dev"))
	}
	y.mustShow(Production, "beside it", production)
	_, err := Drop(t.Context(), y.w, "dev", "again")
	wantError(t, err, "no such environment: dev")
	_, err = Drop(t.Context(), y.w, Production, "no")
	wantError(t, err, "production stays")
	y.apply("dev_two")
	_, err = Drop(t.Context(), y.w, "dev_tow", "no")
	if !errors.Is(err, ErrNoEnvironment) {
		t.Errorf("error %v", err)
	}
}
