package gsql

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// column is a generated column of a property's table: how GoogleSQL writes a value
// drawn at random.
type column struct {
	name, typ string
	draw      func(*rand.Rand) (value any, literal string)
}

// property is an expression over generated rows and what it must give, by an
// oracle in Go that shares nothing with the compiler.
type property struct {
	expr string
	want func(row map[string]any) string
}

const rowsPerProperty = 300

// checkProperties fills a table with rows and compares every expression with its
// oracle, in the text of DuckDB.
func checkProperties(t *testing.T, seed uint64, columns []column, properties []property) {
	t.Helper()
	b := newBench(t)
	random := rand.New(rand.NewPCG(20240301, seed))
	rows := make([]map[string]any, rowsPerProperty)
	var literals, names []string
	for _, c := range columns {
		names = append(names, c.name+" "+c.typ)
	}
	for i := range rows {
		rows[i] = map[string]any{}
		texts := []string{fmt.Sprint(i)}
		for _, c := range columns {
			value, literal := c.draw(random)
			rows[i][c.name] = value
			texts = append(texts, literal)
		}
		literals = append(literals, "("+strings.Join(texts, ", ")+")")
	}
	made, err := b.compile("table.sql", "SELECT * FROM UNNEST(ARRAY<STRUCT<id INT64, "+strings.Join(names, ", ")+">>["+strings.Join(literals, ",\n")+"])")
	if err == nil {
		err = b.add("v", made)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range properties {
		t.Run(p.expr, func(t *testing.T) {
			compiled, err := b.compile("q.sql", "SELECT "+p.expr+" AS x FROM ds.v ORDER BY id")
			if err != nil {
				t.Fatal(err)
			}
			got, err := b.run(compiled)
			if err != nil {
				t.Fatalf("%v\n%s", err, compiled.SQL)
			}
			wrong := 0
			for i, row := range rows {
				if want := p.want(row); got[i] != want && wrong < 3 {
					wrong++
					t.Errorf("%v: got %s, want %s\n%s", row, got[i], want, compiled.SQL)
				}
			}
		})
	}
}
