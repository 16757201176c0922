package transformstest

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// benchEvents is how many events the queries read; RIPEN_BENCH_EVENTS gives another number.
const benchEvents = 10_000_000

// eventsSQL makes events of half a year: the same for the same number.
const eventsSQL = `
	SELECT 'evt_' || i AS event_id, 'acc_' || hash(i, 1) %% 20000 AS account_id, 'usr_' || hash(i, 2) %% 100000 AS user_id,
		['signed_up', 'invited', 'connected', 'viewed', 'viewed', 'viewed', 'exported', 'paid'][CAST(hash(i, 3) %% 8 AS BIGINT) + 1] AS event_name,
		TIMESTAMP '2026-01-01' + to_microseconds(CAST(hash(i, 4) %% 15552000000000 AS BIGINT)) AS occurred_at,
		TIMESTAMP '2026-01-01' + to_microseconds(CAST(hash(i, 4) %% 15552000000000 + hash(i, 5) %% 7200000000 AS BIGINT)) AS received_at,
		CAST(hash(i, 6) %% 100000 AS BIGINT) AS amount_minor,
		CASE WHEN hash(i, 7) %% 10 > 0 THEN CAST(hash(i, 7) %% 900 AS BIGINT) END AS seconds,
		CASE WHEN hash(i, 8) %% 4 > 0 THEN '  User.' || hash(i, 2) %% 100000 || '@Example' || hash(i, 9) %% 500 || '.COM ' END AS email,
		'{"plan":"' || ['free', 'pro', 'team'][CAST(hash(i, 10) %% 3 AS BIGINT) + 1] || '","seats":' || hash(i, 11) %% 50
			|| ',"page":{"path":"/projects/' || hash(i, 12) %% 1000 || '","tab":"board"}}' AS properties
	FROM range(%d) AS t(i)`

