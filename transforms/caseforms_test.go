package transforms

import (
	"errors"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

func passAll(t *testing.T, c casedModel, want int) {
	t.Helper()
	results, err := c.run(t)
	if err != nil || len(results) != want {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Errorf("%s: %v", r.Case, r.Err)
		}
	}
}

func TestCases_TablesMayBeJSON(t *testing.T) {
	passAll(t, caseOf(t, "select id, amount, ordered_at, payload, case when id = 'o1' then ['a'] else null end as tags from raw_shop.orders", `
-- an array/raw_shop.orders.json --
[
  {"id": "o1", "amount": 10.50, "ordered_at": "2026-01-01"},
  {"payload": {"a": [1, "x"]}, "amount": "12345678901234567890.5", "id": "NULL"}
]
-- an array/want.json --
[{"id": "NULL", "payload": "{\"a\":[1,\"x\"]}", "amount": 12345678901234567890.5, "ordered_at": null, "tags": null},
 {"id": "o1", "payload": null, "amount": 10.5, "ordered_at": "2026-01-01T00:00:00Z", "tags": ["a"]}]
-- a line per row/raw_shop.orders.jsonl --
{"id": "o1"}
{"id": ""}

-- a line per row/want.jsonl --
{"id": ""}
{"id": "o1"}
-- lines under the other ending/raw_shop.orders.json --
{"id": "o1"}
{"id": "o1"}
-- lines under the other ending/want.csv --
id
o1
o1
-- no rows/raw_shop.orders.json --
[]
-- no rows/want.json --
[]
-- rows that say nothing/raw_shop.orders.json --
[{}, {}]
-- rows that say nothing/want.csv --
id,amount
NULL,NULL
NULL,NULL
`), 5)
}

func TestCases_NoRowsInJSONRefuseAllRows(t *testing.T) {
	results, err := caseOf(t, "select id, amount from raw_shop.orders", "-- raw_shop.orders.json --\n[{\"id\": \"o1\"}]\n-- want.json --\n[]\n").run(t)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, results[0].Err, `unexpected row: id="o1" amount=NULL`)
}

func TestCases_FaultsInJSONNameTheirPlace(t *testing.T) {
	for name, test := range map[string]struct{ input, want, fault string }{
		"unknown column":      {"[\n{\"id\": \"a\",\n  \"amuont\": 1}]", `[]`, `cases.txtar:4:3: raw_shop.orders.json: unknown column "amuont"; did you mean "amount"?`},
		"wrong type":          {`[{"id": "a", "amount": "ten"}]`, `[]`, `cases.txtar:2:24: raw_shop.orders.json: column amount: "ten" is not of type NUMERIC`},
		"no text of a number": {`[{"id": 1}]`, `[]`, `column id: 1 is not of type STRING`},
		"not a row":           {`[1]`, `[]`, `cases.txtar:2:2: raw_shop.orders.json: 1 is not a row`},
		"not an object":       {`"id"`, `[]`, `"id" is not a row`},
		"cut":                 {"[{\"id\": \"a\"}", `[]`, `cases.txtar:`},
		"a comma too many":    {"[{\"id\": \"a\"},]", `[]`, `cases.txtar:2:`},
		"a member twice":      {`[{"id": "a", "id": "b"}]`, `[]`, `duplicate`},
		"text behind":         {"[]\n{\"id\": \"a\"}", `[]`, `cases.txtar:3:1: raw_shop.orders.json: there is text behind the array`},
		"nothing":             {"", `[]`, `there is nothing in the file`},
		"a want with gaps":    {`[]`, "{\"id\": \"a\"}\n{\"id\": \"b\", \"amount\": 1}", `cases.txtar:4:1: want.json: the row says nothing of column amount`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := caseOf(t, "select id, amount from raw_shop.orders", "-- raw_shop.orders.json --\n"+test.input+"\n-- want.json --\n"+test.want+"\n").cases()
			wantError(t, err, test.fault)
		})
	}
}

