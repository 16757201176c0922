package lint_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/transforms/gsql"
	"github.com/ripen-data/ripen/transforms/lint"
	"github.com/ripen-data/ripen/transforms/syntax"
)

func TestCheck_FindsEachTrap(t *testing.T) {
	parser, err := gsql.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sql  string
		want string // rule:line:column, apart by blanks
	}{
		{"select * from t", ""},
		{"select * from t join u on t.id = u.id", "select-star:1:8"},
		{"select *, 1 as x from t", "select-star:1:8"},
		{"select t.*, u.x from t join u on t.id = u.id", ""},
		{"select * from raw_shop.orders", "select-star:1:8"},
		{"with o as (select * from raw_shop.orders), p as (select * from o)\nselect * from p", "select-star:1:19"},
		{"with o as (select * from raw_shop.orders)\nselect o.id from o", ""},

		{"select a from t join u on t.id = u.id where b", "unqualified-column:1:8 unqualified-column:1:45"},
		{"select a from t where b", ""},
		{"select t.a as b, count(*) as n from t join u using (id) group by b having n > 1 qualify rank() over (order by id) = 1", ""},
		{"select x, o, t.a from t, unnest(t.xs) as x with offset as o", ""},
		{"select a, x from t cross join unnest(t.xs) as x", ""},
		{"select t.a, (select max(b) from v) as m from t join u on t.id = u.id", ""},
		{"select timestamp_diff(t.a, u.b, day), date_trunc(t.d, week(monday)), extract(year from t.d), cast(t.a as int64) from t join u on t.id = u.id", ""},
		{"select sum(t.a) over (partition by b) from t join u on t.id = u.id", "unqualified-column:1:36"},
		{"select t.a from t join u on id = u.id", "unqualified-column:1:29"},

		{"select current_timestamp() as at_time, current_date as d", "current-time:1:8 current-time:1:40"},
		{"select rand() as r, generate_uuid() as u", "random-value:1:8 random-value:1:21"},
		{"with a as (select 1), b as (select 2), c as (select * from a)\nselect * from c", "unused-cte:1:23"},
		{"with a as (select 1) select * from shop.a", "unused-cte:1:6"},
		{"select a, count(*) as n from t group by 1 order by 2, a", "position:1:41 position:1:52"},
		{"select t.a from t, u", "comma-join:1:18"},
		{"select t.a from t, t.items", ""},
		{"select a not in (select b from u) from t", "not-in-subquery:1:8"},
		{"select not a in (select b from u), a not in (1, 2), a in (select b from u) from t", "not-in-subquery:1:8"},
		{"select a = null, a is null, null != a from t", "null-comparison:1:8 null-comparison:1:29"},
		{"select 1;\nselect rand() as r;\n", "random-value:2:8"},
	} {
		if got := found(t, parser, "checks.sql", c.sql); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.sql, got, c.want)
		}
	}
}

// found is what Check finds, without what is about looks.
func found(t *testing.T, parser lint.Parser, name, sql string) string {
	t.Helper()
	findings, err := lint.Check(syntax.Source{Name: name, Text: sql}, parser)
	if err != nil {
		t.Errorf("%s: %v", sql, err)
	}
	var list []string
	for _, f := range findings {
		if f.Message == "" || f.Hint == "" || f.Name != name {
			t.Errorf("%s: no advice in %+v", sql, f)
		}
		if !f.Minor {
			list = append(list, fmt.Sprintf("%s:%d:%d", f.Rule, f.Line, f.Column))
		}
	}
	return strings.Join(list, " ")
}

func TestCheck_IgnoresWhereAReasonIsGiven(t *testing.T) {
	parser, err := gsql.Open()
	if err != nil {
		t.Fatal(err)
	}
	for sql, want := range map[string]string{
		"select rand() as r -- lint:ignore random-value a sample":                             "",
		"-- lint:ignore random-value a sample\n-- of rows\nselect rand() as r":                "",
		"/* lint:ignore random-value a sample */ select rand() as r":                          "",
		"select rand() as r -- lint:ignore random-value":                                      "random-value:1:8 bad-ignore:1:20",
		"select rand() as r -- lint:ignore random-valeu a sample":                             "random-value:1:8 bad-ignore:1:20",
		"select 1 as r -- lint:ignore random-value a sample":                                  "bad-ignore:1:15",
		"select rand() as r -- lint:ignore current-time no":                                   "random-value:1:8 bad-ignore:1:20",
		"select\n    rand() as r, -- lint:ignore random-value a sample\n    rand() as s":      "random-value:3:5",
		"select ' -- lint:ignore random-value in a string' as x -- lint:ignore is not this -": "bad-ignore:1:56",
	} {
		if got := found(t, parser, "checks.sql", sql); got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
	}
}

func TestCheck_AsksAModelForItsGrainAndTheHouseStyle(t *testing.T) {
	parser, err := gsql.Open()
	if err != nil {
		t.Fatal(err)
	}
	findings, err := lint.Check(syntax.Source{Name: "sql/a/b_v1/query.sql", Text: "select 1 as a,\n  2 as b\n"}, parser)
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, f := range findings {
		rules = append(rules, fmt.Sprintf("%s %d %v", f.Rule, f.Line, f.Minor))
	}
	if want := []string{"missing-grain 1 false", "not-formatted 1 true"}; !slices.Equal(rules, want) {
		t.Errorf("%q, want %q", rules, want)
	}
}

func TestCheck_NamesEveryStatementThatDoesNotParse(t *testing.T) {
	parser, err := gsql.Open()
	if err != nil {
		t.Fatal(err)
	}
	_, err = lint.Check(syntax.Source{Name: "checks.sql", Text: "select from;\nselect 1;\n  select 2 3"}, parser)
	var fault *syntax.Diagnostic
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), "checks.sql:1:8") || !strings.Contains(err.Error(), "checks.sql:3:12") {
		t.Error(err)
	}
	_, err = lint.Check(syntax.Source{Name: "checks.sql", Text: "select 1;\nselect 'x"}, parser)
	if !errors.As(err, &fault) || fault.Line != 2 || fault.Column != 8 {
		t.Error(err)
	}
}