// likeByHand are typical queries in GoogleSQL, and in the DuckDB SQL that somebody
// would write for them, who knows the data.
var likeByHand = []struct{ name, google, hand string }{
	{"daily_actives", `
		select timestamp_trunc(occurred_at, day) as day_at, count(distinct user_id) as users, count(*) as events
		from bench.events group by day_at`, `
		select date_trunc('day', occurred_at) as day_at, count(distinct user_id) as users, count(*) as events
		from bench.events group by all`},
	{"weekly_by_name", `
		select date_trunc(date(occurred_at), week(monday)) as week_on, event_name, count(*) as events, sum(amount_minor) as amount
		from bench.events group by week_on, event_name`, `
		select cast(date_trunc('week', occurred_at) as date) as week_on, event_name, count(*) as events, sum(amount_minor) as amount
		from bench.events group by all`},
	{"funnel", `
		with users as (
			select user_id, min(if(event_name = 'signed_up', occurred_at, null)) as signed_up_at,
				min(if(event_name = 'invited', occurred_at, null)) as invited_at, min(if(event_name = 'paid', occurred_at, null)) as paid_at
			from bench.events group by user_id
		)
		select countif(signed_up_at is not null) as signed_up, countif(invited_at > signed_up_at) as invited,
			countif(invited_at > signed_up_at and paid_at > invited_at) as paid
		from users`, `
		with users as (
			select user_id, min(occurred_at) filter (event_name = 'signed_up') as signed_up_at,
				min(occurred_at) filter (event_name = 'invited') as invited_at, min(occurred_at) filter (event_name = 'paid') as paid_at
			from bench.events group by user_id
		)
		select count(*) filter (signed_up_at is not null) as signed_up, count(*) filter (invited_at > signed_up_at) as invited,
			count(*) filter (invited_at > signed_up_at and paid_at > invited_at) as paid
		from users`},
	{"sessions", `
		with gaps as (
			select user_id, occurred_at,
				if(timestamp_diff(occurred_at, lag(occurred_at) over (partition by user_id order by occurred_at), minute) <= 30, 0, 1) as is_first
			from bench.events
		),
		numbered as (
			select user_id, occurred_at, sum(is_first) over (partition by user_id order by occurred_at rows unbounded preceding) as session_number
			from gaps
		)
		select user_id, max(session_number) as sessions, min(occurred_at) as first_at from numbered group by user_id`, `
		with gaps as (
			select user_id, occurred_at,
				case when date_sub('minute', lag(occurred_at) over (partition by user_id order by occurred_at), occurred_at) <= 30 then 0 else 1 end as is_first
			from bench.events
		),
		numbered as (
			select user_id, occurred_at, sum(is_first) over (partition by user_id order by occurred_at rows unbounded preceding) as session_number
			from gaps
		)
		select user_id, max(session_number) as sessions, min(occurred_at) as first_at from numbered group by user_id`},
	{"retention", `
		with firsts as (select user_id, date(min(occurred_at)) as first_on from bench.events group by user_id)
		select firsts.first_on, div(date_diff(date(events.occurred_at), firsts.first_on, day), 7) as week_number, count(distinct events.user_id) as users
		from bench.events as events inner join firsts on events.user_id = firsts.user_id
		group by first_on, week_number`, `
		with firsts as (select user_id, cast(min(occurred_at) as date) as first_on from bench.events group by user_id)
		select firsts.first_on, (cast(events.occurred_at as date) - firsts.first_on) // 7 as week_number, count(distinct events.user_id) as users
		from bench.events as events inner join firsts on events.user_id = firsts.user_id
		group by all`},
	{"latest_per_user", `
		select user_id, event_id, occurred_at from bench.events where true
		qualify row_number() over (partition by user_id order by occurred_at desc, event_id) = 1`, `
		select user_id, event_id, occurred_at from bench.events
		qualify row_number() over (partition by user_id order by occurred_at desc, event_id) = 1`},
	{"top_per_account", `
		with counted as (select account_id, event_name, count(*) as events from bench.events group by account_id, event_name)
		select account_id, event_name, events from counted where true
		qualify rank() over (partition by account_id order by events desc, event_name) <= 3`, `
		with counted as (select account_id, event_name, count(*) as events from bench.events group by account_id, event_name)
		select account_id, event_name, events from counted
		qualify rank() over (partition by account_id order by events desc, event_name) <= 3`},
	{"json_value", `
		select json_value(properties, '$.plan') as plan, count(*) as events from bench.events group by plan`, `
		select json_extract_string(properties, '$.plan') as plan, count(*) as events from bench.events group by all`},
	{"json_values", `
		select json_value(properties, '$.plan') as plan, json_value(properties, '$.page.tab') as tab, sum(cast(json_value(properties, '$.seats') as int64)) as seats
		from bench.events group by plan, tab`, `
		select json_extract_string(properties, '$.plan') as plan, json_extract_string(properties, '$.page.tab') as tab,
			sum(cast(json_extract_string(properties, '$.seats') as bigint)) as seats
		from bench.events group by all`},
	{"safe_divide", `
		select account_id, safe_divide(countif(event_name = 'paid'), countif(event_name = 'viewed')) as ratio,
			safe_divide(sum(amount_minor), sum(seconds)) as per_second
		from bench.events group by account_id`, `
		select account_id, count(*) filter (event_name = 'paid') / nullif(count(*) filter (event_name = 'viewed'), 0) as ratio,
			sum(amount_minor) / nullif(sum(seconds), 0) as per_second
		from bench.events group by all`},
	{"timestamp_diff", `
		select event_name, avg(timestamp_diff(received_at, occurred_at, second)) as late_seconds,
			countif(timestamp_diff(received_at, occurred_at, hour) >= 1) as late, max(timestamp_diff(received_at, occurred_at, minute)) as minutes
		from bench.events group by event_name`, `
		select event_name, avg(date_sub('second', occurred_at, received_at)) as late_seconds,
			count(*) filter (date_sub('hour', occurred_at, received_at) >= 1) as late, max(date_sub('minute', occurred_at, received_at)) as minutes
		from bench.events group by all`},
	{"conditional", `
		select account_id, countif(event_name = 'viewed') as viewed, sum(if(event_name = 'paid', amount_minor, 0)) as paid,
			max(case when event_name = 'exported' then occurred_at end) as exported_at, logical_or(seconds > 890) as is_long
		from bench.events group by account_id`, `
		select account_id, count(*) filter (event_name = 'viewed') as viewed, sum(case when event_name = 'paid' then amount_minor else 0 end) as paid,
			max(case when event_name = 'exported' then occurred_at end) as exported_at, bool_or(seconds > 890) as is_long
		from bench.events group by all`},
	{"strings", `
		select split(lower(trim(email)), '@')[safe_offset(1)] as domain, countif(starts_with(trim(email), 'User.1')) as ones,
			count(distinct regexp_replace(lower(trim(email)), r'^user\.', '')) as names
		from bench.events group by domain`, `
		select split_part(lower(trim(email)), '@', 2) as domain, count(*) filter (starts_with(trim(email), 'User.1')) as ones,
			count(distinct regexp_replace(lower(trim(email)), '^user\.', '')) as names
		from bench.events group by all`},
	{"hours", `
		select extract(dayofweek from occurred_at) as day_of_week, extract(hour from occurred_at) as hour, count(*) as events
		from bench.events where occurred_at >= timestamp_sub(timestamp '2026-06-01', interval 90 day) group by day_of_week, hour`, `
		select dayofweek(occurred_at) + 1 as day_of_week, hour(occurred_at) as hour, count(*) as events
		from bench.events where occurred_at >= timestamp '2026-06-01' - interval 90 day group by all`},
	{"amounts", `
		select account_id, round(sum(cast(amount_minor as numeric)) / 100, 2) as amount, mod(count(*), 7) as rest, coalesce(avg(seconds), 0) as seconds
		from bench.events where amount_minor between 100 and 90000 group by account_id`, `
		select account_id, round(sum(amount_minor)::decimal(38, 9) / 100, 2)::decimal(38, 9) as amount, count(*) % 7 as rest, coalesce(avg(seconds), 0) as seconds
		from bench.events where amount_minor between 100 and 90000 group by all`},
}

