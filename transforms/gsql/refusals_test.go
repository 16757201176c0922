package gsql

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompile_ReportsEveryRefusalOnce(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct{ sql, want string }{
		"items of a SELECT": {
			"SELECT RAND() AS a, 1 AS b, GENERATE_UUID() AS c",
			"q.sql:1:8 q.sql:1:29",
		},
		"steps, clauses and subqueries": {
			"WITH a AS (SELECT RAND() AS x),\nb AS (SELECT x, 2 AS y FROM a WHERE x > RAND())\n" +
				"SELECT x, (SELECT GENERATE_UUID()) AS s FROM b GROUP BY x, y HAVING MAX(y) > RAND() ORDER BY RAND(), x",
			"q.sql:1:19 q.sql:2:41 q.sql:3:19 q.sql:3:78 q.sql:3:94",
		},
		"branches of a union": {
			"SELECT RAND() AS x UNION ALL SELECT RAND()",
			"q.sql:1:8 q.sql:1:37",
		},
		"columns of the result": {
			"SELECT 1, JSON '1' AS b, 2 AS c, 3 AS c",
			"q.sql:1:8 q.sql:1:11 q.sql:1:34",
		},
		"steps of a pipe": {
			"FROM (SELECT 1 AS x)\n|> EXTEND RAND() AS y\n|> WHERE x > RAND()",
			"q.sql:2:11 q.sql:3:14",
		},
		"what only one way of writing refuses": {
			"SELECT RAND() AS a, b.x FROM (SELECT 1 AS x) AS b LIMIT 1",
			"q.sql:1:8",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.compile("q.sql", c.sql)
			if err == nil {
				t.Fatal("nothing was refused")
			}
			var places []string
			for _, line := range strings.Split(err.Error(), "\n") {
				place, _, _ := strings.Cut(line, ": ")
				places = append(places, place)
			}
			if diff := cmp.Diff(c.want, strings.Join(places, " ")); diff != "" {
				t.Errorf("places (-want +got):\n%s\n%v", diff, err)
			}
		})
	}
}
