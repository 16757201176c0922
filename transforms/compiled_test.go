package transforms

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// chain is three models, one below the other, and one beside them.
func chain() map[string]modelText {
	return map[string]modelText{
		"staging/stg_order_v1": {
			query:  "select id, amount, ordered_at\nfrom raw_shop.orders",
			config: "description: d\nkey: [id]\ncolumns:\n  amount: What was paid.\n",
		},
		"core/fct_order_v1":    {query: "select id, amount * 2 as doubled, ordered_at <= @as_of as known\nfrom staging.stg_order"},
		"report/rpt_sales_v1":  {query: "select id, doubled from core.fct_order where known"},
		"report/rpt_number_v1": {query: "select 1 as id"},
	}
}

func compileAll(t *testing.T, e *Engine, project *Project) map[*Model]*Compiled {
	t.Helper()
	g := graphOf(t, e, project)
	compiled, err := e.Compile(g, g.Order)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func find(t *testing.T, project *Project, name string) *Model {
	t.Helper()
	m, ok := project.Model(name)
	if !ok {
		t.Fatalf("no model %s", name)
	}
	return m
}

func TestCompile_ColumnsOfOneAreTheCatalogOfTheNext(t *testing.T) {
	project := loadProject(t, chain(), nil)
	compiled := compileAll(t, newStandIn(t).engine(""), project)
	fct := compiled[find(t, project, "core.fct_order")]
	var columns []string
	for _, c := range fct.Columns {
		columns = append(columns, c.Name+" "+c.Type.String())
	}
	if got := strings.Join(columns, ", "); got != "id STRING, doubled NUMERIC, known BOOL" {
		t.Errorf("columns are %s", got)
	}
	if !fct.Uses(AsOf) || compiled[find(t, project, "report.rpt_sales")].Uses(AsOf) {
		t.Error("as_of is not noticed where it stands, or where it does not")
	}
	if stg := compiled[find(t, project, "staging.stg_order")]; stg.Columns[1].Description != "What was paid." {
		t.Errorf("description is %q", stg.Columns[1].Description)
	}
}

func TestCompile_CatalogHoldsOnlyTheTablesNamed(t *testing.T) {
	project := loadProject(t, map[string]modelText{
		"core/a_v1": {query: "select a.id from raw_shop.orders as a join raw_shop.items as b on a.id = b.id"},
		"core/b_v1": {query: "select id from core.a_v1"},
	}, nil)
	compiled := compileAll(t, newStandIn(t).engine(""), project)
	a := compiled[find(t, project, "core.a")].catalog
	if len(a.Tables) != 2 || a.Tables[0].Name != "raw_shop.items" || a.Tables[1].Name != "raw_shop.orders" {
		t.Fatalf("catalog of core.a is %v", a.Tables)
	}
	orders := a.Tables[1].Columns
	if payload := orders[2]; payload.Name != "payload" || payload.Type.Kind != schemas.String {
		t.Errorf("models see JSON as %s", payload.Type)
	}
	if last := orders[len(orders)-1]; last.Name != "_ripen_loaded_at" {
		t.Errorf("the columns of the load are missing: %v", orders)
	}
	if b := compiled[find(t, project, "core.b")].catalog; len(b.Tables) != 1 || b.Tables[0].Name != "core.a_v1" {
		t.Errorf("catalog of core.b is %v", b.Tables)
	}
}

func TestCompile_OnlyChosenModelsAndTheirAncestorsAreAnalysed(t *testing.T) {
	project := loadProject(t, chain(), nil)
	s := newStandIn(t)
	e := s.engine("")
	compiled, err := e.Compile(graphOf(t, e, project), []*Model{find(t, project, "core.fct_order")})
	if err != nil || len(compiled) != 2 || s.checks.Load() != 2 {
		t.Errorf("%d compiled, %d analysed, %v", len(compiled), s.checks.Load(), err)
	}
}

func TestCompile_CollectsFaultsAndSkipsWhatIsBelowThem(t *testing.T) {
	models := chain()
	models["staging/stg_order_v1"] = modelText{query: "select id, amuont from raw_shop.orders"}
	models["report/rpt_number_v1"] = modelText{query: "select\n  number"}
	project := loadProject(t, models, nil)
	e := newStandIn(t).engine("")
	g := graphOf(t, e, project)
	compiled, err := e.Compile(g, g.Order)
	wantError(t, err, "sql/staging/stg_order_v1/query.sql:2:12:", "amuont", "sql/report/rpt_number_v1/query.sql:3:3:")
	if joined, ok := err.(interface{ Unwrap() []error }); !ok || len(joined.Unwrap()) != 2 {
		t.Errorf("want two faults, got\n%v", err)
	}
	if len(compiled) != 0 {
		t.Errorf("compiled %d models below a fault", len(compiled))
	}
}

func TestCompile_KeyAndDescribedColumnsMustBeReturned(t *testing.T) {
	project := loadProject(t, map[string]modelText{"core/a_v1": {
		query:  "select id, amount from raw_shop.orders",
		config: "description: d\nkey: [id, day_on]\ncolumns:\n  amuont: Paid.\n",
	}}, nil)
	e := newStandIn(t).engine("")
	g := graphOf(t, e, project)
	_, err := e.Compile(g, g.Order)
	wantError(t, err, `model.yaml:2:11: key column "day_on" is not returned`, `model.yaml:4:3: described column "amuont"`, `did you mean "amount"?`)
}

func TestCompile_FaultsOfTheCompilerAreFaultsOfTheModel(t *testing.T) {
	project := loadProject(t, chain(), nil)
	s := newStandIn(t)
	refuse := func(s *syntax.Statement) (syntax.Template, []schemas.Column, error) {
		return syntax.Template{}, nil, s.Source.At(strings.Index(s.Source.Text, "id"), "this is not supported yet", "write that")
	}
	dir := t.TempDir()
	e := NewEngine(s.open, refuse, "stand-in 1", dir)
	g := graphOf(t, e, project)
	_, err := e.Compile(g, g.Order)
	wantError(t, err, "sql/staging/stg_order_v1/query.sql:2:8: this is not supported yet; write that")
	compileAll(t, s.engine(dir), project) // a fault is not remembered
}

func TestEngine_SecondStartNeedsNoAnalyzer(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	project := loadProject(t, chain(), nil)
	first := compileAll(t, newStandIn(t).engine(dir), project)

	e := NewEngine(func() (Analyzer, error) { return nil, errors.New("the analyzer was asked for") }, nil, "stand-in 1", dir)
	again := compileAll(t, e, loadProject(t, chain(), nil))
	if len(again) != len(first) {
		t.Fatalf("%d models, then %d", len(first), len(again))
	}
	for m, c := range again {
		old := first[find(t, project, m.String())]
		if c.SQL != old.SQL || c.Uses(AsOf) != old.Uses(AsOf) || len(c.Columns) != len(old.Columns) {
			t.Errorf("%s came back as %+v, was %+v", m, c, old)
		}
	}
}

func TestEngine_AnalysesAgainOnlyWhatAChangeReaches(t *testing.T) {
	for name, test := range map[string]struct {
		change func(map[string]modelText)
		want   int64 // analyses
	}{
		"nothing":       {func(map[string]modelText) {}, 0},
		"a description": {func(m map[string]modelText) { set(m, "staging/stg_order_v1", "", "description: e\nkey: [id]\n") }, 0},
		"a query, not its columns": {func(m map[string]modelText) {
			set(m, "staging/stg_order_v1", "select id, amount, ordered_at from raw_shop.orders where true", "")
		}, 1},
		"a column that children read": {func(m map[string]modelText) {
			set(m, "staging/stg_order_v1", "select id, 2 * 3 as amount, ordered_at from raw_shop.orders", "")
		}, 3},
		"a column more, below nothing": {func(m map[string]modelText) { set(m, "report/rpt_number_v1", "select 1 as id, 2 as two", "") }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			compileAll(t, newStandIn(t).engine(dir), loadProject(t, chain(), nil))
			models := chain()
			test.change(models)
			s := newStandIn(t)
			compileAll(t, s.engine(dir), loadProject(t, models, nil))
			if got := s.checks.Load(); got != test.want {
				t.Errorf("%d analyses, want %d", got, test.want)
			}
		})
	}
}

