package transformstest

import (
	"context"
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
		return nil, fmt.Errorf("%w%w", err, v.Err())
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

func TestSeed_LargeOneIsQuickEnough(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,name,price\n")
	for i := 0; b.Len() < 500<<10; i++ {
		fmt.Fprintf(&b, "%d,the name of number %d,%d.5\n", i, i, i)
	}
	m := newMart(t, map[string]string{
		"core/plan_v1/data.csv":   b.String(),
		"core/plan_v1/model.yaml": key + "materialized: seed\ncolumns: {id: {type: INT64}, price: {type: NUMERIC}}\n",
	})
	begin := time.Now()
	results := m.mustBuild()
	t.Logf("%d rows in %s", results[0].Rows, time.Since(begin))
}
