package transforms

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/schemas"
)

// casedModel is a compiled model with cases, and the engine that compiled it.
type casedModel struct {
	engine *Engine
	*Compiled
}

// caseOf compiles one model that reads raw_shop.orders, with cases.
func caseOf(t *testing.T, query, cases string) casedModel {
	t.Helper()
	project := loadProject(t, map[string]modelText{"core/a_v1": {query: query, cases: cases}}, nil)
	engine := newStandIn(t).engine("")
	return casedModel{engine, compileAll(t, engine, project)[project.Models[0]]}
}

func (c casedModel) cases() ([]Case, error) { return c.engine.Cases(c.Compiled) }

func (c casedModel) run(t *testing.T) ([]CaseResult, error) {
	t.Helper()
	return c.engine.RunCases(t.Context(), []*Compiled{c.Compiled}, caseOptions(t, 1))
}

func caseOptions(t *testing.T, workers int) CaseOptions {
	open := func() (CaseWarehouse, error) { return unclosed{openMemory(t)}, nil }
	return CaseOptions{Workers: workers, Open: open, Clock: time.Now}
}

// unclosed leaves closing to the test's clean-up.
type unclosed struct{ CaseWarehouse }

func (unclosed) Close() error { return nil }

const ordersQuery = "select id, amount, ordered_at, ordered_at <= @as_of as known, cast(amount as double) / 3 as third, payload from raw_shop.orders where amount is not null or id = ''"

func TestRunCases_PassWhenRowsAreWanted(t *testing.T) {
	c := caseOf(t, ordersQuery, `Orders become orders.
-- as_of --
2026-02-01
-- none/want.csv --
id
-- several rows, in any order/raw_shop.orders.csv --
# what the shop sent
id, amount, ordered_at
o1, 10.50, 2026-01-01T00:00:00Z
o2, 3, 2026-01-01T02:00:00+01:00
o2, 3, 2026-01-01 01:00
gone,,2026-01-01
"",NULL,2026-03-01
-- several rows, in any order/want.csv --
ordered_at,id,amount,known,third,payload
2026-01-01 01:00:00,o2,3.0,true,1,NULL
2026-03-01,,NULL,false,,NULL

2026-01-01 01:00:00,o2,3.0,true,1.0000000000001,NULL
2026-01-01,o1,10.5,true,3.5,NULL
-- later/as_of --
2027-01-01T00:00:00Z
-- later/raw_shop.orders.csv --
id,amount,ordered_at,payload
o1,1,2026-12-31 23:59:59.999999,"{""a"": ""it's""}"
-- later/want.csv --
known,payload
true,"{""a"": ""it's""}"
`)
	results, err := c.run(t)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 3 {
		t.Fatalf("%d results", len(results))
	}
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Case, r.Err)
		}
	}
	if r := results[1]; r.Model != "core.a" || r.Case != "several rows, in any order" || r.File != "sql/core/a_v1/cases.txtar" || r.Line != 6 {
		t.Errorf("result is %+v", r)
	}
}