func set(models map[string]modelText, path, query, config string) {
	m := models[path]
	if query != "" {
		m.query = query
	}
	if config != "" {
		m.config = config
	}
	models[path] = m
}

func TestEngine_AnotherVersionOfTheCompilerUsesNothingCached(t *testing.T) {
	dir := t.TempDir()
	compileAll(t, newStandIn(t).engine(dir), loadProject(t, chain(), nil))
	s := newStandIn(t)
	compileAll(t, NewEngine(s.open, compileStandIn, "stand-in 2", dir), loadProject(t, chain(), nil))
	if s.refs.Load() != 4 || s.checks.Load() != 4 || s.opened.Load() != 1 {
		t.Errorf("%d, %d calls, opened %d times", s.refs.Load(), s.checks.Load(), s.opened.Load())
	}
}

func TestEngine_IgnoresAndRewritesBrokenCacheEntries(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":             func([]byte) []byte { return nil },
		"cut":               func(b []byte) []byte { return b[:len(b)/2] },
		"not JSON":          func([]byte) []byte { return []byte("<html>") },
		"of something else": func([]byte) []byte { return []byte(`{"key":"0000","refs":[],"sql":"select 1"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			compileAll(t, newStandIn(t).engine(dir), loadProject(t, chain(), nil))
			files, err := filepath.Glob(filepath.Join(dir, "*", "*.json"))
			if err != nil || len(files) != 8 {
				t.Fatalf("%d entries, %v", len(files), err)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err == nil {
					err = os.WriteFile(file, damage(text), 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			s := newStandIn(t)
			compileAll(t, s.engine(dir), loadProject(t, chain(), nil))
			if s.checks.Load() != 4 {
				t.Errorf("%d analyses with a broken cache", s.checks.Load())
			}
			s = newStandIn(t)
			compileAll(t, s.engine(dir), loadProject(t, chain(), nil))
			if s.opened.Load() != 0 {
				t.Error("the broken entries were not rewritten")
			}
			left, err := filepath.Glob(filepath.Join(dir, "*", "new-*"))
			if err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestEngine_WorksWithoutAPlaceForItsCache(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	compileAll(t, newStandIn(t).engine(filepath.Join(file, "cache")), loadProject(t, chain(), nil))
}

func TestEngine_ReportsThatTheAnalyzerDoesNotStart(t *testing.T) {
	e := NewEngine(func() (Analyzer, error) { return nil, errors.New("no memory") }, nil, "1", "")
	_, err := e.Graph(loadProject(t, chain(), nil))
	wantError(t, err, "no memory")
}

func TestNamesParameter_LooksOnlyWhereItIsCode(t *testing.T) {
	uses := []string{"$as_of", "select $AS_OF", "(@as_of)", "'it''s' || $as_of", "-- a\n$as_of", "/* $x */ $as_of", `"a""b" $as_of`, "$x $as_of"}
	usesNot := []string{"", "'$as_of'", "'it''s $as_of'", `"$as_of"`, "`@as_of`", "-- $as_of", "/* $as_of */ 1", "/* $as_of", "$as_of_day", "$x", "as_of", "'$as_of"}
	for _, sql := range uses {
		if !namesParameter(sql, AsOf) {
			t.Errorf("%q uses it", sql)
		}
	}
	if i := slices.IndexFunc(usesNot, func(sql string) bool { return namesParameter(sql, AsOf) }); i >= 0 {
		t.Errorf("%q does not use it", usesNot[i])
	}
}
