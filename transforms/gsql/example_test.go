package gsql_test

import (
	"database/sql"
	"fmt"
	"log"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/gsql"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// A model is checked against a catalog, compiled and run.
func Example() {
	engine, err := gsql.Open()
	if err != nil {
		log.Fatal(err)
	}
	catalog := syntax.Catalog{
		Tables: []syntax.Table{{Name: "raw.payments", Columns: []schemas.Column{
			{Name: "org", Type: schemas.Type{Kind: schemas.String}},
			{Name: "paid_at", Type: schemas.Type{Kind: schemas.Timestamp}},
			{Name: "amount", Type: schemas.Type{Kind: schemas.Numeric}},
		}}},
		Params: map[string]schemas.Type{"as_of": {Kind: schemas.Timestamp}},
	}
	stmt, err := engine.Check(catalog, syntax.Source{Name: "query.sql", Text: `
select
    org,
    date_trunc(date(paid_at), week) as paid_at, # a week starts on Sunday
    sum(amount) as amount,
from raw.payments
where paid_at < @as_of
group by org, paid_at
order by amount desc`})
	if err != nil {
		log.Fatal(err)
	}
	compiled, err := duck.Compile(stmt)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(compiled.SQL)

	db, err := sql.Open("duckdb", "")
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(duck.Prelude + `
CREATE SCHEMA raw;
CREATE TABLE raw.payments (org VARCHAR, paid_at TIMESTAMP, amount DECIMAL(38, 9));
INSERT INTO raw.payments VALUES ('a', '2024-01-06 10:00:00', 5), ('a', '2024-01-07 10:00:00', 7), ('a', '2024-01-08 10:00:00', 1.5)`); err != nil {
		log.Fatal(err)
	}
	rows, err := db.Query("SELECT org, CAST(paid_at AS VARCHAR), CAST(amount AS DOUBLE) FROM ("+compiled.SQL+")",
		sql.Named("as_of", time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC)))
	if err != nil {
		log.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var org, week string
		var amount float64
		if err := rows.Scan(&org, &week, &amount); err != nil {
			log.Fatal(err)
		}
		fmt.Println(org, week, amount)
	}
	if err := rows.Err(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// select
	//     org,
	//     bq.in_date(date_trunc('week', CAST(paid_at AS DATE) + INTERVAL 1 DAY) - INTERVAL 1 DAY) as paid_at, -- a week starts on Sunday
	//     bq.in_numeric(sum(amount)) as amount,
	// from raw.payments
	// where paid_at < CAST($as_of AS TIMESTAMP)
	// group by org, 2
	// order by amount desc
	// a 2024-01-07 8.5
	// a 2023-12-31 5
}
