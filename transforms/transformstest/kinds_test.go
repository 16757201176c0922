package transformstest

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// mart is a warehouse in memory and the files of models over it.
type mart struct {
	t      *testing.T
	db     *duckdb.DB
	engine *transforms.Engine
	files  map[string]string
	asOf   time.Time
	runs   int
}

func newMart(t *testing.T, files map[string]string) *mart {
	return &mart{t: t, db: MustMemory(t), engine: Engine(""), files: files, asOf: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
}

func (m *mart) load() (*transforms.Project, error) {
	files := fstest.MapFS{}
	for name, text := range m.files {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return transforms.Load(files, nil)
}

// build validates as a run does, and builds everything.
func (m *mart) build() ([]transforms.Result, error) {
	m.t.Helper()
	project, err := m.load()
	if err != nil {
		return nil, err
	}
	if v, err := m.engine.Validate(project, nil, nil, nil); err != nil || v.Err() != nil {
		return nil, errors.Join(err, v.Err())
	}
	g, err := m.engine.Graph(project)
	if err != nil {
		return nil, err
	}
	compiled, err := m.engine.Compile(g, g.Order)
	if err != nil {
		return nil, err
	}
	m.runs++
	return transforms.NewBuilder(g, compiled, g.Order, m.db, transforms.Options{
		AsOf: m.asOf, Release: fmt.Sprint("run ", m.runs), Macros: duck.Prelude, Clock: time.Now,
	}).BuildAll(m.t.Context())
}

func (m *mart) mustBuild() []transforms.Result {
	m.t.Helper()
	results, err := m.build()
	if err != nil {
		m.t.Fatal(err)
	}
	return results
}

// rows are those of DuckDB's own SQL, as text, sorted.
func (m *mart) rows(sql string) string {
	m.t.Helper()
	var lines []string
	for record, err := range m.db.Query(context.Background(), warehouse.Statement{Name: "rows", SQL: sql}) {
		if err != nil {
			m.t.Fatal(err)
		}
		for i := range int(record.NumRows()) {
			var cells []string
			for _, c := range record.Columns() {
				cells = append(cells, c.ValueStr(i))
			}
			lines = append(lines, strings.Join(cells, "|"))
		}
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

const key = "description: d\nkey: [id]\n"

func TestSeed_HoldsEveryTypeAndText(t *testing.T) {
	m := newMart(t, map[string]string{
		"core/plan_v1/data.csv": "id,order,n,price,ratio,on,at,local,clock,flag,tags,empty\n" +
			"1,\"it's \"\"so\"\", a\\b\",7,1.000000001,0.5,2026-01-31,2026-01-31T10:00:00+02:00,2026-01-31 10:00:00.5,10:11:12,true,\"[\"\"x\"\", \"\"y\"\"]\",\n" +
			"2,\"two\nlines\",NULL,-3,1e20,,,,,false,[],NULL\n" +
			"3,Ünïcødé ☃,,,NaN,,,,,,,a\n",
		"core/plan_v1/model.yaml": key + "materialized: seed\ncolumns:\n  id: {type: INT64}\n  order: {type: STRING}\n  n: {type: INT64}\n  price: {type: NUMERIC}\n  ratio: {type: FLOAT64}\n" +
			"  on: {type: DATE}\n  at: {type: TIMESTAMP}\n  local: {type: DATETIME}\n  clock: {type: TIME}\n  flag: {type: BOOL}\n  tags: {type: ARRAY<STRING>}\n",
		"report/rpt_v1/query.sql":   "-- One row per id.\nselect id, plan.order as name, price * 2 as twice from core.plan as plan\n",
		"report/rpt_v1/model.yaml":  key,
		"report/rpt_v1/cases.txtar": "-- core.plan.csv --\nid,order,price\n1,x,2\n-- want.csv --\nid,name,twice\n1,x,4\n",
	})
	m.mustBuild()
	want := "1|it's \"so\", a\\b|7|1.000000001|0.5|2026-01-31|2026-01-31 08:00:00|2026-01-31 10:00:00.5|10:11:12|true|[x, y]|\n" +
		"2|two\nlines|NULL|-3.000000000|1e+20|NULL|NULL|NULL|NULL|false|[]|NULL\n" +
		"3|Ünïcødé ☃|NULL|NULL|nan|NULL|NULL|NULL|NULL|NULL|[]|a" // GoogleSQL keeps no NULL array
	got := m.rows(`SELECT id, coalesce("order"::VARCHAR, 'NULL'), coalesce(n::VARCHAR, 'NULL'), coalesce(price::VARCHAR, 'NULL'), coalesce(ratio::VARCHAR, 'NULL'), coalesce("on"::VARCHAR, 'NULL'), coalesce("at"::VARCHAR, 'NULL'),
		coalesce(local::VARCHAR, 'NULL'), coalesce(clock::VARCHAR, 'NULL'), coalesce(flag::VARCHAR, 'NULL'), coalesce(tags::VARCHAR, 'NULL'), coalesce(empty, 'NULL') FROM core.plan`)
	if got != want {
		t.Errorf("the seed holds\n%s\nwant\n%s", got, want)
	}
	for _, r := range m.mustBuild() {
		if !r.Unchanged {
			t.Errorf("%s is built again", r.Model)
		}
	}
	m.files["core/plan_v1/model.yaml"] += "  empty: Described now.\n"
	for _, r := range m.mustBuild() {
		if !r.Unchanged {
			t.Errorf("%s is built again for a description", r.Model)
		}
	}
	m.files["core/plan_v1/data.csv"] += "4,x,1,1,1,,,,,,[],\n"
	for _, r := range m.mustBuild() {
		if r.Unchanged {
			t.Errorf("%s is not built for a new line of the seed", r.Model)
		}
	}
	m.files["core/plan_v1/data.csv"] = "id,order,price\n"
	m.files["core/plan_v1/model.yaml"] = key + "materialized: seed\ncolumns: {id: {type: INT64}, price: {type: NUMERIC}}\n"
	m.mustBuild()
	if got := m.rows("SELECT count(*) FROM report.rpt"); got != "0" {
		t.Errorf("a seed without rows gives %s", got)
	}
}

func TestSeed_HoldsHalfAMegabyte(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,name,price\n")
	rows := 0
	for ; b.Len() < 500<<10; rows++ {
		fmt.Fprintf(&b, "%d,the name of number %d,%d.5\n", rows, rows, rows)
	}
	m := newMart(t, map[string]string{
		"core/plan_v1/data.csv":   b.String(),
		"core/plan_v1/model.yaml": key + "materialized: seed\ncolumns: {id: {type: INT64}, price: {type: NUMERIC}}\n",
	})
	m.engine = Engine(t.TempDir())
	if results := m.mustBuild(); results[0].Rows != int64(rows) {
		t.Errorf("%d of %d rows", results[0].Rows, rows)
	}
	m.files["core/plan_v1/data.csv"] += strings.Repeat("1,x,1\n", 10_000)
	_, err := m.build()
	wantFault(t, err, "sql/core/plan_v1/data.csv:1:1: a seed holds up to 512 KB, this file has")
	m.files["core/plan_v1/data.csv"] = "id\n" + strings.Repeat("1\n", 100_000)
	_, err = m.build()
	wantFault(t, err, "sql/core/plan_v1/data.csv:1:1: 100000 rows are too many for a seed")
}

func TestSeed_FaultsHaveTheirPlace(t *testing.T) {
	for data, want := range map[string]string{
		"":                         "data.csv:1:1: the data is missing",
		"id,id\n1,2\n":             `data.csv:1:4: column "id" stands twice`,
		"id,Two Words\n1,2\n":      `data.csv:1:4: "Two Words" is not a column name`,
		"id,n\n1,2\n3\n":           "data.csv:3:1: the row has 1 cells, the header 2",
		"id,n\n1,2\n3,many\n":      `data.csv:3:3: column n: "many" is not of type INT64`,
		"id,n\n\"1,2\n":            "data.csv:",
		"name,n\nx,2\n":            `model.yaml:2:7: key column "id" is not returned by the query`,
		"\ufeffid,n\n1,2\n3,2.5\n": `data.csv:3:3: column n: "2.5" is not of type INT64`,
	} {
		m := newMart(t, map[string]string{
			"core/plan_v1/data.csv":   data,
			"core/plan_v1/model.yaml": key + "materialized: seed\ncolumns: {n: {type: INT64}}\n",
		})
		_, err := m.build()
		wantFault(t, err, "sql/core/plan_v1/"+want)
	}
}

func wantFault(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is\n%v\nwant %q in it", err, want)
	}
}

func TestView_ShowsWhatItsParentsShowNow(t *testing.T) {
	m := newMart(t, map[string]string{
		"core/a_v1/query.sql":       "-- One row per id.\nselect 1 as id, @as_of as seen_at\n",
		"core/a_v1/model.yaml":      key,
		"core/eph_v1/query.sql":     "-- One row per id.\nselect a.id, a.seen_at from core.a as a -- the end",
		"core/eph_v1/model.yaml":    key + "materialized: ephemeral\n",
		"core/nested_v1/query.sql":  "-- One row per id.\nselect id, seen_at from core.eph # the end",
		"core/nested_v1/model.yaml": key + "materialized: ephemeral\n",
		"core/v_v1/query.sql":       "-- One row per id.\nselect nested.id, e.seen_at, core.a.seen_at as again\nfrom core.nested\njoin core.eph as e on e.id = nested.id join core.a on core.a.id = e.id",
		"core/v_v1/model.yaml":      key + "materialized: view\n",
		"core/w_v1/query.sql":       "-- One row per id.\nselect v.id, v.seen_at from core.v as v",
		"core/w_v1/model.yaml":      key + "materialized: view\n",
		"core/t_v1/query.sql":       "-- One row per id.\nselect id, seen_at, @as_of as now_at from core.w cross join (select count(*) as n from core.nested)",
		"core/t_v1/model.yaml":      key,
	})
	m.files["core/v_v1/query.sql"] = strings.NewReplacer("core.a.seen_at as", "a.seen_at as", "core.a.id =", "a.id =").Replace(m.files["core/v_v1/query.sql"])
	for range 4 { // each time the tables of the run before last are dropped
		m.mustBuild()
		want := "1|" + m.asOf.Format(time.DateTime)
		for _, model := range []string{"core.v", "core.w", "core.t", "core.v_v1"} {
			if got := m.rows("SELECT id, seen_at::VARCHAR FROM " + model); got != want {
				t.Errorf("%s shows %q, want %q", model, got, want)
			}
		}
		m.asOf = m.asOf.AddDate(0, 0, 1)
	}
	if got := m.rows("SELECT count(*) FROM ripen_meta.built"); got > "9" || len(got) > 1 {
		t.Errorf("%s tables and views are kept:\n%s", got, m.rows("FROM ripen_meta.built"))
	}
	m.files["core/eph_v1/query.sql"] = "-- One row per id.\nselect a.id, @as_of as seen_at from core.a as a"
	_, err := m.build()
	wantFault(t, err, "sql/core/v_v1/model.yaml:3:1: a view keeps no @as_of, and core.eph, which is written into it, names it")
	m.files["core/v_v1/model.yaml"], m.files["core/w_v1/model.yaml"] = key, key
	m.mustBuild()
	if got := m.rows("SELECT seen_at::VARCHAR FROM core.t"); got != m.asOf.Format(time.DateTime) {
		t.Errorf("core.t shows %s", got)
	}
}

func TestView_FaultWhileItsRowsAreCheckedIsTheModels(t *testing.T) {
	m := newMart(t, map[string]string{
		"core/v_v1/query.sql":  "-- One row per id.\nselect n as id,\n    10 / (n - 1) as share\nfrom unnest([1, 2]) as n\n",
		"core/v_v1/model.yaml": key + "materialized: view\ncolumns: {share: {not_null: true}}\n",
		"core/v_v1/checks.sql": "-- fail: never\nselect * from core.v where id < 0 / 1",
	})
	_, err := m.build()
	wantFault(t, err, "build core.v: sql/core/v_v1/query.sql:3:8: division by zero")
}

func TestEphemeral_ChecksThatNeverRunAreRefused(t *testing.T) {
	const want = "an ephemeral model has no rows to check"
	base := map[string]string{
		"core/eph_v1/query.sql":  "-- One row per id.\nselect 1 as id\n",
		"core/eph_v1/model.yaml": key + "materialized: ephemeral\n",
		"core/t_v1/query.sql":    "-- One row per id.\nselect id from core.eph\n",
		"core/t_v1/model.yaml":   key,
	}
	for name, change := range map[string][3]string{
		"a list":       {"core/eph_v1/model.yaml", key + "materialized: ephemeral\nchecks: [{not_null: id}]\n", "sql/core/eph_v1/model.yaml:4:1: " + want},
		"a column":     {"core/eph_v1/model.yaml", key + "materialized: ephemeral\ncolumns: {id: {unique: true}}\n", "sql/core/eph_v1/model.yaml:4:1: " + want},
		"a file":       {"core/eph_v1/checks.sql", "-- fail: never\nselect * from core.eph where id = 2", "sql/core/eph_v1/checks.sql:1:1: " + want},
		"a check on":   {"core/t_v1/checks.sql", "-- fail: none\nselect t.* from core.t as t\njoin core.eph as e on e.id = t.id", "sql/core/t_v1/checks.sql:3:6: core.eph is ephemeral"},
		"a relation":   {"core/t_v1/model.yaml", key + "columns: {id: {references: core.eph.id}}\n", "sql/core/t_v1/model.yaml:3:28: core.eph is ephemeral"},
		"its own kind": {"core/eph_v1/model.yaml", key + "materialized: ephemeral\ncolumns: {id: A number.}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMart(t, map[string]string{})
			for file, text := range base {
				m.files[file] = text
			}
			m.files[change[0]] = change[1]
			if _, err := m.build(); change[2] != "" {
				wantFault(t, err, change[2])
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestChecks_OwnQueriesFailWarnAndHaveTheirPlace(t *testing.T) {
	m := newMart(t, map[string]string{
		"core/t_v1/query.sql":  "-- One row per id.\nselect id, id * 2 as `order`, [id] as tags, struct(id as a) as s from unnest([1, 2, 3]) as id\n",
		"core/t_v1/model.yaml": key + "columns: {order: {not_null: true, unique: true, accepted_values: [2, 4, 6]}}\n",
		"core/t_v1/checks.sql": "-- warn: few\nselect * from core.t where id > @n;\n",
	})
	_, err := m.build()
	wantFault(t, err, "sql/core/t_v1/checks.sql:2:33: ")
	for text, want := range map[string]string{
		"select 1":                  "sql/core/t_v1/checks.sql:1:1: the check has no title",
		"-- fail: x\nselect 1 as a": "sql/core/t_v1/checks.sql:1:1: the check does not read core.t",
		"-- fail: x\nselect * from core.t\nwhere idd = 1":                     "sql/core/t_v1/checks.sql:3:7: Unrecognized name: idd",
		"-- fail: x\nselect * from core.u":                                    "sql/core/t_v1/checks.sql:2:15: unknown table core.u",
		"-- fail: x\nselct":                                                   "sql/core/t_v1/checks.sql:2:1: ",
		"-- fail: x\nselect * from core.t;\n-- warn: x\nselect * from core.t": "sql/core/t_v1/checks.sql:3:1: two checks are called",
		"-- fail: x\nselect count(*) from core.t":                             "checks.sql:2:8: ",
	} {
		m.files["core/t_v1/checks.sql"] = text
		_, err := m.build()
		wantFault(t, err, want)
	}
	m.files["core/t_v1/checks.sql"] = "-- warn: few are large\nselect t.tags, t.s, t.id, t.order from core.t as t where t.id > 1 and @as_of > timestamp '2020-01-01';\n" +
		"-- fail: none divides\nselect core.t.order from core.t where 1 / (id - 4) > 100 -- the end"
	m.files["core/t_v1/checks.sql"] = strings.ReplaceAll(m.files["core/t_v1/checks.sql"], "core.t.order", "t.order")
	results := m.mustBuild()
	if f := results[0].Warnings; len(f) != 1 || f[0].Rows != 2 || f[0].Examples[0] != "id=2 order=4" {
		t.Errorf("warnings are %+v", f)
	}
	m.files["core/t_v1/checks.sql"] = "-- fail: none divides\nselect t.order from core.t\nwhere 1 / (id - 3) > 100"
	_, err = m.build()
	wantFault(t, err, "sql/core/t_v1/checks.sql:3:9: division by zero")
}

func TestByInterval_RunsOnDatetimeAndDateInGoogleSQL(t *testing.T) {
	for _, typ := range []string{"TIMESTAMP", "DATETIME", "DATE"} {
		m := newMart(t, map[string]string{
			"staging/day_v1/query.sql": "-- One row per id.\nselect id, timestamp_add(timestamp '2026-01-01', interval id * 6 hour) as seen_at, from unnest(generate_array(1, 60)) as id\n" +
				"where timestamp_add(timestamp '2026-01-01', interval id * 6 hour) >= @interval_start and timestamp_add(timestamp '2026-01-01', interval id * 6 hour) < @interval_end\n",
			"staging/day_v1/model.yaml": key + "materialized: incremental\nincremental: {interval: hour, column: seen_at, start: 2026-01-01, batch: 100, tracks: {raw_stripe.invoices: created}}\n",
			"core/t_v1/query.sql":       "-- One row per id.\nselect id, cast(seen_at as " + typ + ") as placed from staging.day\nwhere seen_at >= @interval_start and seen_at < @interval_end\n",
			"core/t_v1/model.yaml":      key + "materialized: incremental\nincremental: {interval: week, column: placed, batch: 1, tracks: {staging.day: seen_at}}\n",
		})
		m.asOf = time.Date(2026, 1, 9, 12, 0, 0, 0, time.UTC)
		_, err := m.build()
		wantFault(t, err, "sql/staging/day_v1/model.yaml:4:88: incremental: the query does not read raw_stripe.invoices")
		m.files["staging/day_v1/model.yaml"] = strings.Replace(m.files["staging/day_v1/model.yaml"], "raw_stripe.invoices: created", "core.x: seen_at", 1)
		m.files["staging/day_v1/query.sql"] = strings.Replace(m.files["staging/day_v1/query.sql"], "\nwhere", " cross join (select count(*) as n from core.x)\nwhere", 1)
		m.files["core/x_v1/query.sql"] = "-- One row per id.\nselect 1 as id, timestamp '2026-01-01' as seen_at"
		m.files["core/x_v1/model.yaml"] = key
		_, err = m.build()
		wantFault(t, err, "core.x is not built by interval")
		m.files["core/x_v1/query.sql"] = "-- One row per id.\nselect 1 as id, timestamp '2026-01-01' as seen_at from raw_stripe.invoices where created >= @interval_start and created < @interval_end limit 0"
		m.files["core/x_v1/model.yaml"] = key + "materialized: incremental\nincremental: {interval: hour, column: seen_at, tracks: {raw_stripe.invoices: created}}\n"
		project, err := m.load()
		if err != nil {
			t.Fatal(err)
		}
		if err := m.db.Prepare(t.Context(), project.Raw); err != nil {
			t.Fatal(err)
		}
		m.mustBuild()
		if got := m.rows("SELECT count(*) FROM core.t"); got != "33" {
			t.Errorf("%s: %s rows", typ, got)
		}
		m.asOf = m.asOf.AddDate(0, 0, 30)
		m.mustBuild()
		if got := m.rows("SELECT count(*), count(DISTINCT id) FROM core.t"); got != "60|60" {
			t.Errorf("%s: %s rows", typ, got)
		}
	}
}

func TestValidate_RefusesSettingsOfKindsThatCannotWork(t *testing.T) {
	const query = "-- One row per id.\nselect id, created as seen_at, date(created) as seen_on, [id] as tags, amount_paid as `odd name`, customer_id from raw_stripe.invoices"
	const within = query + " where created >= @interval_start and created < @interval_end"
	for name, test := range map[string]struct{ query, config, want string }{
		"hours of a date":         {within, "materialized: incremental\nincremental: {interval: hour, column: seen_on, tracks: {raw_stripe.invoices: created}}\n", `model.yaml:4:39: incremental: column "seen_on" is DATE; hours need a TIMESTAMP or DATETIME`},
		"a column of text":        {within, "materialized: incremental\nincremental: {interval: day, column: id, tracks: {raw_stripe.invoices: created}}\n", `incremental: column "id" is STRING; it must be TIMESTAMP or DATETIME or DATE`},
		"tracked text":            {within, "materialized: incremental\nincremental: {interval: day, column: seen_at, tracks: {raw_stripe.invoices: id}}\n", `incremental: column "raw_stripe.invoices.id" is STRING`},
		"two columns of time":     {within, "materialized: incremental\nincremental: {interval: day, column: seen_at, tracks: {raw_stripe.invoices: [created, id]}}\n", "model.yaml:4:1: tracks: raw_stripe.invoices has 2 columns; name its column of time"},
		"too many columns of key": {query, "materialized: incremental\nincremental: {tracks: {raw_stripe.invoices: [id, created]}}\n", "model.yaml:4:1: tracks: raw_stripe.invoices has 2 columns, the key 1"},
		"another type of key":     {query, "materialized: incremental\nincremental: {tracks: {raw_stripe.invoices: amount_paid}}\n", "raw_stripe.invoices.amount_paid is INT64, but the key id is STRING"},
		"a model by key":          {strings.Replace(query, "raw_stripe.invoices", "core.stored", 1), "materialized: incremental\nincremental: {tracks: {core.stored: id}}\n", "by key only raw tables can be tracked, and core.stored is a model"},
		"a table by interval":     {strings.Replace(within, "raw_stripe.invoices", "core.stored", 1), "materialized: incremental\nincremental: {interval: day, column: seen_at, tracks: {core.stored: created}}\n", "core.stored is not built by interval"},
		"a view":                  {strings.Replace(within, "raw_stripe.invoices", "core.seen", 1), "materialized: incremental\nincremental: {interval: day, column: seen_at, tracks: {core.seen: created}}\n", "core.seen has no rows of its own to track; name the tables that it reads"},
		"through a view":          {strings.Replace(within, "raw_stripe.invoices", "core.seen", 1), "materialized: incremental\nincremental: {interval: day, column: seen_at, tracks: {raw_stripe.invoices: created}, ignores: [core.seen]}\n", ""},
		"history of a list":       {query, "materialized: snapshot\n", `whether "tags" has changed cannot be told`},
		"history by a quoted":     {query, "materialized: snapshot\nsnapshot: {check: [odd name]}\n", `column "odd name" cannot be named here`},
		"history by some columns": {query, "materialized: snapshot\nsnapshot: {check: [seen_at]}\n", ""},
		"history by text":         {query, "materialized: snapshot\nsnapshot: {updated_at: customer_id}\n", `snapshot: column "customer_id" is STRING`},
		"history with its own":    {strings.Replace(query, "seen_at", "valid_to_at", 1), "materialized: snapshot\nsnapshot: {check: [id]}\n", `the query returns "valid_to_at", which the history adds`},
		"values of a list":        {query, "columns: {tags: {accepted_values: [a]}}\n", "accepted values of ARRAY<STRING>"},
		"values of no number":     {query, "checks: [{accepted_values: {column: seen_on, values: [monday]}}]\n", `accepted value "monday" is no DATE`},
		"two checks of one name":  {query, "columns: {id: {not_null: true}}\nchecks: [{not_null: id}]\n", `model.yaml:4:1: column id and check 1 are both called "not_null(id)"`},
		"an unknown target":       {query, "columns: {id: {references: core.nothing.id}}\n", "there is no model core.nothing"},
		"a quoted column":         {query, "columns: {odd name: {unique: true}}\n", "cannot be named here"},
		"a check of history":      {query, "materialized: snapshot\nsnapshot: {check: [id]}\nchecks: [{not_null: valid_from_at}]\n", `column "valid_from_at" is not returned by the query`},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMart(t, map[string]string{
				"core/t_v1/query.sql": test.query, "core/t_v1/model.yaml": key + test.config,
				"core/seen_v1/query.sql": "-- One row per id.\nselect * from raw_stripe.invoices", "core/seen_v1/model.yaml": key + "materialized: view\n",
				"core/stored_v1/query.sql": "-- One row per id.\nselect * from raw_stripe.invoices", "core/stored_v1/model.yaml": key,
			})
			project, err := m.load()
			if err == nil {
				if err = m.db.Prepare(t.Context(), project.Raw); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if _, err = m.build(); test.want == "" && err != nil {
					t.Fatal(err)
				}
			}
			if test.want != "" {
				wantFault(t, err, test.want)
			}
		})
	}
}
