package transformstest

import (
	"testing"

	"github.com/ripen-data/ripen/warehouse"
)

// Macros that take a short way for common values must go where the long way goes.
func TestPrelude_ShortWaysAreExact(t *testing.T) {
	db := MustMemory(t)
	for name, wrong := range map[string]string{
		"TRIM of every character": `
			WITH texts AS (SELECT unnest([c || c || 'a' || c, ' ' || c || ' a ' || c || ' ', c || ' ' || c]) AS s
				FROM (SELECT chr(CAST(i AS INTEGER)) AS c FROM range(1, 1114112) AS t(i) WHERE i NOT BETWEEN 55296 AND 57343 AND (i < 13000 OR i % 997 = 0)))
			SELECT s FROM texts WHERE bq.trim(s) <> trim(s, bq.spaces()) OR bq.ltrim(s) <> ltrim(s, bq.spaces()) OR bq.rtrim(s) <> rtrim(s, bq.spaces())`,
		"quotients of any NUMERIC": `
			WITH pairs AS (SELECT CAST(CAST(hash(i, 1) % 4503598000000000 AS BIGINT) - 2251799000000000 AS HUGEINT) AS n,
				CAST(hash(i, 2) % [10, 1000, 2251799][1 + i % 3] AS BIGINT) + 1 AS m FROM range(50000) AS t(i))
			SELECT n, m FROM pairs WHERE bq.numeric_quotient(bq.of_billionths(n), m) <> bq.of_billionths(bq.rounded_quotient(n, CAST(m AS HUGEINT)))`,
		"quotients beyond the short way": `
			WITH pairs AS (SELECT CAST(CAST(hash(i, 1) % 9007199254740992 AS BIGINT) - 4503599627370496 AS HUGEINT) * 1000003 + i AS n, CAST(hash(i, 2) % 4503598000000000 AS HUGEINT) + 1 AS m FROM range(20000) AS t(i))
			SELECT n, m FROM pairs WHERE bq.numeric_quotient(bq.of_billionths(n), bq.of_billionths(m)) <> bq.of_billionths(bq.scaled_quotient(n, m))`,
		"quotients near halves": `
			WITH pairs AS (SELECT CAST(hash(i, 1) % 4503598 AS HUGEINT) * 500000000 + i % 5 - 2 AS n, (1 + i % 40) * (1 - 2 * (i % 2)) AS m FROM range(50000) AS t(i))
			SELECT n, m FROM pairs WHERE bq.numeric_quotient(bq.of_billionths(n), m) <> bq.of_billionths(bq.rounded_quotient(n, CAST(m AS HUGEINT)))`,
	} {
		for rows, err := range db.Query(t.Context(), warehouse.Statement{Name: name, SQL: wrong + " LIMIT 5"}) {
			if err != nil {
				t.Fatal(err)
			}
			if rows.NumRows() > 0 {
				t.Errorf("%s: %v", name, rows.Columns())
			}
		}
	}
}
