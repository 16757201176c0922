package gsql

import (
	"strings"
	"testing"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// faultsOf are the faults of a statement, one per line and without the file's name.
func faultsOf(err error) string {
	if err == nil {
		return ""
	}
	return strings.ReplaceAll(err.Error(), "q.sql:", "")
}

func TestCheck_ReportsAllFaultsOfAStatementAtOnce(t *testing.T) {
	engine := openEngine(t)
	for _, test := range []struct{ name, text, want string }{
		{"two wrong columns", `select usr_id, amuont, n from raw.events`, `
1:8: Unrecognized name: usr_id; did you mean "user_id"?
1:16: Unrecognized name: amuont; did you mean "amount"?`},
		{"wrong columns in two steps and in what reads them", `with a as (select usr_id as u from raw.events), b as (select plam as p, account_id from core.dim_account) select a.u, b.p, b.zzz from a join b on a.u = b.account_id`, `
1:19: Unrecognized name: usr_id; did you mean "user_id"?
1:62: Unrecognized name: plam; did you mean "plan"?
1:126: Name zzz not found inside b; known: account_id, p`},
		{"wrong function, wrong column and wrong table", `select max_by(usr_id, ts), n from raw.evnts where ts > 1`, `
1:8: Function not found: max_by; write ANY_VALUE(x HAVING MAX y)
1:35: Table not found: raw.evnts; did you mean "raw.events"?`},
		{"types and names, each for itself", `select n = 'x' as a, usr_id, user_id = 3 as b, n + 1 as c from raw.events where n = 'a' and user_id = 5 and bad = 1`, `
1:22: Unrecognized name: usr_id; did you mean "user_id"?
1:81: No matching signature for operator = for argument types: INT64, STRING; cast one side: CAST(x AS type)
1:93: No matching signature for operator = for argument types: STRING, INT64; cast one side: CAST(x AS type)
1:109: Unrecognized name: bad; known: amount, n, tags, ts, user_id`},
		{"what rests on a masked column is silent", `with e as (select *, bad as b2 from raw.events) select b2 + 1 as x, b2 = 'a' as y, upper(b2) as z, e.bad3 from e where b2 > 'a' and e.bad4 = 1`, `
1:22: Unrecognized name: bad; known: amount, n, tags, ts, user_id
1:102: Name bad3 not found inside e; known: amount, b2, n, tags, ts, user_id
1:135: Name bad4 not found inside e; known: amount, b2, n, tags, ts, user_id`},
		{"columns of an unknown table are silent, those of others not", `with e as (select * from raw.evnts), a as (select * from core.dim_account) select e.user_id, a.bad, e.foo + 1 as f, upper(e.foo) as g, a.plan + 1 as h, zork from e join a on e.user_id = a.user_id`, `
1:26: Table not found: raw.evnts; did you mean "raw.events"?
1:96: Name bad not found inside a; known: account_id, plan, user_id
1:136: No matching signature for operator + for argument types: STRING, INT64; cast one side: CAST(x AS type)`},
		{"what does not read an unknown table is not spared", `with a as (select usr_id from raw.events), b as (select plam from core.dim_account, raw.events) select a.user_id from a where exists (select 1 from raw.evnts as e where e.foo = a.foo and bar = 1)`, `
1:19: Unrecognized name: usr_id; did you mean "user_id"?
1:57: Unrecognized name: plam; did you mean "plan"?
1:149: Table not found: raw.evnts; did you mean "raw.events"?`},
		{"steps that read an unknown table are spared", `with e as (select * from raw.evnts), f as (select * from e) select foo, n from (select * from f), raw.events order by bar`, `
1:26: Table not found: raw.evnts; did you mean "raw.events"?`},
		{"a value whose query is masked has no type", `select v + 1 as next from (select as value usr_id from raw.events) as v`, `
1:44: Unrecognized name: usr_id; did you mean "user_id"?`},
		{"a branch that reads an unknown table may have any name", `select user_id, n from raw.events full union all by name select ext from raw.evnts order by extra`, `
1:74: Table not found: raw.evnts; did you mean "raw.events"?`},
		{"a name is reported once per SELECT", `select usr_id, count(*) as n from raw.events group by usr_id order by usr_id`, `
1:8: Unrecognized name: usr_id; did you mean "user_id"?`},
		{"a masked GROUP BY refuses nothing", `select usr_id, n from raw.events group by usr_id`, `
1:8: Unrecognized name: usr_id; did you mean "user_id"?`},
		{"not grouped", `select user_id, count(*) as c from raw.events group by n`, `
1:8: SELECT list expression references column user_id which is neither grouped nor aggregated; add it to GROUP BY, or aggregate it: ANY_VALUE(user_id)`},
		{"column of USING", `select a.user_id, b.plan2 from raw.events a join core.dim_account b using (usr_id) where plan = 3`, `
1:21: Name plan2 not found inside b; did you mean "plan"?
1:76: Column usr_id in USING clause not found on left side of join; did you mean "user_id"?
1:90: No matching signature for operator = for argument types: STRING, INT64; cast one side: CAST(x AS type)`},
		{"masked branch of a set operation", `select user_id as u from raw.events union all select bad from raw.events union all select n from raw.events`, `
1:54: Unrecognized name: bad; known: amount, n, tags, ts, user_id`},
		{"types of a set operation with a masked branch", `select n as u, user_id as b from raw.events union all select user_id, bad from raw.events`, `
1:71: Unrecognized name: bad; known: amount, n, tags, ts, user_id`},
		{"set operation in a step", `with x as (select n as u from raw.events union all select user_id from raw.events), y as (select u, bad from x) select y.u, y.bad, y.nope from y`, `
1:52: Column 1 in UNION ALL has incompatible types: INT64, STRING; cast the column in one of the branches`},
		{"array that does not exist", `select t.k, t.kk, t.v = 'a' from raw.events e, unnest(e.tgs) t`, `
1:57: Name tgs not found inside e; did you mean "tags"?`},
		{"fields of a STRUCT", `select t.k, t.kk, t.v = 'a' from raw.events e, unnest(e.tags) t where t.zz = 1`, `
1:15: Field name kk does not exist in STRUCT<k STRING, v INT64>; did you mean "k"?
1:19: No matching signature for operator = for argument types: INT64, STRING; cast one side: CAST(x AS type)
1:73: Field name zz does not exist in STRUCT<k STRING, v INT64>; did you mean "k"?`},
		{"date parts, types and parameters", `select date_trunc(ts, mnth) as m, date_diff(ts, user_id, day) as d, extract(yeer from ts) as y, cast(n as strng) as z, @asof as p from raw.events`, `
1:23: A valid date part name is required but found mnth; did you mean "MONTH"?
1:35: No matching signature for function DATE_DIFF for argument types: TIMESTAMP, STRING, date part; it takes DATE_DIFF(DATE, DATE, date part) or DATE_DIFF(DATETIME, DATETIME, date part) or DATE_DIFF(TIMESTAMP, TIMESTAMP, date part)
1:77: A valid date part name is required but found yeer; did you mean "YEAR"?
1:107: Type not found: strng; did you mean "STRING"?
1:120: Query parameter 'asof' not found; did you mean "@as_of"?`},
		{"conditions of CASE", `select case when n = 'x' then 1 when user_id = 3 then 2 when bad then 3 end as a from raw.events`, `
1:18: No matching signature for operator = for argument types: INT64, STRING; cast one side: CAST(x AS type)
1:38: No matching signature for operator = for argument types: STRING, INT64; cast one side: CAST(x AS type)
1:62: Unrecognized name: bad; known: amount, n, tags, ts, user_id`},
		{"unknown functions keep their arguments", `select lowr(bad) as a, cont(n, bad2) as b, foo(bar(bad3)) from raw.events`, `
1:8: Function not found: lowr; did you mean "lower"?
1:13: Unrecognized name: bad; known: amount, n, tags, ts, user_id
1:24: Function not found: cont; did you mean "count"?
1:32: Unrecognized name: bad2; known: amount, n, tags, ts, user_id
1:44: Function not found: foo
1:48: Function not found: bar
1:52: Unrecognized name: bad3; known: amount, n, tags, ts, user_id`},
		{"EXCEPT", `select * except (bad, n) from raw.events where bad5 = 1`, `
1:18: Column bad in SELECT * EXCEPT list does not exist; known: amount, n, tags, ts, user_id
1:48: Unrecognized name: bad5; known: amount, n, tags, ts, user_id`},
		{"EXCEPT and REPLACE", `select * except (bad) replace (bad2 as n) from raw.events where bad5 = 1`, `
1:18: Column bad in SELECT * EXCEPT list does not exist; known: amount, n, tags, ts, user_id
1:32: Unrecognized name: bad2; known: amount, n, tags, ts, user_id
1:65: Unrecognized name: bad5; known: amount, n, tags, ts, user_id`},
		{"REPLACE", `select * replace (1 as bad) from raw.events where bad5 = 1`, `
1:24: Column bad in SELECT * REPLACE list does not exist; known: amount, n, tags, ts, user_id
1:51: Unrecognized name: bad5; known: amount, n, tags, ts, user_id`},
		{"HAVING and QUALIFY", `select sum(bad) as s, n from raw.events group by n having s > 1 and bad2 > 1 qualify row_number() over (partition by bad3 order by bad4) = 1`, `
1:12: Unrecognized name: bad; known: amount, n, tags, ts, user_id
1:69: Unrecognized name: bad2; known: amount, n, tags, ts, user_id
1:118: Unrecognized name: bad3; known: amount, n, tags, ts, user_id
1:132: Unrecognized name: bad4; known: amount, n, tags, ts, user_id`},
		{"recursive step", `with recursive r as (select 1 as x, bad as y from raw.events union all select x + 1, y from r where x < 'a') select x, y, z from r`, `
1:37: Unrecognized name: bad; known: amount, n, tags, ts, user_id
1:101: No matching signature for operator < for argument types: INT64, STRING; cast one side: CAST(x AS type)
1:123: Unrecognized name: z; did you mean "x"?`},
		{"subqueries", `select (select bad from core.dim_account a where a.user_id = e.usr) as s, array(select x from unnest(e.tags) as x where x.kk = 1) as q from raw.events e`, `
1:16: Unrecognized name: bad; known: account_id, plan, user_id
1:64: Name usr not found inside e; did you mean "ts"?
1:123: Field name kk does not exist in STRUCT<k STRING, v INT64>; did you mean "k"?`},
		{"ambiguous", `select user_id from raw.events e join core.dim_account a on e.user_id = a.user_id where bad = 1`, `
1:8: Column name user_id is ambiguous; write the table before it: table.user_id
1:89: Unrecognized name: bad; known: account_id, amount, n, plan, tags, ts, user_id`},
		{"IN and EXISTS", `select n from raw.events where n in unnest(bad) and n in (select user_id from core.dim_account) and exists (select 1 from core.dim_accnt)`, `
1:44: Unrecognized name: bad; known: amount, n, tags, ts, user_id
1:53: Cannot execute IN subquery with uncomparable types INT64 and STRING
1:123: Table not found: core.dim_accnt; did you mean "core.dim_account"?`},
		{"star of an unknown table", `select x.*, bad from raw.events`, `
1:8: Unrecognized name: x; known: events
1:13: Unrecognized name: bad; known: amount, n, tags, ts, user_id`},
		{"names in another case", `select 1 as a from raw.Events join core.Dim_account using (nope) where bad`, `
1:20: Table not found: raw.Events; table names are case-sensitive: write raw.events
1:36: Table not found: core.Dim_account; table names are case-sensitive: write core.dim_account
1:60: Column nope in USING clause not found on left side of join; known: account_id, amount, n, plan, tags, ts, user_id
1:72: Unrecognized name: bad; known: account_id, amount, n, plan, tags, ts, user_id`},
		{"windows", `select e.n, row_number() over (partition by bad order by n = 'a') as rn, lag(n) over w as l from raw.events e window w as (partition by bad2 order by bad3)`, `
1:45: Unrecognized name: bad; known: amount, n, tags, ts, user_id
1:58: No matching signature for operator = for argument types: INT64, STRING; cast one side: CAST(x AS type)
1:137: Unrecognized name: bad2; known: amount, n, tags, ts, user_id
1:151: Unrecognized name: bad3; known: amount, n, tags, ts, user_id`},
		{"limit", `select n from raw.events limit 'a'`, `
1:32: LIMIT ... OFFSET ... expects INT64, got STRING`},
		{"signatures", `select if(n, 1, 2) as a, coalesce(n, 'a') as b, concat(user_id) as c, substr(user_id) as d, not n as e from raw.events`, `
1:8: No matching signature for function IF for argument types: INT64, INT64, INT64; it takes IF(BOOL, T1, T1)
1:26: No matching signature for function COALESCE for argument types: INT64, STRING; cast the arguments to one type: CAST(x AS type)
1:71: No matching signature for function SUBSTR for argument types: STRING; it takes SUBSTR(STRING, INT64, [INT64]) or SUBSTR(BYTES, INT64, [INT64])
1:93: No matching signature for operator NOT for argument types: INT64; it takes NOT (BOOL)`},
		{"two steps of one name", `with dup as (select 1 as a), dup as (select 2 as a) select a, b from dup`, `
1:30: Duplicate alias dup for WITH subquery`},
		{"tabs and umlauts", `select bad, 'ä', other` + "\t" + `, third from raw.events`, `
1:8: Unrecognized name: bad; known: amount, n, tags, ts, user_id
1:18: Unrecognized name: other; known: amount, n, tags, ts, user_id
1:26: Unrecognized name: third; known: amount, n, tags, ts, user_id`},
		{"struct", `select struct(bad as a, n as b) as s from raw.events`, `
1:15: Unrecognized name: bad; known: amount, n, tags, ts, user_id`},
		{"struct of a masked field", `with s as (select struct(bad as a, n as b) as s from raw.events) select s.a, s.b, s.c, s.a + 1 as d from s`, `
1:26: Unrecognized name: bad; known: amount, n, tags, ts, user_id`},
		{"aggregates", `select count(distinct bad), any_value(n having max bad2) from raw.events where count(*) > 1`, `
1:23: Unrecognized name: bad; known: amount, n, tags, ts, user_id
1:52: Unrecognized name: bad2; known: amount, n, tags, ts, user_id
1:80: Aggregate function COUNT(*) not allowed in WHERE clause; write the condition in HAVING`},
		{"step that does not exist", `with ev as (select 1 as a) select * from evv`, `
1:42: Table not found: evv; did you mean "ev"?`},
		{"subqueries in FROM", `select * from (select bad from raw.events) as s join (select bad2, user_id from raw.events) as t on s.bad = t.user_id where s.bad > 1 and t.oops`, `
1:23: Unrecognized name: bad; known: amount, n, tags, ts, user_id
1:62: Unrecognized name: bad2; known: amount, n, tags, ts, user_id`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := engine.Check(testCatalog(t), syntax.Source{Name: "q.sql", Text: test.text})
			if got, want := faultsOf(err), strings.TrimSpace(test.want); got != want {
				t.Errorf("%s\ngot\n%s\nwant\n%s", test.text, got, want)
			}
		})
	}
}