const steps = `with

orders as (
    select * from raw_shop.orders -- ) a bracket in a comment
),

` + "`big ones` as (select id from orders where amount > 10 and id <> ')')," + `

totals as (
    select count(*) as order_count, sum(amount) as total_amount from orders
),

final as (
    select id, amount from orders where amount >= (select total_amount / order_count from totals)
)

select * from final
`

func TestCases_LookIntoCTEs(t *testing.T) {
	c := caseOf(t, strings.ReplaceAll(steps, "`big ones`", "big_ones"), `-- raw_shop.orders.csv --
id,amount
a,10
b,20
-- all/want.csv --
id
b
-- all/want.totals.csv --
order_count,total_amount
2,30
-- all/want.big_ones.json --
[{"id": "b"}]
-- wrong/want.orders.csv --
id,amount
a,10
b,21
-- wrong/want.TOTALS.csv --
order_count
3
`)
	results, err := c.run(t)
	if err != nil || len(results) != 2 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	if results[0].Err != nil {
		t.Error(results[0].Err)
	}
	wantError(t, results[1].Err, "2 rows differ", "CTE orders: line 16: amount is \"20\", want \"21\"", "CTE TOTALS: line 19: order_count is 2, want 3")
}

func TestCases_UnknownCTEIsAFault(t *testing.T) {
	_, err := caseOf(t, strings.ReplaceAll(steps, "`big ones`", "big_ones"), "-- want.total.csv --\norder_count\n1\n").cases()
	wantError(t, err, `cases.txtar:1:1: the query has no CTE "total"; did you mean "totals"?`)
	_, err = caseOf(t, "select 1 as id", "-- want.total.csv --\norder_count\n1\n").cases()
	wantError(t, err, `the query has no CTE "total"; the query has no CTE: want.csv names the model's own rows`)
}

func TestEndIn_KeepsLinesAndKnowsAllCTEs(t *testing.T) {
	source := syntax.Source{Name: "q.sql", Text: "-- One row per order, with (brackets).\n" + steps}
	for name, end := range map[string]string{"orders": "select * from orders\n", "big ones": "select * from `big ones`\n", "Final": "select * from final\n"} {
		cut, known, err := endIn(source, name)
		if err != nil || strings.Join(known, ",") != "orders,big ones,totals,final" {
			t.Fatalf("known are %q, %v", known, err)
		}
		kept := source.Text[:strings.Index(source.Text, "\n\nselect * from final")]
		if cut.Text != kept+"\n"+end || cut.Name != "q.sql" {
			t.Errorf("%s: cut is\n%s", name, cut.Text)
		}
	}
	for _, text := range []string{"select 1 as with_it", "", "with", "with a", "with a as (select 1", "with a as materialised"} {
		if cut, known, err := endIn(syntax.Source{Text: text}, "a"); cut.Text != "" || len(known) > 0 || err != nil {
			t.Errorf("%q: %q, %q, %v", text, cut.Text, known, err)
		}
	}
	cut, _, err := endIn(syntax.Source{Text: "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select i from n"}, "n")
	if err != nil || !strings.HasSuffix(cut.Text, ")\nselect * from n\n") {
		t.Errorf("recursive: %q, %v", cut.Text, err)
	}
	if _, _, err := endIn(syntax.Source{Name: "q.sql", Text: "with a as (select 'x)"}, "a"); err == nil {
		t.Error("a text without an end is cut")
	}
}

func TestCases_ExpectErrors(t *testing.T) {
	c := caseOf(t, "select case when id = 'bad' then error('no such order') else id end as id from raw_shop.orders", `-- want.csv --
id
-- bad/raw_shop.orders.csv --
id
bad
-- bad/want.error --
no such order
-- other/raw_shop.orders.csv --
id
bad
-- other/want.error --
division by zero
-- good/raw_shop.orders.csv --
id
good
-- good/want.error --
no such order
`)
	results, err := c.run(t)
	if err != nil || len(results) != 3 || results[0].Err != nil {
		t.Fatalf("%v, %v", results, err)
	}
	wantError(t, results[1].Err, `the query ended in another error than one with "division by zero"`, "no such order")
	wantError(t, results[2].Err, `the query ended well; want an error with "no such order"`)
}

