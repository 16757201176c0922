package transforms

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ripen-data/ripen/warehouse"
)

// yard is a warehouse over which files, loads and the instant are moved between runs.
type yard struct {
	t     *testing.T
	w     *noted
	stand *standIn
	files map[string]modelText
	loads []warehouse.Load
	asOf  time.Time
	runs  int
}

// noted remembers for which statements tables were built.
type noted struct {
	warehouse.Models
	mu    sync.Mutex
	built map[string]bool
}

func (n *noted) Build(ctx context.Context, s warehouse.Statement) (warehouse.Stats, error) {
	n.mu.Lock()
	n.built[s.Name] = true
	n.mu.Unlock()
	return n.Models.Build(ctx, s)
}

func newYard(t *testing.T, files map[string]modelText) *yard {
	t.Helper()
	y := &yard{t: t, w: &noted{Models: openMemory(t)}, stand: newStandIn(t), files: files, asOf: time.Date(2026, 1, 10, 0, 0, 0, 0, time.UTC)}
	for _, table := range testContracts() {
		y.w.built = map[string]bool{}
		_, err := y.w.Build(t.Context(), warehouse.Statement{
			Name: table.Name, Target: warehouse.TableName{Dataset: table.RawDataset(), Table: table.Name}, Columns: table.RawColumns(),
			SQL: "SELECT " + strings.TrimSuffix(strings.Repeat("NULL, ", len(table.RawColumns())), ", ") + " LIMIT 0",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return y
}

// load adds a load of orders (id, amount, time as SQL) to raw_shop.orders.
func (y *yard) load(orders ...[3]string) {
	y.t.Helper()
	id := fmt.Sprintf("load%d", len(y.loads)+1)
	for _, o := range orders {
		sql := fmt.Sprintf("INSERT INTO raw_shop.orders VALUES ('%s', %s, NULL, %s, 's', '%s', TIMESTAMP '2026-01-01')", o[0], o[1], o[2], id)
		if err := y.w.Change(y.t.Context(), []warehouse.Statement{{Name: "load", SQL: sql}}); err != nil {
			y.t.Fatal(err)
		}
	}
	y.loads = append(y.loads, warehouse.Load{LoadID: id, Table: "shop.orders"})
}

func (y *yard) builder(env Environment, selectors ...string) *Builder {
	y.t.Helper()
	e := y.stand.engine("")
	project := loadProject(y.t, y.files, nil)
	project.Retire(y.asOf)
	g := graphOf(y.t, e, project)
	models, err := g.Select(selectors, nil)
	if err != nil {
		y.t.Fatal(err)
	}
	compiled, err := e.Compile(g, g.Order)
	if err != nil {
		y.t.Fatal(err)
	}
	y.runs++
	return NewBuilder(g, compiled, models, y.w, Options{
		AsOf: y.asOf, Environment: env, Release: fmt.Sprintf("run %03d", y.runs), Raw: NewRawTables(y.loads), Clock: ticker(),
	})
}

func (y *yard) plan(env Environment, selectors ...string) map[string]Planned {
	y.t.Helper()
	list, err := y.builder(env, selectors...).Plan(y.t.Context())
	if err != nil {
		y.t.Fatal(err)
	}
	plan := map[string]Planned{}
	for _, p := range list {
		plan[p.Model] = p
	}
	return plan
}

// apply builds, shares and drops as the plan says, and returns the models whose
// tables were built.
func (y *yard) apply(env Environment, selectors ...string) []string {
	y.t.Helper()
	b := y.builder(env, selectors...)
	gone, err := b.Removed(y.t.Context())
	if err != nil {
		y.t.Fatal(err)
	}
	y.w.built = map[string]bool{}
	if err := b.Share(y.t.Context()); err != nil {
		y.t.Fatal(err)
	}
	if _, err := b.BuildAll(y.t.Context()); err != nil {
		y.t.Fatal(err)
	}
	if err := b.Withdraw(y.t.Context(), gone); err != nil {
		y.t.Fatal(err)
	}
	var built []string
	for _, m := range b.Models() {
		if y.w.built[m.Address()] {
			built = append(built, m.String())
		}
	}
	slices.Sort(built)
	return built
}

// shown is what readers find: every view with its rows.
func (y *yard) shown(env Environment) map[string]string {
	y.t.Helper()
	published, err := y.w.Published(y.t.Context())
	if err != nil {
		y.t.Fatal(err)
	}
	views := map[string]string{}
	for _, p := range published {
		if p.Environment == string(env) {
			views[p.View.String()] = y.rows("select * from " + p.View.String() + " order by all")
		}
	}
	return views
}

func (y *yard) rows(sql string) string {
	y.t.Helper()
	rows, err := query(y.t.Context(), y.w, warehouse.Statement{Name: "rows", SQL: sql}, 1000)
	if err != nil {
		y.t.Fatal(err)
	}
	return fmt.Sprint(rows.Values)
}

// everyKind has a model of each materialization.
func everyKind() map[string]modelText {
	config := func(lines string) string { return "description: d\nkey: [id]\n" + lines }
	return map[string]modelText{
		"staging/stg_order_v1":   {query: "select id, max(amount) as amount, max(ordered_at) as ordered_at from raw_shop.orders group by id"},
		"staging/view_order_v1":  {query: "select id, amount from staging.stg_order", config: config("materialized: view\n")},
		"staging/part_order_v1":  {query: "select id, ordered_at from staging.stg_order where ordered_at <= @as_of", config: config("materialized: ephemeral\n")},
		"core/fct_known_v1":      {query: "select id, ordered_at from staging.part_order"},
		"core/fct_order_day_v1":  {query: "select id, ordered_at, max(amount) as amount from raw_shop.orders where ordered_at >= @interval_start and ordered_at < @interval_end group by id, ordered_at", config: "description: d\nkey: [id, ordered_at]\nmaterialized: incremental\nincremental:\n  interval: day\n  column: ordered_at\n  start: 2026-01-02\n  tracks: {raw_shop.orders: ordered_at}\n"},
		"core/fct_order_week_v1": {query: "select id, ordered_at, amount as paid from core.fct_order_day where ordered_at >= @interval_start and ordered_at < @interval_end", config: "description: d\nkey: [id, ordered_at]\nmaterialized: incremental\nincremental:\n  interval: week\n  column: ordered_at\n  tracks: {core.fct_order_day: ordered_at}\n"},
		"core/dim_order_v1":      {query: "select id, count(*) as records from raw_shop.orders group by id", config: config("materialized: incremental\nincremental:\n  tracks: {raw_shop.orders: id}\n")},
		"core/snap_order_v1":     {query: "select id, records from core.dim_order", config: config("materialized: snapshot\n")},
		"report/rpt_order_v1":    {query: "select v.id, v.amount, d.records from staging.view_order as v join core.dim_order as d on v.id = d.id"},
		"report/rpt_week_v1":     {query: "select id, max(paid) as paid from core.fct_order_week group by id"},
	}
}

func TestPlan_RebuildsWhatARunThenBuilds(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			files := everyKind()
			paths := slices.Sorted(maps.Keys(files))
			y := newYard(t, files)
			y.load([3]string{"o1", "10", "TIMESTAMP '2026-01-05 10:00:00'"}, [3]string{"o2", "20", "NULL"})
			for step := range 14 {
				what := "nothing"
				switch r.IntN(7) {
				case 0, 1:
					path := paths[r.IntN(len(paths))]
					m := files[path]
					m.query = strings.Replace(m.query, "select ", fmt.Sprintf("select %d as c%d, ", step, step), 1)
					if !strings.HasPrefix(path, "core/snap") { // whose history needs its columns
						files[path] = m
						what = "edit of " + path
					}
				case 2:
					path := paths[r.IntN(len(paths))]
					m := files[path]
					m.query += fmt.Sprintf("\n-- remark %d\n", step)
					files[path] = m
					what = "remark in " + path
				case 3, 4:
					at := fmt.Sprintf("TIMESTAMP '2026-01-%02d 12:00:00'", 1+r.IntN(28)) // too early, known, or not yet
					y.load([3]string{fmt.Sprintf("o%d", r.IntN(5)), fmt.Sprint(r.IntN(100)), at})
					what = "load of " + at
				case 5:
					y.asOf = y.asOf.Add(time.Duration(1+r.IntN(40)) * time.Hour)
					what = "as of " + y.asOf.Format(time.RFC3339)
				}
				env := Production
				if step > 3 && r.IntN(3) == 0 {
					env = "dev"
				}
				var planned []string
				before := map[string]int64{}
				for name, p := range y.plan(env) {
					if p.Rebuild {
						planned = append(planned, name)
						before[name] = p.Rows
					} else if p.Rows != 0 || p.Bytes != 0 || p.Intervals != 0 {
						t.Errorf("step %d, %s, %s: %s is not rebuilt and costs %d rows, %d bytes, %d intervals", step, what, env, name, p.Rows, p.Bytes, p.Intervals)
					}
				}
				slices.Sort(planned)
				if built := y.apply(env); !slices.Equal(built, planned) {
					t.Fatalf("step %d, %s, %s:\nplanned %v\nbuilt   %v", step, what, env, planned, built)
				}
				for name, p := range y.plan(env) {
					if p.Change != ChangeNone || p.Rebuild {
						t.Errorf("step %d, %s, %s: once all is built, the plan of %s is %+v", step, what, env, name, p)
					}
				}
			}
		})
	}
}

