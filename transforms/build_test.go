package transforms

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/ripen-data/ripen/internal/progress"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
)

// shop is a warehouse with raw tables, and what its models were last given.
type shop struct {
	t       *testing.T
	w       warehouse.Models
	models  map[string]modelText
	stand   *standIn
	loads   []warehouse.Load
	asOf    time.Time
	macros  string
	events  []progress.Event
	eventMu sync.Mutex
	runs    int
}

func newShop(t *testing.T) *shop {
	s := &shop{
		t: t, w: openMemory(t), models: chain(), stand: newStandIn(t),
		loads: []warehouse.Load{{LoadID: "load1", Table: "shop.orders"}},
		asOf:  time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
	}
	s.orders("SELECT 'o1', 10, NULL, TIMESTAMP '2026-01-01' UNION ALL SELECT 'o2', 20.5, NULL, TIMESTAMP '2026-03-01'")
	return s
}

func (s *shop) release() string {
	s.runs++
	return fmt.Sprintf("run %d", s.runs)
}

// orders replaces raw_shop.orders.
func (s *shop) orders(sql string) {
	s.t.Helper()
	table := testContracts()[0]
	_, err := s.w.Build(s.t.Context(), warehouse.Statement{
		Name: "orders", Target: warehouse.TableName{Dataset: "raw_shop", Table: "orders"}, Columns: table.RawColumns(),
		SQL: "SELECT *, 's', 'l', TIMESTAMP '2026-01-01' FROM (" + sql + ")",
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) builder(selectors ...string) *Builder {
	s.t.Helper()
	e := s.stand.engine("")
	g := graphOf(s.t, e, loadProject(s.t, s.models, nil))
	models, err := g.Select(selectors, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	compiled, err := e.Compile(g, models)
	if err != nil {
		s.t.Fatal(err)
	}
	return NewBuilder(g, compiled, models, s.w, Options{
		AsOf: s.asOf, Release: s.release(), Raw: NewRawTables(s.loads), Macros: s.macros, Clock: ticker(),
		Progress: func(e progress.Event) {
			s.eventMu.Lock()
			defer s.eventMu.Unlock()
			s.events = append(s.events, e)
		},
	})
}

// build builds and tells what was built and what was unchanged.
func (s *shop) build(selectors ...string) (built, unchanged string, err error) {
	s.t.Helper()
	results, err := s.builder(selectors...).BuildAll(s.t.Context())
	var b, u []string
	for _, r := range results {
		if r.Unchanged {
			u = append(u, r.Model)
		} else {
			b = append(b, r.Model)
		}
	}
	return strings.Join(b, " "), strings.Join(u, " "), err
}

func (s *shop) mustBuild(want string, selectors ...string) {
	s.t.Helper()
	built, _, err := s.build(selectors...)
	if err != nil {
		s.t.Fatal(err)
	}
	if built != want {
		s.t.Errorf("built %q, want %q", built, want)
	}
}

// rows reads a query as lines of a,b.
func (s *shop) rows(sql string) string {
	s.t.Helper()
	rows, err := query(s.t.Context(), s.w, warehouse.Statement{Name: "rows", SQL: sql}, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	var lines []string
	for _, row := range rows.Values {
		cells := make([]string, len(row))
		for i, v := range row {
			cells[i] = Text(v)
		}
		lines = append(lines, strings.Join(cells, ","))
	}
	return strings.Join(lines, " ")
}

const everything = "report.rpt_number staging.stg_order core.fct_order report.rpt_sales"

func TestBuilder_BuildsAndPublishesEveryModel(t *testing.T) {
	s := newShop(t)
	results, err := s.builder().BuildAll(t.Context())
	if err != nil || len(results) != 4 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	if got := s.rows("select id, doubled from report.rpt_sales"); got != "o1,20" {
		t.Errorf("report.rpt_sales holds %q", got)
	}
	if got := s.rows("select id, known from core.fct_order_v1 order by id"); got != "o1,true o2,false" {
		t.Errorf("core.fct_order_v1 holds %q", got)
	}
	r := results[2]
	if r.Model != "core.fct_order" || r.Rows != 2 || r.Elapsed <= 0 || len(r.BuildID) != 64 ||
		!regexp.MustCompile(`^ripen_build\.core__fct_order_v1__[0-9a-f]{8}_`+r.BuildID[:8]+"$").MatchString(r.Table.String()) {
		t.Errorf("result is %+v", r)
	}
}

func TestBuilder_BuildsAgainOnlyWhatItsInputsReach(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*shop)
		want   string
	}{
		"nothing": {func(*shop) {}, ""},
		"a load of its raw table": {func(s *shop) {
			s.loads = append(s.loads, warehouse.Load{LoadID: "load2", Table: "shop.orders"})
		}, "staging.stg_order core.fct_order report.rpt_sales"},
		"a load of another raw table": {func(s *shop) {
			s.loads = append(s.loads, warehouse.Load{LoadID: "load2", Table: "shop.items"})
		}, ""},
		"as_of":                   {func(s *shop) { s.asOf = s.asOf.Add(time.Hour) }, "core.fct_order report.rpt_sales"},
		"less than a microsecond": {func(s *shop) { s.asOf = s.asOf.Add(time.Nanosecond) }, ""},
		"a query":                 {func(s *shop) { set(s.models, "report/rpt_number_v1", "select 2 as id", "") }, "report.rpt_number"},
		"the macros":              {func(s *shop) { s.macros = "create macro" }, everything},
		"a key": {func(s *shop) {
			set(s.models, "core/fct_order_v1", "", "description: d\nkey: [id, doubled]\n")
		}, "core.fct_order report.rpt_sales"},
		"a description": {func(s *shop) { set(s.models, "core/fct_order_v1", "", "description: e\nkey: [id]\n") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.mustBuild(everything)
			test.change(s)
			s.mustBuild(test.want)
			s.mustBuild("")
		})
	}
}

func TestBuilder_OrderOfLoadsDoesNotMatter(t *testing.T) {
	a, b := warehouse.Load{LoadID: "a", Table: "t.x"}, warehouse.Load{LoadID: "b", Table: "t.x"}
	state := NewRawTables([]warehouse.Load{a, b}).State("raw_t.x")
	if state == "" || state != NewRawTables([]warehouse.Load{b, a}).State("raw_t.x") || state == NewRawTables([]warehouse.Load{a}).State("raw_t.x") {
		t.Error("the state of a raw table is not its set of loads")
	}
}

func TestBuilder_FailedKeyCheckKeepsTheLastGoodBuild(t *testing.T) {
	s := newShop(t)
	s.mustBuild(everything)
	s.orders("SELECT 'o1', 99, NULL, TIMESTAMP '2026-01-01' UNION ALL SELECT 'o1', 1, NULL, TIMESTAMP '2026-01-01'" +
		" UNION ALL SELECT 'o3', 1, NULL, TIMESTAMP '2026-01-01'")
	s.loads[0].LoadID = "load2"

	built, _, err := s.build()
	var failed *CheckError
	if !errors.As(err, &failed) {
		t.Fatalf("error is %v", err)
	}
	if len(failed.Failures) != 1 || failed.Failures[0].Check != "unique(id)" || failed.Failures[0].Rows != 1 ||
		strings.Join(failed.Failures[0].Examples, ";") != "id=o1 (2 rows)" {
		t.Errorf("failures are %+v", failed.Failures)
	}
	wantError(t, err, "check staging.stg_order: unique(id) fails for 1 keys, e.g. id=o1 (2 rows)", failed.Table.String())
	if built != "" {
		t.Errorf("built %q below a failed check", built)
	}
	if got := s.rows("select id, amount from staging.stg_order order by id"); got != "o1,10 o2,20.5" {
		t.Errorf("readers see %q", got)
	}
	if got := s.rows("select count(*) from " + failed.Table.String()); got != "3" {
		t.Errorf("the refused table holds %s rows", got)
	}

	s.orders("SELECT 'o1', 99, NULL, TIMESTAMP '2026-01-01'")
	s.loads[0].LoadID = "load3"
	s.mustBuild("staging.stg_order core.fct_order report.rpt_sales")
	if got := s.rows("select id, amount from staging.stg_order"); got != "o1,99" {
		t.Errorf("after the cure readers see %q", got)
	}
}

func TestBuilder_KeyWithNullsFails(t *testing.T) {
	s := newShop(t)
	s.models = map[string]modelText{"core/a_v1": {
		query:  "select 'x' as id, cast(null as varchar) as part union all select null, 'p' union all select 'y', 'p'",
		config: "description: d\nkey: [id, part]\n",
	}}
	_, _, err := s.build()
	var failed *CheckError
	if !errors.As(err, &failed) || len(failed.Failures) != 1 || failed.Failures[0].Check != "not_null(id, part)" || failed.Failures[0].Rows != 2 {
		t.Fatalf("error is %v", err)
	}
	wantError(t, err, "id=x part=NULL", "id=NULL part=p")
}

func TestBuilder_KeyMayBeAReservedWord(t *testing.T) {
	s := newShop(t)
	s.models = map[string]modelText{"core/a_v1": {query: `select 1 as "order", 2 as "group"`, config: "description: d\nkey: [order, group]\n"}}
	s.mustBuild("core.a")
}

func TestBuilder_ExamplesOfFailuresAreBounded(t *testing.T) {
	s := newShop(t)
	s.models = map[string]modelText{"core/a_v1": {query: "select n % 50 as id from range(1000) as r(n)"}}
	_, _, err := s.build()
	var failed *CheckError
	if !errors.As(err, &failed) || failed.Failures[0].Rows != 50 || len(failed.Failures[0].Examples) != maxExamples {
		t.Fatalf("error is %v", err)
	}
}

func TestBuilder_RefusedStatementFailsItsModelAndSkipsWhatIsBelow(t *testing.T) {
	s := newShop(t)
	set(s.models, "core/fct_order_v1", "select id, cast(error('no ' || id) as varchar) as doubled, ordered_at <= @as_of as known from staging.stg_order", "")
	built, _, err := s.build()
	var refused *syntax.Diagnostic
	if !errors.As(err, &refused) {
		t.Fatalf("error is %v", err)
	}
	wantError(t, err, "build core.fct_order", "sql/core/fct_order_v1/query.sql:2:1: no o1")
	if built != "report.rpt_number staging.stg_order" {
		t.Errorf("built %q", built)
	}
}

func TestBuilder_NewVersionTakesTheStableViewAndTheOldKeepsItsOwn(t *testing.T) {
	s := newShop(t)
	s.mustBuild(everything)
	s.models["report/rpt_number_v2"] = modelText{query: "select 2 as id"}
	s.mustBuild("report.rpt_number")
	if got := s.rows("select a.id, b.id, c.id from report.rpt_number a, report.rpt_number_v1 b, report.rpt_number_v2 c"); got != "2,1,2" {
		t.Errorf("stable, v1, v2 are %s", got)
	}
	delete(s.models, "report/rpt_number_v2")
	s.mustBuild("report.rpt_number") // published again, under the stable name
	if got := s.rows("select id from report.rpt_number"); got != "1" {
		t.Errorf("without version 2 the stable view shows %s", got)
	}
}

func TestBuilder_SelectedModelReadsWhatIsPublishedAboveIt(t *testing.T) {
	s := newShop(t)
	_, _, err := s.build("rpt_sales")
	wantError(t, err, "build report.rpt_sales: it reads core.fct_order, which was never built")
	s.mustBuild("staging.stg_order core.fct_order report.rpt_sales", "+rpt_sales")
	s.mustBuild("", "rpt_sales")
	s.loads[0].LoadID = "load2"
	s.mustBuild("", "rpt_sales") // its parents were not built again
	s.mustBuild("staging.stg_order", "stg_order")
	s.mustBuild("", "rpt_sales")
	s.mustBuild("core.fct_order report.rpt_sales", "fct_order+")
}

func TestBuilder_NeedsAreTheNearestChosenAncestors(t *testing.T) {
	b := newShop(t).builder("stg_order", "rpt_sales")
	if got := names(b.Models()); got != "staging.stg_order report.rpt_sales" {
		t.Fatalf("models are %s", got)
	}
	if got := b.Needs(b.Models()[1]); strings.Join(got, " ") != "staging.stg_order" {
		t.Errorf("needs %v", got)
	}
	if got := b.Needs(b.Models()[0]); len(got) != 0 {
		t.Errorf("needs %v", got)
	}
}

func TestBuilder_BuildsSideBySide(t *testing.T) {
	s := newShop(t)
	s.models = map[string]modelText{}
	for _, name := range strings.Fields("a b c d e f g h i j k l") {
		s.models["wide/"+name+"_v1"] = modelText{query: "select id from staging.top"}
	}
	s.models["staging/top_v1"] = modelText{query: "select id from raw_shop.orders"}
	b := s.builder()
	models := b.Models()
	if _, err := b.Build(t.Context(), models[0]); err != nil {
		t.Fatal(err)
	}
	work := pool.New().WithErrors().WithContext(t.Context())
	for _, m := range models[1:] {
		work.Go(func(ctx context.Context) error {
			_, err := b.Build(ctx, m)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := s.rows("select count(*) from wide.a join wide.l using (id)"); got != "2" {
		t.Errorf("%s rows", got)
	}
	s.mustBuild("")
}

func TestBuilder_TellsItsProgress(t *testing.T) {
	s := newShop(t)
	s.mustBuild("report.rpt_number", "rpt_number")
	s.mustBuild("", "rpt_number")
	set(s.models, "report/rpt_number_v1", "select 1 as id union all select 1", "")
	if _, _, err := s.build("rpt_number"); err == nil {
		t.Fatal("a key that stands twice passed")
	}
	want := []progress.State{progress.Started, progress.Done, progress.Started, progress.Skipped, progress.Started, progress.Failed}
	if len(s.events) != len(want) {
		t.Fatalf("events are %+v", s.events)
	}
	for i, e := range s.events {
		if e.State != want[i] || e.Stage != "transform" || e.Item != "report.rpt_number" {
			t.Errorf("event %d is %+v", i, e)
		}
	}
	if s.events[1].Rows != 1 || s.events[3].Note != "unchanged" || s.events[3].Err != nil || s.events[5].Err == nil {
		t.Errorf("events are %+v", s.events)
	}
}

func TestBuilder_CancelledBuildPublishesNothing(t *testing.T) {
	s := newShop(t)
	b := s.builder()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.BuildAll(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	if published, err := s.w.Published(t.Context()); err != nil || len(published) != 0 {
		t.Errorf("published %v, %v", published, err)
	}
}

func TestShow_ReadsTheViewAndSaysWhenThereIsNone(t *testing.T) {
	s := newShop(t)
	m := s.builder("rpt_number").Models()[0]
	_, err := Show(t.Context(), s.w, Production, m, 10)
	wantError(t, err, "show report.rpt_number: it was never built")
	s.mustBuild("report.rpt_number", "rpt_number")
	rows, err := Show(t.Context(), s.w, Production, m, 10)
	if err != nil || len(rows.Values) != 1 || rows.Columns[0] != "id" || rows.Values[0][0] != int64(1) {
		t.Errorf("rows are %+v, %v", rows, err)
	}
	if rows, err = Show(t.Context(), s.w, Production, m, 0); err != nil || len(rows.Values) != 0 || len(rows.Columns) != 1 {
		t.Errorf("no rows are %+v, %v", rows, err)
	}
}

func TestList_NamesWhatAModelReads(t *testing.T) {
	b := newShop(t).builder()
	listings := b.graph.List(b.Models())
	for _, l := range listings {
		want := map[string]string{
			"report.rpt_number": "", "staging.stg_order": "raw_shop.orders",
			"core.fct_order": "staging.stg_order", "report.rpt_sales": "core.fct_order",
		}[l.Name]
		if strings.Join(l.DependsOn, " ") != want || l.Grain != "thing" || l.Path == "" || l.Tags == nil {
			t.Errorf("listing is %+v", l)
		}
	}
}