// BenchmarkCompiled runs queries as they are compiled from GoogleSQL and as they
// are written by hand for DuckDB, in turns, after it has shown that both give the
// same rows. The goal: at most 5 % slower.
func BenchmarkCompiled(b *testing.B) {
	events := benchEvents
	if n, err := strconv.Atoi(os.Getenv("RIPEN_BENCH_EVENTS")); err == nil {
		events = n
	}
	db, err := duckdb.Open(b.Context(), duckdb.Config{
		Path: filepath.Join(b.TempDir(), "warehouse.duckdb"), Threads: 2, MemoryLimit: "6GB", Setup: []string{duck.Prelude},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	table := syntax.Table{Name: "bench.events", Columns: eventColumns()}
	_, err = db.Build(b.Context(), warehouse.Statement{
		Name: table.Name, SQL: fmt.Sprintf(eventsSQL, events), Columns: table.Columns, Target: warehouse.TableName{Dataset: "bench", Table: "events"},
	})
	if err != nil {
		b.Fatal(err)
	}
	analyzer, err := OpenAnalyzer()
	if err != nil {
		b.Fatal(err)
	}
	for _, q := range likeByHand {
		b.Run(q.name, func(b *testing.B) {
			statement, err := analyzer.Check(syntax.Catalog{Tables: []syntax.Table{table}}, syntax.Source{Name: q.name, Text: q.google})
			if err != nil {
				b.Fatal(err)
			}
			compiled, err := duck.Compile(statement)
			if err != nil {
				b.Fatal(err)
			}
			texts := []string{compiled.Template.Render(nil), q.hand}
			if os.Getenv("RIPEN_BENCH_SHOW") != "" {
				b.Log(texts[0])
			}
			sameRows(b, db, texts, statement.Columns)
			spent := make([][]time.Duration, len(texts))
			for n := 0; b.Loop(); n++ {
				for i := range texts {
					i := (i + n) % 2
					begin := processorTime()
					drain(b, db, "SELECT count(*) FROM (SELECT DISTINCT hash(t) AS h FROM (\n"+texts[i]+"\n) AS t)")
					spent[i] = append(spent[i], processorTime()-begin)
				}
			}
			for i := range spent {
				slices.SortFunc(spent[i], cmp.Compare)
			}
			ours, theirs := spent[0][len(spent[0])/2], spent[1][len(spent[1])/2]
			b.ReportMetric(100*(ours.Seconds()/theirs.Seconds()-1), "%slower")
			b.ReportMetric(ours.Seconds()*1000, "compiled_ms")
			b.ReportMetric(theirs.Seconds()*1000, "by_hand_ms")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func eventColumns() []schemas.Column {
	var columns []schemas.Column
	for _, c := range []struct {
		name string
		kind schemas.Kind
	}{{"event_id", schemas.String}, {"account_id", schemas.String}, {"user_id", schemas.String}, {"event_name", schemas.String},
		{"occurred_at", schemas.Timestamp}, {"received_at", schemas.Timestamp}, {"amount_minor", schemas.Int64}, {"seconds", schemas.Int64},
		{"email", schemas.String}, {"properties", schemas.String}} {
		columns = append(columns, schemas.Column{Name: c.name, Type: schemas.Type{Kind: c.kind}})
	}
	return columns
}

// sameRows fails unless both texts return the same rows in the types of columns.
func sameRows(b *testing.B, db *duckdb.DB, texts []string, columns []schemas.Column) {
	b.Helper()
	names := []string{"bench.ours", "bench.theirs"}
	for i, text := range texts {
		_, err := db.Build(b.Context(), warehouse.Statement{
			Name: names[i], SQL: text, Columns: columns, Target: warehouse.TableName{Dataset: "bench", Table: names[i][len("bench."):]},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, pair := range [][]string{{names[0], names[1]}, {names[1], names[0]}} {
		if n := drain(b, db, fmt.Sprintf("FROM %s EXCEPT ALL FROM %s", pair[0], pair[1])); n > 0 {
			b.Fatalf("%d rows of %s are not in %s", n, pair[0], pair[1])
		}
	}
}

func drain(b *testing.B, db *duckdb.DB, query string) (rows int64) {
	b.Helper()
	for record, err := range db.Query(context.Background(), warehouse.Statement{Name: b.Name(), SQL: query}) {
		if err != nil {
			b.Fatal(err)
		}
		rows += record.NumRows()
	}
	return rows
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
