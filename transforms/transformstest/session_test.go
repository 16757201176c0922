package transformstest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/gsql"
	"github.com/ripen-data/ripen/transforms/result"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// spooling is a session of DuckDB as package transforms wants it.
type spooling struct{ *duckdb.Session }

func (s spooling) Run(ctx context.Context, stmt warehouse.Statement, limit int64) (transforms.Spool, error) {
	rows, err := s.Session.Run(ctx, stmt, limit)
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// opened is a session without a project, and its analyzer.
type opened struct {
	options transforms.SessionOptions
	session *duckdb.Session
}

func openSession(t *testing.T) *opened {
	t.Helper()
	session, err := duckdb.OpenSession(context.Background(), duckdb.Config{Path: duckdb.Memory, Setup: []string{duck.Prelude}, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := session.Close(); err != nil {
			t.Error(err)
		}
	})
	analyzer, err := gsql.Open()
	if err != nil {
		t.Fatal(err)
	}
	return &opened{session: session, options: transforms.SessionOptions{
		Analyzer: analyzer, Scope: &transforms.DeployedScope{Warehouse: session}, Into: spooling{session}, Create: true,
		Compile: func(statement *syntax.Statement) (syntax.Template, []schemas.Column, error) {
			compiled, err := duck.CompileAdHoc(statement)
			return compiled.Template, compiled.Columns, err
		},
	}}
}

// print answers statements in a format.
func (o *opened) print(t *testing.T, format, sql string) string {
	t.Helper()
	var out bytes.Buffer
	w, err := result.New(format, &out, 0)
	if err != nil {
		t.Fatal(err)
	}
	for answer := range transforms.NewSession(o.options).Run(context.Background(), syntax.Source{Name: "q.sql", Text: sql}) {
		if err := w.Write(context.Background(), answer); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// faults are the faults of statements, one a line.
func (o *opened) faults(sql string) string {
	var lines []string
	for answer := range transforms.NewSession(o.options).Run(context.Background(), syntax.Source{Name: "q.sql", Text: sql}) {
		var d *syntax.Diagnostic
		switch {
		case answer.Err == nil:
		case errors.As(answer.Err, &d):
			lines = append(lines, fmt.Sprintf("%s %d:%d %s", answer.Kind, d.Line, d.Column, d.Message))
		default:
			lines = append(lines, fmt.Sprintf("%s %v", answer.Kind, answer.Err))
		}
	}
	return strings.Join(lines, "\n")
}

func TestSession_KeepsTablesForLaterStatementsWithTheirTypes(t *testing.T) {
	got := openSession(t).print(t, "jsonl", `
		create temp table t as select 1 as n, datetime '2026-01-01 00:00:00' as since, [1, 2] as list, cast(null as array<int64>) as none;
		create temp table u as select n + 1 as n from T; -- case does not matter
		create or replace temp table t as select n + 10 as n, since, list, none from t;
		create temp table if not exists t as select 'unread' as n;
		select t.n, u.n as other, t.since, t.list, t.none from t, u;
		select (select count(*) from t) as c from t;
		with t as (select 'cte' as n) select n from t;
		select n from _SESSION.t;`)
	want := `{"n":11,"other":2,"since":"2026-01-01T00:00:00","list":[1,2],"none":null}
{"c":1}
{"n":"cte"}
{"n":11}
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestSession_GivesEveryColumnAName(t *testing.T) {
	got := openSession(t).print(t, "csv", "select 1, 2 as f0_, 3, 4 as a, 5 as A, 6 as a_1")
	if header, _, _ := strings.Cut(got, "\n"); header != "f0__1,f0_,f1_,a,A_2,a_1" {
		t.Errorf("header %s", header)
	}
}

func TestSession_KeepsTheOrderOfTheQueryOverManyBatches(t *testing.T) {
	got := openSession(t).print(t, "csv", "select n from unnest(generate_array(1, 300000)) as n order by mod(n, 7), n desc")
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if len(lines) != 300001 || lines[1] != "299999" || lines[2] != "299992" || lines[300000] != "6" {
		t.Errorf("%d lines: %v … %s", len(lines), lines[:3], lines[len(lines)-1])
	}
}

func TestSession_SaysWhatIsWrongAndWhere(t *testing.T) {
	o := openSession(t)
	for _, test := range []struct{ sql, want string }{
		{"select 1;\nselect nope", "invalid 2:8 Unrecognized name: nope"},
		{"select 1 +", "invalid 1:11 Syntax error: Unexpected end of script"},
		{"select 'ü', 1 / 0 as x", "runtime 1:15 division by zero"},
		{"select 1 / 0, 2 / 0", "runtime 1:1 division by zero (raised at 1:10 or 1:17)"},
		{"select div(1, 0)", "runtime 1:8 division by zero"},
		{"select safe_divide(1, 0), mod(1, 0)", "runtime 1:27 division by zero"},
		{"select cast(w as int64) from unnest(['12', '1x']) as w", `runtime 1:8 not an INT64: "1x"`},
		{"select cast(w as bool), cast(1 as string) from unnest(['maybe']) as w", `runtime 1:8 not a BOOL: "maybe"`},
		{"select cast(w as date) from unnest(['soon']) as w", `runtime 1:8 not a DATE: "soon"`},
		{"select cast(w as date) from unnest(['2026-02-30']) as w", `runtime 1:8 no such date: "2026-02-30"`},
		{"select cast(w as timestamp) from unnest(['soon']) as w", `runtime 1:8 not a TIMESTAMP: "soon"`},
		{"select cast(w as int64) from unnest(['99999999999999999999']) as w", "runtime 1:8 INT64 out of range: 99999999999999999999"},
		{"select cast(w as int64) from unnest([1e300]) as w", "runtime 1:8 INT64 out of range: 1e+300"},
		{"select 1 + a from unnest([9223372036854775807]) as a", "runtime 1:10 INT64 overflow: 1 + 9223372036854775807"},
		{"select sum(a) from unnest([9223372036854775807, 1]) as a", "runtime 1:8 INT64 out of range: 9223372036854775808"},
		{"select [1, 2][ordinal(i)] from unnest([3]) as i", "runtime 1:15 array index out of bounds"},
		{"select (select n from unnest([1, 2]) as n)", "runtime 1:1 a subquery that stands for one value returned more than one row"},
		{"select substr('abc', 1, n) from unnest([-1]) as n", "runtime 1:8 negative length of SUBSTR"},
		{"select sqrt(n) from unnest([-1]) as n", "runtime 1:8 square root of a negative number"},
		{"select x from t.u", "invalid 1:15 Table not found: t.u"},
		{"create temp table orders as select 1 as n; select n from order_s", "invalid 1:58 Table not found: order_s"},
		{"create temp table t as select 1 as n; create temp table t as select 1 as n", "invalid 1:39 the table t exists already"},
		{"create temp table t as select 1 as n; select 1 from t, T as u", "invalid 1:56 Table not found: T"},
		{"create temp table t as select 1", "invalid 1:1 column 1 of t has no name"},
		{"create temp table t as select 1 as n, 2 as N", "invalid 1:1 column N of t stands twice"},
		{"create temp table t (n int64) as select 1 as n", "invalid 1:21 only AS and a query may follow the name of t"},
		{"create temp function f() as (1)", "invalid 1:13 CREATE FUNCTION is not run here"},
		{"update t set n = 1 where true", "invalid 1:1 UPDATE changes data"},
		{"set x = 1", "invalid 1:1 SET belongs to scripts, which ripen does not run"},
		{"select @x", "invalid 1:8 the parameter @x has no value"},
		{"select 1; select 'open", "invalid 1:18 string is not closed"},
	} {
		if got := o.faults(test.sql); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.sql, got, test.want)
		}
	}
}

func TestSession_PrintsEveryTypeInEveryFormat(t *testing.T) {
	o := openSession(t)
	for _, test := range []struct{ sql, json, csv string }{
		{"-9223372036854775808", "-9223372036854775808", "-9223372036854775808"},
		{"1e21", "1e+21", "1e+21"}, {"0.1", "0.1", "0.1"}, {"1e-7", "1e-07", "1e-07"}, {"100.0", "100", "100"},
		{"cast('inf' as float64)", `"Infinity"`, "Infinity"},
		{"cast('nan' as float64)", `"NaN"`, "NaN"},
		{"numeric '-0.000000001'", `"-0.000000001"`, "-0.000000001"},
		{"numeric '100'", `"100"`, "100"},
		{"'a\\tb'", `"a\tb"`, "a\tb"}, {"''", `""`, `""`}, {"cast(null as string)", "null", ""},
		{"'NULL'", `"NULL"`, "NULL"},
		{"'a\\nb'", `"a\nb"`, "\"a\nb\""},
		{"b''", `""`, `""`}, {"b'abc'", `"YWJj"`, "YWJj"},
		{"date '0001-01-01'", `"0001-01-01"`, "0001-01-01"},
		{"datetime '9999-12-31 23:59:59.999999'", `"9999-12-31T23:59:59.999999"`, "9999-12-31 23:59:59.999999"},
		{"timestamp '1969-12-31 23:59:59.5+00'", `"1969-12-31T23:59:59.5Z"`, "1969-12-31 23:59:59.5+00"},
		{"time '00:00:00.000001'", `"00:00:00.000001"`, "00:00:00.000001"},
		{"[true, false]", "[true,false]", `"[true,false]"`},
		{"struct(cast(null as int64) as b, 'x' as a)", `{"b":null,"a":"x"}`, `"{""b"":null,""a"":""x""}"`},
		{"[struct('' as a), struct(null)]", `[{"a":""},{"a":null}]`, `"[{""a"":""""},{""a"":null}]"`},
	} {
		if got := o.print(t, "jsonl", "select "+test.sql+" as v"); got != `{"v":`+test.json+"}\n" {
			t.Errorf("%s: JSON %s", test.sql, got)
		}
		if got := o.print(t, "csv", "select "+test.sql+" as v"); got != "v\n"+test.csv+"\n" {
			t.Errorf("%s: CSV %s", test.sql, got)
		}
	}
}

func TestSession_BindsParametersOfEveryType(t *testing.T) {
	o := openSession(t)
	for _, test := range []struct{ param, typ, json string }{
		{"p=42", "INT64", "42"}, {"p=-4.50", "FLOAT64", "-4.5"}, {"p=1e3", "FLOAT64", "1000"}, {"p=TRUE", "BOOL", "true"},
		{"p=2026-01-31", "DATE", `"2026-01-31"`}, {"p=2026-01-31T10:00:00+02:00", "TIMESTAMP", `"2026-01-31T08:00:00Z"`},
		{"p=2026-01-31 10:00:00", "DATETIME", `"2026-01-31T10:00:00"`}, {"p=it's; --", "STRING", `"it's; --"`}, {"p=", "STRING", `""`},
		{"p:STRING=42", "STRING", `"42"`}, {"p:NUMERIC=0.1", "NUMERIC", `"0.1"`}, {"p:BYTES=AP8=", "BYTES", `"AP8="`},
		{"p:TIME=10:00:00", "TIME", `"10:00:00"`}, {"p:INT64=NULL", "INT64", "null"},
		{`p:ARRAY<STRING>=["a'b","$p"]`, "ARRAY<STRING>", `["a'b","$p"]`},
		{`p:ARRAY<STRUCT<a INT64, b DATE>>=[{"a":1,"b":"2026-01-31"},{"a":null}]`, "ARRAY<STRUCT<a INT64, b DATE>>", `[{"a":1,"b":"2026-01-31"},{"a":null,"b":null}]`},
	} {
		p, err := transforms.ParseParam(test.param)
		if err != nil {
			t.Errorf("%s: %v", test.param, err)
			continue
		}
		o.options.Params = []transforms.Param{p}
		if got := p.Type.String(); got != test.typ {
			t.Errorf("%s: type %s, want %s", test.param, got, test.typ)
		}
		if got := o.print(t, "jsonl", "select @p as v, '$p' as text"); got != `{"v":`+test.json+`,"text":"$p"}`+"\n" {
			t.Errorf("%s: %s", test.param, got)
		}
	}
}

func TestSession_ReadsRowsOfStructsAsColumns(t *testing.T) {
	o := openSession(t)
	for sql, want := range map[string]string{
		"select as struct 2 as a, 'x' as b":                               `{"a":2,"b":"x"}`,
		"with t as (select 1 as n) (select as value n from t)":            `{"n":1}`,
		"select struct(1, 'a'), struct(2 as a, 3 as A) as s":              `{"f0_":{"_field_1":1,"_field_2":"a"},"s":{"a":2,"A_1":3}}`,
		"select * from unnest([struct(1, 2)])":                            `{"f0_":1,"f1_":2}`,
		"create temp table t as select as struct 1 as n; select * from t": `{"n":1}`,
	} {
		if got := o.print(t, "jsonl", sql); got != want+"\n" {
			t.Errorf("%s\n got %swant %s", sql, got, want)
		}
	}
}

func TestSession_ExplainsWithoutRunning(t *testing.T) {
	o := openSession(t)
	o.options.Explain = true
	got := o.print(t, "table", "create temp table t as select 1 / 0 as n; select n from t")
	if !strings.Contains(got, `CREATE TEMP TABLE temp."t_1" AS`) || !strings.Contains(got, `select n from temp."t_1" AS t;`) {
		t.Error(got)
	}
}
