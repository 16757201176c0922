package gsql

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

func mustType(t testing.TB, text string) schemas.Type {
	t.Helper()
	typ, err := schemas.ParseType(text)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// table makes a table from "name TYPE" pairs.
func table(t testing.TB, name string, columns ...string) syntax.Table {
	t.Helper()
	made := syntax.Table{Name: name}
	for _, c := range columns {
		column, typ, _ := strings.Cut(c, " ")
		made.Columns = append(made.Columns, schemas.Column{Name: column, Type: mustType(t, typ)})
	}
	return made
}

func testCatalog(t testing.TB) syntax.Catalog {
	return syntax.Catalog{
		Tables: []syntax.Table{
			table(t, "raw.events", "user_id STRING", "ts TIMESTAMP", "amount NUMERIC", "n INT64", "tags ARRAY<STRUCT<k STRING, v INT64>>"),
			table(t, "core.dim_account", "account_id STRING", "user_id STRING", "plan STRING"),
		},
		Params: map[string]schemas.Type{"as_of": {Kind: schemas.Timestamp}},
	}
}

func openEngine(t testing.TB) *Engine {
	t.Helper()
	engine, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

func TestCheck_GivesColumnsWithTypes(t *testing.T) {
	engine := openEngine(t)
	stmt, err := engine.Check(testCatalog(t), syntax.Source{Name: "q.sql", Text: `
with e as (select * from raw.events where ts < @as_of)
select
    user_id, count(*) as events, sum(amount) as amount, sum(n) / count(*) as mean,
    array_agg(struct(ts, n as value) order by ts) as history,
from e group by user_id;`})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range stmt.Columns {
		got = append(got, c.Name+" "+c.Type.String())
	}
	want := []string{
		"user_id STRING", "events INT64", "amount NUMERIC", "mean FLOAT64",
		"history ARRAY<STRUCT<ts TIMESTAMP, value INT64>>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	text, err := json.Marshal(stmt)
	if err != nil {
		t.Fatal(err)
	}
	var back syntax.Statement
	if err := json.Unmarshal(text, &back); err != nil || len(back.Resolved.Kids) != len(stmt.Resolved.Kids) {
		t.Errorf("the statement does not survive JSON: %v", err)
	}
}

func TestCheck_PlacesEveryFault(t *testing.T) {
	engine := openEngine(t)
	for _, test := range []struct{ name, text, want string }{
		{"misspelt column", "select usr_id from raw.events", "q.sql:1:8: Unrecognized name: usr_id; did you mean \"user_id\"?"},
		{"misspelt table", "select 1 from raw.evnts", "q.sql:1:15: Table not found: raw.evnts; did you mean \"raw.events\"?"},
		{"table in other case", "select 1 from raw.Events", "q.sql:1:15: Table not found: raw.Events; table names are case-sensitive: write raw.events"},
		{"tabs count as one character", "select\n\t\tbad from raw.events", "q.sql:2:3: Unrecognized name: bad"},
		{"characters, not bytes", "select 'äöü', bad from raw.events", "q.sql:1:15: Unrecognized name: bad"},
		{"syntax", "select 1 +", "q.sql:1:11: Syntax error: Unexpected end of script"},
		{"not a query", "create table x (a int64)", "q.sql:1:1: this is not a query; a model is one SELECT statement, WITH included"},
		{"two statements", "select 1; select 2", "q.sql:1:11: there is a second statement; a model is one SELECT statement; use WITH for steps"},
		{"empty", "-- nothing\n", "q.sql:1:1: there is no statement"},
		{"unknown parameter", "select @nope", "q.sql:1:8: Query parameter 'nope' not found"},
		{"missing function", "select max_by(user_id, ts) from raw.events", "q.sql:1:8: Function not found: max_by; write ANY_VALUE(x HAVING MAX y)"},
		{"signature", "select date_trunc(user_id, day) from raw.events", "q.sql:1:8: No matching signature for function DATE_TRUNC"},
		{"type error", "select n from raw.events where user_id", "q.sql:1:32: WHERE clause should return type BOOL, but returns STRING"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := engine.Check(testCatalog(t), syntax.Source{Name: "q.sql", Text: test.text})
			var d *syntax.Diagnostic
			if !errors.As(err, &d) {
				t.Fatalf("got %v, want a diagnostic", err)
			}
			if !strings.HasPrefix(d.Error(), test.want) {
				t.Errorf("got  %s\nwant %s", d, test.want)
			}
		})
	}
}

func TestRefs_AreTablesAndNothingElse(t *testing.T) {
	engine := openEngine(t)
	for _, test := range []struct {
		text string
		want []string
	}{
		{"select * from a.t", []string{"a.t"}},
		{"select * from `a.t` join a.`u` using (k)", []string{"a.t", "a.u"}},
		{"with x as (select * from a.t), y as (select * from x) select * from y", []string{"a.t"}},
		{"with x as (select * from x) select * from x", []string{"x"}},
		{"with recursive x as (select 1 as n union all select n + 1 from x where n < 3) select * from x", nil},
		{"select * from a.t, t.items, t.items.parts", []string{"a.t"}},
		{"select * from a.t as e, e.tags as tag", []string{"a.t"}},
		{"select (select count(*) from e.tags) from a.t as e", []string{"a.t"}},
		{"select 1 from unnest([1]) as n where exists (select 1 from b.u where b.u.k = n)", []string{"b.u"}},
		{"select * from a.t where k in (with z as (select 1) select * from z join c.v on true)", []string{"a.t", "c.v"}},
		{"select * from (select * from a.t) as s, s.items", []string{"a.t"}},
		{"select * from `a.t`, t.items", []string{"a.t"}},
	} {
		found, err := engine.Refs(syntax.Source{Name: "q.sql", Text: test.text})
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
		}
		var got []string
		for _, ref := range found {
			got = append(got, ref.Name)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.text, got, test.want)
		}
	}
}

func TestCheck_SeesOnlyItsOwnCatalog(t *testing.T) {
	engine := openEngine(t)
	src := syntax.Source{Name: "q.sql", Text: "select a from x.t"}
	if _, err := engine.Check(syntax.Catalog{Tables: []syntax.Table{table(t, "x.t", "a INT64")}}, src); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.Check(syntax.Catalog{Tables: []syntax.Table{table(t, "x.t", "b INT64")}}, src); err == nil {
		t.Error("a column of an earlier catalog is still there")
	}
	if _, err := engine.Check(syntax.Catalog{}, src); err == nil {
		t.Error("a table of an earlier catalog is still there")
	}
}

func BenchmarkCheck_InCatalogOf60Tables(b *testing.B) {
	engine := openEngine(b)
	cat := testCatalog(b)
	for i := range 60 {
		var columns []string
		for j := range 20 {
			columns = append(columns, "c"+strings.Repeat("x", j)+" STRING")
		}
		cat.Tables = append(cat.Tables, table(b, "wide.t"+strings.Repeat("x", i), columns...))
	}
	src := syntax.Source{Name: "q.sql", Text: "select user_id, count(*) as n from raw.events group by user_id"}
	for b.Loop() {
		if _, err := engine.Check(cat, src); err != nil {
			b.Fatal(err)
		}
	}
}