func TestRunCases_ShowCellsThatDiffer(t *testing.T) {
	const query = "select id, amount, ordered_at from raw_shop.orders"
	const orders = "-- raw_shop.orders.csv --\nid,amount,ordered_at\no1,1,2026-01-01\no2,2,2026-01-02\no3,3,\n"
	for name, test := range map[string]struct {
		want  string
		diffs []string
	}{
		"a cell": {"id,amount,ordered_at\no1,1,2026-01-01\no2,2,2026-01-03\no3,3.5,NULL\n", []string{
			`line 9: id="o2": ordered_at is "2026-01-02T00:00:00Z", want "2026-01-03T00:00:00Z"`,
			`line 10: id="o3": amount is "3", want "3.5"`,
		}},
		"a row too many": {"id,amount\no1,1\no2,2\n", []string{`unexpected row: id="o3" amount="3"`}},
		"a row too few":  {"id,amount\no1,1\no2,2\no3,3\no4,4\n", []string{`line 11: missing row: id="o4" amount="4"`}},
		"a row twice":    {"id,amount\no1,1\no2,2\no3,3\no3,3\n", []string{`line 11: missing row: id="o3" amount="3"`}},
		"without the key": {"amount,ordered_at\n1,2026-01-01\n2,2026-01-02\n4,NULL\n", []string{
			`line 10: amount is "3", want "4"`,
		}},
		"no rows wanted":         {"id\n", []string{`unexpected row: id="o1"`, `unexpected row: id="o2"`, `unexpected row: id="o3"`}},
		"empty text is not NULL": {"id\no1\no2\no3\nNULL\n", []string{`line 11: missing row: id=NULL`}},
	} {
		t.Run(name, func(t *testing.T) {
			results, err := caseOf(t, query, orders+"-- want.csv --\n"+test.want).run(t)
			if err != nil {
				t.Fatal(err)
			}
			var failed *CaseError
			if !errors.As(results[0].Err, &failed) {
				t.Fatalf("result is %v", results[0].Err)
			}
			var lines []string
			for _, d := range failed.Differences {
				lines = append(lines, d.String())
			}
			if got, want := strings.Join(lines, "\n"), strings.Join(test.diffs, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestCaseError_IsBounded(t *testing.T) {
	e := &CaseError{}
	e.add(make([]Difference, 5))
	e.add(make([]Difference, 995))
	wantError(t, e, "1000 rows differ", "and 988 more")
	if len(e.Differences) != maxDifferences {
		t.Errorf("%d differences are kept", len(e.Differences))
	}
}

func TestCases_FaultsNameTheLineInTheArchive(t *testing.T) {
	const query = "select id, amount, ordered_at <= @as_of as known from raw_shop.orders"
	const asOf = "-- as_of --\n2026-01-01\n"
	for name, test := range map[string]struct{ cases, want string }{
		"unknown column":   {asOf + "-- one/raw_shop.orders.csv --\nid,amuont\n1,2\n-- one/want.csv --\nid\n", `cases.txtar:4:4: raw_shop.orders.csv: unknown column "amuont"; did you mean "amount"?`},
		"unknown table":    {asOf + "-- one/raw_shop.order.csv --\nid\n-- one/want.csv --\nid\n", `cases.txtar:3:1: the query does not read raw_shop.order; did you mean "raw_shop.orders"?`},
		"unknown file":     {asOf + "-- one/wnat.txt --\nid\n-- one/want.csv --\nid\n", `cases.txtar:3:1: unknown file "wnat.txt"; known: as_of, raw_shop.orders.csv, want.csv`},
		"bad number":       {asOf + "-- one/raw_shop.orders.csv --\nid,amount\n\n1,2\n1,ten\n-- one/want.csv --\nid\n", `cases.txtar:7:3: raw_shop.orders.csv: column amount: "ten" is not of type NUMERIC`},
		"bad want":         {asOf + "-- one/want.csv --\nknown\nmaybe\n", `cases.txtar:5:1: want.csv: column known: "maybe" is not of type BOOL`},
		"too few cells":    {asOf + "-- one/want.csv --\nid,known\n1\n", "cases.txtar:5:1: want.csv: the row has 1 cells, the header 2"},
		"a column twice":   {asOf + "-- one/want.csv --\nid,id\n", `cases.txtar:4:4: want.csv: column "id" stands twice`},
		"no header":        {asOf + "-- one/want.csv --\n", "cases.txtar:4:1: want.csv: the header is missing"},
		"no want":          {asOf + "-- one/raw_shop.orders.csv --\nid\n", `cases.txtar:3:1: case "one" expects nothing`},
		"no as_of":         {"Text.\n-- one/want.csv --\nid\n", `cases.txtar:2:1: case "one" has no as_of`},
		"as_of is no time": {"-- as_of --\ntoday\n-- one/want.csv --\nid\n", `cases.txtar:2:1: "today" is not a timestamp`},
		"quote not closed": {asOf + "-- one/want.csv --\nid\n\"a\n", "cases.txtar:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := caseOf(t, query, test.cases).cases()
			wantError(t, err, test.want)
		})
	}
}

func TestCases_AllFaultsOfAnArchiveAreReported(t *testing.T) {
	c := caseOf(t, "select id from raw_shop.orders", "-- one/want.csv --\nidd\n-- two/raw_shop.item.csv --\nid\n-- two/want.csv --\nix\n-- three/want.csv --\nid\n")
	cases, err := c.cases()
	wantError(t, err, `unknown column "idd"`, "does not read raw_shop.item", `unknown column "ix"`)
	if len(cases) != 1 || cases[0].Name != "three" {
		t.Errorf("cases are %+v", cases)
	}
}

func TestCases_AModelWithoutCasesHasNone(t *testing.T) {
	results, err := caseOf(t, "select 1 as id", "").run(t)
	if err != nil || len(results) != 0 {
		t.Errorf("%v, %v", results, err)
	}
}

func TestRunCases_RefusedStatementFailsItsCaseOnly(t *testing.T) {
	c := caseOf(t, "select case when id = 'bad' then error('no') else id end as id from raw_shop.orders",
		"-- bad/raw_shop.orders.csv --\nid\nbad\n-- bad/want.csv --\nid\n-- good/want.csv --\nid\n")
	results, err := c.run(t)
	if err != nil || len(results) != 2 || results[1].Err != nil {
		t.Fatalf("%v, %v", results, err)
	}
	wantError(t, results[0].Err, "no")
}

func TestRunCases_ResultsStayInOrderOverManyWorkers(t *testing.T) {
	models := map[string]modelText{}
	for i := range 10 {
		var cases strings.Builder
		for j := range 20 {
			fmt.Fprintf(&cases, "-- case %02d/raw_shop.orders.csv --\nid,amount\nx,%d\n-- case %02d/want.csv --\nn\n%d\n", j, j, j, i*100+j)
		}
		models[fmt.Sprintf("core/m%d_v1", i)] = modelText{
			query: fmt.Sprintf("select id, %d + cast(amount as bigint) as n from raw_shop.orders", i*100),
			cases: cases.String(),
		}
	}
	project := loadProject(t, models, nil)
	engine := newStandIn(t).engine("")
	compiled := compileAll(t, engine, project)
	var list []*Compiled
	for _, m := range project.Models {
		list = append(list, compiled[m])
	}
	start := time.Now()
	results, err := engine.RunCases(t.Context(), list, caseOptions(t, 2))
	if err != nil || len(results) != 200 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, r := range results {
		if r.Model != fmt.Sprintf("core.m%d", i/20) || r.Case != fmt.Sprintf("case %02d", i%20) || r.Err != nil {
			t.Errorf("result %d is %+v", i, r)
		}
	}
	t.Logf("200 cases in %v", time.Since(start))
}

func TestRunCases_ReportsThatAWarehouseDoesNotOpen(t *testing.T) {
	c := caseOf(t, "select 1 as id", "-- want.csv --\nid\n1\n")
	options := caseOptions(t, 2)
	options.Open = func() (CaseWarehouse, error) { return nil, errors.New("no memory") }
	_, err := c.engine.RunCases(t.Context(), []*Compiled{c.Compiled}, options)
	wantError(t, err, "open a warehouse for cases: no memory")
}

func TestParseCell_ReadsEveryTypeAndDuckDBReadsItBack(t *testing.T) {
	db := openMemory(t)
	for _, test := range []struct {
		typ, text string
		want      any
	}{
		{"STRING", "it's", "it's"}, {"STRING", "", ""}, {"STRING", "NULL", nil}, {"STRING", "a\nb", "a\nb"},
		{"INT64", "-9223372036854775808", int64(-1 << 63)}, {"INT64", "", nil},
		{"FLOAT64", "1e-3", 0.001}, {"FLOAT64", "2", 2.0},
		{"BOOL", "false", false},
		{"NUMERIC", "12345678901234567890.123456789", "12345678901234567890.123456789"}, {"NUMERIC", "1.50", "1.5"}, {"NUMERIC", "-0.5", "-0.5"}, {"NUMERIC", "100", "100"},
		{"DATE", "2024-02-29", "2024-02-29"},
		{"TIMESTAMP", "2024-02-29T12:00:00.123456+02:00", "2024-02-29T10:00:00.123456Z"},
		{"TIMESTAMP", "2024-02-29 12:00:00 UTC", "2024-02-29T12:00:00Z"},
		{"DATETIME", "2024-02-29 12:00", "2024-02-29T12:00:00Z"},
		{"ARRAY<STRING>", `["a", null, "it's"]`, []any{"a", nil, "it's"}}, {"ARRAY<STRING>", "[]", []any{}}, {"ARRAY<INT64>", "[1]", []any{int64(1)}},
		{"ARRAY<STRUCT<k STRING, v FLOAT64>>", `[{"k": "a", "v": 1}, {"k": "b"}]`,
			[]any{map[string]any{"k": "a", "v": 1.0}, map[string]any{"k": "b", "v": nil}}},
		{"STRUCT<d DATE>", `{"d": "2024-01-01"}`, map[string]any{"d": "2024-01-01"}},
	} {
		typ, err := schemas.ParseType(test.typ)
		if err != nil {
			t.Fatal(err)
		}
		value, err := parseCell(typ, test.text)
		if err != nil || !sameValue(test.want, value) {
			t.Errorf("%s %q is %#v, %v; want %#v", typ, test.text, value, err, test.want)
			continue
		}
		columns := []schemas.Column{{Name: "c", Type: typ}}
		sql, err := fixtureSQL(columns, fixture{columns: columns, rows: [][]any{{value}}})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := query(t.Context(), db, warehouseStatement(sql), 1)
		if err != nil {
			t.Errorf("%s %q: %v", typ, test.text, err)
			continue
		}
		if got := rows.Values[0][0]; !sameValue(value, got) {
			t.Errorf("%s %q came back as %#v", typ, test.text, got)
		}
	}
}

func TestParseCell_RefusesWhatIsNotOfItsType(t *testing.T) {
	for _, test := range []struct{ typ, text string }{
		{"INT64", "1.5"}, {"INT64", "9223372036854775808"}, {"FLOAT64", "x"}, {"BOOL", "yes"}, {"NUMERIC", "1/3"}, {"NUMERIC", "x"},
		{"DATE", "2023-02-29"}, {"DATE", "2023-01-01T00:00:00Z"}, {"TIMESTAMP", "yesterday"}, {"ARRAY<INT64>", "1"}, {"ARRAY<INT64>", "[1.5]"},
		{"ARRAY<INT64>", "[[1]]"}, {"ARRAY<STRING>", "[1]"}, {"STRUCT<a INT64>", `{"b": 1}`}, {"STRUCT<a INT64>", `{"a": "x"}`}, {"ARRAY<INT64>", "[1"}, {"TIME", "25:00:00"},
	} {
		typ, err := schemas.ParseType(test.typ)
		if err != nil {
			t.Fatal(err)
		}
		if value, err := parseCell(typ, test.text); err == nil {
			t.Errorf("%s %q is %#v", test.typ, test.text, value)
		}
	}
}

func TestSameValue_AllowsFloatsToDifferByRounding(t *testing.T) {
	for _, test := range []struct {
		a, b any
		same bool
	}{
		{0.1 + 0.2, 0.3, true}, {1.0, 1.0 + 2e-9, false}, {1e12, 1e12 + 100, true}, {1e12, 1e12 + 10000, false}, {0.0, 1e-10, true},
		{1.0, nil, false}, {nil, 1.0, false}, {nil, nil, true}, {int64(1), 1.0, false}, {"1", "1.0", false},
		{[]any{0.1 + 0.2}, []any{0.3}, true}, {[]any{1.0}, []any{1.0, 1.0}, false},
		{map[string]any{"a": nil}, map[string]any{"b": nil}, false},
	} {
		if got := sameValue(test.a, test.b); got != test.same {
			t.Errorf("sameValue(%v, %v) = %v", test.a, test.b, got)
		}
	}
}