func TestPlan_TellsEveryChange(t *testing.T) {
	y := newYard(t, chain())
	y.load([3]string{"o1", "10", "TIMESTAMP '2026-01-01'"}, [3]string{"o2", "20", "TIMESTAMP '2026-01-02'"})
	for name, p := range y.plan(Production) {
		if p.Change != ChangeNew || !p.Rebuild || p.Breaking {
			t.Errorf("%s of a new project: %+v", name, p)
		}
	}
	y.apply(Production)

	t.Run("data", func(t *testing.T) {
		y.load([3]string{"o3", "30", "TIMESTAMP '2026-01-03'"})
		plan := y.plan(Production)
		p := plan["staging.stg_order"]
		if p.Change != ChangeData || !p.Rebuild || p.Rows != 2 || !slices.Equal(p.Reasons, []string{"new rows in raw_shop.orders"}) {
			t.Errorf("staging.stg_order: %+v", p)
		}
		if p := plan["core.fct_order"]; p.Change != ChangeData || !slices.Equal(p.Reasons, []string{"staging.stg_order is built again"}) {
			t.Errorf("core.fct_order: %+v", p)
		}
		if p := plan["report.rpt_number"]; p.Change != ChangeNone || p.Rebuild {
			t.Errorf("report.rpt_number: %+v", p)
		}
		y.apply(Production)
		y.asOf = y.asOf.Add(time.Hour)
		if p := y.plan(Production)["core.fct_order"]; !slices.Equal(p.Reasons, []string{"@as_of moves to 2026-01-10T01:00:00Z"}) {
			t.Errorf("core.fct_order an hour later: %+v", p)
		}
		y.apply(Production)
	})
	t.Run("changed and indirect", func(t *testing.T) {
		old := y.files["staging/stg_order_v1"]
		defer func() { y.files["staging/stg_order_v1"] = old }()
		m := old
		m.query = "select id, amount, ordered_at, 1 as extra\nfrom raw_shop.orders"
		y.files["staging/stg_order_v1"] = m
		plan := y.plan(Production)
		p := plan["staging.stg_order"]
		if p.Change != ChangeOwn || p.Breaking || fmt.Sprint(p.Columns) != "[+extra INT64]" || !strings.Contains(p.After, "extra") || strings.Contains(p.Before, "extra") || p.Before == "" {
			t.Errorf("staging.stg_order with a new column: %+v", p)
		}
		for _, name := range []string{"core.fct_order", "report.rpt_sales"} {
			if p := plan[name]; p.Change != ChangeIndirect || !p.Rebuild || p.Before != "" || !slices.Equal(p.Reasons, []string{"staging.stg_order means something else"}) {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if plan := y.plan(Production, "report.rpt_sales"); len(plan) != 1 || !slices.Equal(plan["report.rpt_sales"].Reasons, []string{"staging.stg_order means something else"}) {
			t.Errorf("chosen alone: %+v", plan)
		}
	})
	t.Run("breaking", func(t *testing.T) {
		for what, c := range map[string]struct {
			query, config, columns string
			reason                 string
		}{
			"lost column":  {query: "select 1 as n", config: "description: d\nkey: [n]\n", columns: "[-id +n INT64]", reason: "the key was (id) and is (n)"},
			"other type":   {query: "select 'a' as id", columns: "[id INT64 -> STRING]"},
			"other key":    {query: "select 1 as id, 2 as part", config: "description: d\nkey: [id, part]\n", columns: "[+part INT64]", reason: "the key was (id) and is (id, part)"},
			"no more than": {query: "select 1 as id, 2 as part", columns: "[+part INT64]"},
		} {
			old := y.files["report/rpt_number_v1"]
			y.files["report/rpt_number_v1"] = modelText{query: c.query, config: c.config}
			p := y.plan(Production)["report.rpt_number"]
			y.files["report/rpt_number_v1"] = old
			if p.Change != ChangeOwn || p.Breaking != (what != "no more than") || fmt.Sprint(p.Columns) != c.columns || strings.Join(p.Reasons, "") != c.reason {
				t.Errorf("%s: %+v", what, p)
			}
		}
	})
	t.Run("other materialization", func(t *testing.T) {
		old := y.files["report/rpt_number_v1"]
		defer func() { y.files["report/rpt_number_v1"] = old }()
		y.files["report/rpt_number_v1"] = modelText{query: old.query, config: "description: d\nkey: [id]\nmaterialized: view\n"}
		if p := y.plan(Production)["report.rpt_number"]; p.Breaking || !slices.Equal(p.Reasons, []string{"it was a table and is a view"}) {
			t.Errorf("%+v", p)
		}
	})
	t.Run("remark", func(t *testing.T) {
		m := y.files["staging/stg_order_v1"]
		m.query += "\n-- why\n"
		y.files["staging/stg_order_v1"] = m
		for name, p := range y.plan(Production) {
			if p.Change != ChangeNone || p.Rebuild {
				t.Errorf("%s: %+v", name, p)
			}
		}
	})
	t.Run("removed", func(t *testing.T) {
		old := y.files["report/rpt_number_v1"]
		delete(y.files, "report/rpt_number_v1")
		p := y.plan(Production)["report.rpt_number_v1"]
		if p.Change != ChangeRemoved || !p.Breaking || !slices.Equal(p.Views, []string{"report.rpt_number", "report.rpt_number_v1"}) {
			t.Errorf("%+v", p)
		}
		if plan := y.plan(Production, "core.fct_order"); len(plan) != 1 {
			t.Errorf("a plan of one model tells of others: %+v", plan)
		}
		y.apply(Production, "core.fct_order")
		if _, ok := y.shown(Production)["report.rpt_number"]; !ok {
			t.Error("to apply one model dropped another")
		}
		y.apply(Production)
		if shown := y.shown(Production); shown["report.rpt_number"] != "" || shown["report.rpt_number_v1"] != "" {
			t.Errorf("still shown: %v", shown)
		}
		y.files["report/rpt_number_v1"] = old
		y.apply(Production)
	})
	t.Run("checks", func(t *testing.T) {
		old := y.files["report/rpt_number_v1"]
		defer func() { y.files["report/rpt_number_v1"] = old }()
		y.files["report/rpt_number_v1"] = modelText{query: old.query, config: "description: d\nkey: [id]\nchecks:\n  - volume: {min: 1}\n"}
		if p := y.plan(Production)["report.rpt_number"]; !p.Rebuild || p.Breaking {
			t.Errorf("%+v", p)
		}
	})
}

func TestPlan_OfANewVersionTellsWhatReadersOfTheModelFind(t *testing.T) {
	y := newYard(t, chain())
	y.load([3]string{"o1", "10", "TIMESTAMP '2026-01-01'"})
	y.apply(Production)
	y.files["report/rpt_number_v2"] = modelText{query: "select 'one' as id"}
	plan := y.plan(Production)
	p := plan["report.rpt_number"]
	if p.Change != ChangeNew || !p.Breaking || fmt.Sprint(p.Columns) != "[id INT64 -> STRING]" || !slices.Equal(p.Reasons, []string{"report.rpt_number shows version 1 so far"}) {
		t.Errorf("version 2: %+v", p)
	}
	if p := plan["report.rpt_number_v1"]; p.Change != ChangeNone || p.Rebuild {
		t.Errorf("version 1: %+v", p)
	}
	y.apply(Production)
	if got := y.rows("select a.id, b.id from report.rpt_number as a, report.rpt_number_v1 as b"); got != "[[one 1]]" {
		t.Errorf("side by side: %s", got)
	}

	// The newest goes: its readers find version 1 again.
	delete(y.files, "report/rpt_number_v2")
	plan = y.plan(Production)
	if p := plan["report.rpt_number"]; p.Change != ChangeOwn || !p.Breaking || p.Rebuild || !slices.Equal(p.Reasons, []string{"report.rpt_number shows version 2 so far"}) {
		t.Errorf("version 1 instead of 2: %+v", p)
	}
	if p := plan["report.rpt_number_v2"]; p.Change != ChangeRemoved || !slices.Equal(p.Views, []string{"report.rpt_number_v2"}) {
		t.Errorf("version 2 removed: %+v", p)
	}
	if built := y.apply(Production); len(built) != 0 {
		t.Errorf("built %v", built)
	}
	if got := y.rows("select id from report.rpt_number"); got != "[[1]]" {
		t.Errorf("version 1 again: %s", got)
	}
}

func TestPlan_OfADeprecatedVersionBreaksNobody(t *testing.T) {
	y := newYard(t, chain())
	y.files["report/rpt_number_v1"] = modelText{query: "select 1 as id", config: "description: d\nkey: [id]\ndeprecation_date: 2026-01-11\n"}
	y.files["report/rpt_number_v2"] = modelText{query: "select 2 as id"}
	y.apply(Production)
	if len(y.shown(Production)) != 9 {
		t.Errorf("before the day: %v", slices.Sorted(maps.Keys(y.shown(Production))))
	}
	y.asOf = time.Date(2026, 1, 11, 0, 0, 0, 0, time.UTC)
	p := y.plan(Production)["report.rpt_number_v1"]
	if p.Change != ChangeRemoved || p.Breaking || !slices.Equal(p.Reasons, []string{"its deprecation date, 2026-01-11, has come"}) {
		t.Errorf("on the day: %+v", p)
	}
	y.apply(Production)
	if shown := y.shown(Production); shown["report.rpt_number_v1"] != "" || shown["report.rpt_number"] != "[[2]]" {
		t.Errorf("after the day: %v", shown)
	}
}

func TestPlan_OfAnEnvironmentSharesWhatMeansTheSame(t *testing.T) {
	y := newYard(t, chain())
	y.load([3]string{"o1", "10", "TIMESTAMP '2026-01-01'"})
	y.apply(Production)
	for name, p := range y.plan("dev") {
		if p.Change != ChangeShared || p.Rebuild || p.Rows != 0 {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if built := y.apply("dev"); len(built) != 0 {
		t.Errorf("an environment of the same files built %v", built)
	}
	y.load([3]string{"o2", "20", "TIMESTAMP '2026-01-01'"}) // newer data alone is no reason
	m := y.files["core/fct_order_v1"]
	m.query = strings.Replace(m.query, "* 2", "* 3", 1)
	y.files["core/fct_order_v1"] = m
	plan := y.plan("dev")
	for name, want := range map[string]Change{
		"staging.stg_order": ChangeNone, "core.fct_order": ChangeOwn, "report.rpt_sales": ChangeIndirect, "report.rpt_number": ChangeNone,
	} {
		if plan[name].Change != want {
			t.Errorf("%s: %+v, want %s", name, plan[name], want)
		}
	}
	if built := y.apply("dev"); strings.Join(built, " ") != "core.fct_order report.rpt_sales" {
		t.Errorf("built %v", built)
	}
	if got := y.rows("select p.doubled, d.doubled from core.fct_order as p, core__dev.fct_order as d"); got != "[[20 30]]" {
		t.Errorf("side by side: %s", got)
	}
	environments, err := Environments(t.Context(), y.w)
	if err != nil || len(environments) != 2 || environments[1].Name != "dev" || environments[1].Own != 2 || environments[1].Views != 8 {
		t.Errorf("environments: %+v, %v", environments, err)
	}
	// Once production means the same, the environment shows its tables again.
	y.apply(Production)
	if p := y.plan("dev")["core.fct_order"]; p.Change != ChangeShared || len(p.Reasons) != 0 {
		t.Errorf("core.fct_order: %+v", p)
	}
	y.apply("dev")
	if got := y.rows("select count(*) from ripen_meta.built where statement_name = 'core.fct_order_v1'"); got > "[[3]]" {
		t.Errorf("tables of core.fct_order that are kept: %s", got)
	}
}

func TestPlan_NamesWhatItReadAndWhatWasBuiltWithoutIt(t *testing.T) {
	y := newYard(t, chain())
	y.load([3]string{"o1", "10", "TIMESTAMP '2026-01-01'"})
	y.apply(Production)
	m := y.files["core/fct_order_v1"]
	m.query = strings.Replace(m.query, "* 2", "* 3", 1)
	y.files["core/fct_order_v1"] = m
	y.apply(Production, "core.fct_order")
	if p := y.plan(Production)["report.rpt_sales"]; p.Change != ChangeIndirect || !slices.Equal(p.Reasons, []string{"core.fct_order means something else"}) {
		t.Errorf("below what was built alone: %+v", p)
	}
	y.apply(Production)
	y.files["core/fct_order_v2"] = y.files["core/fct_order_v1"]
	y.apply(Production)
	delete(y.files, "core/fct_order_v2")
	if p := y.plan(Production)["report.rpt_sales"]; p.Change != ChangeIndirect || !slices.Equal(p.Reasons, []string{"it read core.fct_order_v2 before", "it reads core.fct_order now"}) {
		t.Errorf("below a version that is gone: %+v", p)
	}
	// What is written into others is shown nowhere, and yet named.
	y.files["staging/stg_order_v1"] = modelText{query: y.files["staging/stg_order_v1"].query, config: "description: d\nkey: [id]\nmaterialized: ephemeral\n"}
	y.apply(Production)
	y.files["staging/stg_order_v1"] = modelText{query: "select id, amount + 1 as amount, ordered_at from raw_shop.orders", config: y.files["staging/stg_order_v1"].config}
	if p := y.plan(Production)["core.fct_order"]; p.Change != ChangeIndirect || !slices.Equal(p.Reasons, []string{"staging.stg_order means something else"}) {
		t.Errorf("below an ephemeral model: %+v", p)
	}
}

func TestPlan_OfAModelWhoseParentWasNeverBuiltSaysSo(t *testing.T) {
	y := newYard(t, chain())
	_, err := y.builder(Production, "core.fct_order").Plan(t.Context())
	wantError(t, err, "plan core.fct_order", "staging.stg_order, which was never built")
}

func TestVersions_OfBuildsWithoutAFingerprintAreNotLookedFor(t *testing.T) {
	var unread warehouse.Models // a file from before there was a ledger of versions
	versions, err := Versions(t.Context(), unread, []string{""})
	if err != nil || len(versions) != 0 {
		t.Errorf("versions %v, error %v", versions, err)
	}
}