func TestCases_RefuseContradictions(t *testing.T) {
	for name, test := range map[string]struct{ cases, want string }{
		"rows and an error":  {"-- one/want.csv --\nid\n-- one/want.error --\nno\n", `cases.txtar:1:1: case "one" expects rows and an error`},
		"two forms":          {"-- one/want.csv --\nid\n-- one/want.json --\n[]\n", `cases.txtar:3:1: "want" stands twice in case "one"`},
		"an empty error":     {"-- one/want.error --\n\n", `cases.txtar:1:1: want.error is empty`},
		"text without files": {"id,amount\n", `cases.txtar:1:1: the file has no case`},
		"unknown parameter":  {"-- one/as_off --\n2026-01-01\n-- one/want.csv --\nid\n", `cases.txtar:1:1: unknown file "as_off"; did you mean "as_of"?`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := caseOf(t, "select id from raw_shop.orders", test.cases).cases()
			wantError(t, err, test.want)
		})
	}
}

func TestCases_FaultOfASharedFileIsReportedOnce(t *testing.T) {
	_, err := caseOf(t, "select id from raw_shop.orders", "-- raw_shop.orders.csv --\nidd\n-- one/want.csv --\nid\n-- two/want.csv --\nid\n").cases()
	if err == nil || strings.Count(err.Error(), "unknown column") != 1 {
		t.Errorf("error is %v", err)
	}
}

func TestRunCases_MatchAndFailFastChooseWhatRuns(t *testing.T) {
	c := caseOf(t, "select id from raw_shop.orders", "-- a/want.csv --\nid\n-- b/want.csv --\nid\nx\n-- c/want.csv --\nid\n")
	for _, test := range []struct {
		match    func(model, name string) bool
		failFast bool
		want     string
	}{
		{nil, false, "a b c"},
		{nil, true, "a b"},
		{func(model, name string) bool { return model == "core.a" && name != "b" }, true, "a c"},
		{func(_, name string) bool { return name == "z" }, false, ""},
	} {
		options := caseOptions(t, 1)
		options.Match, options.FailFast = test.match, test.failFast
		results, err := c.engine.RunCases(t.Context(), []*Compiled{c.Compiled}, options)
		if err != nil {
			t.Fatal(err)
		}
		var ran []string
		for _, r := range results {
			ran = append(ran, r.Case)
		}
		if got := strings.Join(ran, " "); got != test.want {
			t.Errorf("ran %q, want %q", got, test.want)
		}
	}
}

func TestRunCases_GoodCasesRunBesideABrokenOne(t *testing.T) {
	results, err := caseOf(t, "select id from raw_shop.orders", "-- a/want.csv --\nidd\n-- b/want.csv --\nid\n").run(t)
	var fault *syntax.Diagnostic
	if !errors.As(err, &fault) || len(results) != 1 || results[0].Case != "b" || results[0].Err != nil {
		t.Errorf("%+v, %v", results, err)
	}
}

func TestDifference_ShowsWhereLongTextsDiffer(t *testing.T) {
	long := strings.Repeat("x", 5000)
	columns := []schemas.Column{{Name: "id", Type: schemas.Type{Kind: schemas.String}}}
	rows := fixture{columns: columns, rows: [][]any{{long + "a" + long}}, lines: []int{1}}
	w := want{query: &Compiled{Model: &Model{}}, rows: rows}
	differences := compare(w, [][]any{{long + "b" + long}})
	if len(differences) != 1 {
		t.Fatal(differences)
	}
	if text := differences[0].String(); len(text) > 1000 || !strings.Contains(text, "xax") || !strings.Contains(text, "xbx") {
		t.Errorf("difference is %s", text)
	}
	want, got := aroundDifference(long+"a"+long, long+"b"+long)
	if !strings.Contains(want, "xax") || !strings.Contains(got, "xbx") || len([]rune(want)) != maxCellRunes+2 {
		t.Errorf("%s\n%s", want, got)
	}
}
