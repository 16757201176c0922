package warehousetest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

const twoItems = `[{"id": "a", "n": 1}, {"id": "b", "n": 2}]`

func prepareTwice(t *testing.T, engine Engine) {
	w := prepared(t, engine, items())
	if _, err := w.Load(t.Context(), items(), Land(t, Zone(t), Landing{Table: items(), Rows: twoItems})); err != nil {
		t.Fatal(err)
	}
	if err := w.Prepare(t.Context(), []schemas.Table{items()}); err != nil {
		t.Fatal(err)
	}
	same(t, "rows", Rows(t, w, "SELECT id FROM raw_suite.items ORDER BY id"), []string{"a", "b"})
}

func prepareGainedColumn(t *testing.T, engine Engine) {
	w := prepared(t, engine, items())
	if _, err := w.Load(t.Context(), items(), Land(t, Zone(t), Landing{Table: items(), Rows: twoItems})); err != nil {
		t.Fatal(err)
	}
	grown := items()
	grown.Columns = append(grown.Columns, column("colour", "string"))
	for range 2 {
		if err := w.Prepare(t.Context(), []schemas.Table{grown}); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "rows", Rows(t, w, "SELECT id, colour FROM raw_suite.items ORDER BY id"), []string{"a|NULL", "b|NULL"})
	run := Land(t, Zone(t), Landing{Source: "other", Table: grown, Rows: `[{"id": "c", "colour": "red"}]`})
	if _, err := w.Load(t.Context(), grown, run); err != nil {
		t.Fatal(err)
	}
	same(t, "rows", Rows(t, w, "SELECT id, colour FROM raw_suite.items ORDER BY id"), []string{"a|NULL", "b|NULL", "c|red"})
}

func loadTypes(t *testing.T, engine Engine) {
	w := prepared(t, engine, items())
	run := Land(t, Zone(t), Landing{Table: items(), Rows: `[
		{"id": "full", "n": -9223372036854775808, "x": 1.5, "ok": true, "price": "12345678901234567890123456789.123456789",
		 "on_day": "2024-02-29", "seen_at": "2024-02-29 23:59:59.123456", "props": "{\"k\": [1, null]}"},
		{"id": "empty"},
		{"id": "Zoë ✓ 'quoted' \"twice\"", "props": "", "seen_at": "1969-12-31 23:59:59.999999", "on_day": "1600-01-01"}]`})
	load, err := w.Load(t.Context(), items(), run)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "load", load, warehouse.Load{LoadID: run.LoadID, Source: "src", Table: "suite.items", Sequence: 1,
		Rows: 3, Bytes: run.Manifest.Bytes(), CommittedAt: run.Manifest.CommittedAt})
	same(t, "rows", strings.Join(Rows(t, w, "SELECT id, n, x, ok, price, on_day, seen_at, props FROM raw_suite.items ORDER BY id"), "\n"),
		strings.Join([]string{
			`Zoë ✓ 'quoted' "twice"|NULL|NULL|NULL|NULL|1600-01-01|1969-12-31 23:59:59.999999Z|`,
			`empty|NULL|NULL|NULL|NULL|NULL|NULL|NULL`,
			`full|-9223372036854775808|1.5|true|12345678901234567890123456789.123456789|2024-02-29|2024-02-29 23:59:59.123456Z|{"k": [1, null]}`,
		}, "\n"))
	same(t, "origin", Rows(t, w, "SELECT DISTINCT _ripen_source, _ripen_load_id, _ripen_loaded_at FROM raw_suite.items"),
		[]string{"src|" + run.LoadID + "|2026-03-01 12:00:00.123456Z"})
}

func loadTwice(t *testing.T, engine Engine) {
	w := prepared(t, engine, items())
	zone := Zone(t)
	run := Land(t, zone, Landing{Table: items(), Rows: twoItems})
	first, err := w.Load(t.Context(), items(), run)
	if err != nil {
		t.Fatal(err)
	}
	// A load that was done does not need its files any more.
	for _, name := range run.Files {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	second, err := w.Load(t.Context(), items(), run)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "second load", second, first)
	same(t, "rows", Rows(t, w, "SELECT count(*) FROM raw_suite.items"), []string{"2"})
	loads, err := w.Loads(t.Context())
	same(t, "ledger", fmt.Sprint(loads, err), fmt.Sprint([]warehouse.Load{first}, nil))
}

func loadAtOnce(t *testing.T, engine Engine) {
	w := prepared(t, engine, items())
	run := Land(t, Zone(t), Landing{Table: items(), Rows: twoItems})
	loads := make([]warehouse.Load, 4)
	errs := make([]error, 4)
	var wg sync.WaitGroup
	for i := range loads {
		wg.Go(func() { loads[i], errs[i] = w.Load(t.Context(), items(), run) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, l := range loads {
		same(t, "load", l, loads[0])
	}
	same(t, "rows", Rows(t, w, "SELECT count(*) FROM raw_suite.items"), []string{"2"})
}

func loadBroken(t *testing.T, engine Engine) {
	for _, test := range []struct {
		name   string
		change func(t *testing.T, run *warehouse.Run)
		want   string
	}{
		{"missing", func(t *testing.T, run *warehouse.Run) { check(t, os.Remove(run.Files[0])) }, "missing"},
		{"cut", func(t *testing.T, run *warehouse.Run) { check(t, os.Truncate(run.Files[0], 100)) }, "changed"},
		{"flipped bit", func(t *testing.T, run *warehouse.Run) { flip(t, run.Files[0]) }, "changed"},
		{"flipped bit in the dead letters", func(t *testing.T, run *warehouse.Run) { flip(t, run.Rejects[0]) }, "changed"},
		{"other number of rows", func(t *testing.T, run *warehouse.Run) {
			run.Manifest.Files = slices.Clone(run.Manifest.Files)
			run.Manifest.Files[0].Rows = 3
		}, "rows"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := prepared(t, engine, items())
			run := Land(t, Zone(t), Landing{Table: items(), Rows: twoItems, Rejects: []landing.Reject{
				{Location: "file", Line: 1, Reason: landing.Malformed, Detail: "not JSON", Payload: "{"},
			}})
			test.change(t, &run)
			_, err := w.Load(t.Context(), items(), run)
			if err == nil {
				t.Fatal("the load went through")
			}
			names := func(files []string) bool {
				return slices.ContainsFunc(files, func(f string) bool { return strings.Contains(err.Error(), f) })
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "suite.items") || !names(append(run.Files, run.Rejects...)) {
				t.Errorf("error %q names not the table, the file and %q", err, test.want)
			}
			same(t, "rows", Rows(t, w, "SELECT (SELECT count(*) FROM raw_suite.items), (SELECT count(*) FROM raw_ripen.dead_letters)"), []string{"0|0"})
			loads, err := w.Loads(t.Context())
			same(t, "ledger", fmt.Sprint(len(loads), err), fmt.Sprint(0, nil))
		})
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, name string) {
	t.Helper()
	content, err := os.ReadFile(name)
	check(t, err)
	content[len(content)/2] ^= 0x10
	check(t, os.WriteFile(name, content, 0o644))
}

func loadEvolve(t *testing.T, engine Engine) {
	w := prepared(t, engine, items())
	zone := Zone(t)
	load := func(rows string, extra map[string]int64) {
		t.Helper()
		if _, err := w.Load(t.Context(), items(), Land(t, zone, Landing{Table: items(), Rows: rows, Extra: extra})); err != nil {
			t.Fatal(err)
		}
	}
	load(`[{"id": "a", "_extra": "{\"colour\": \"red\", \"size\": {\"w\": 1}}"}, {"id": "b"}]`, map[string]int64{"colour": 1, "size": 1})
	load(`[{"id": "c", "_extra": "{\"colour\": null, \"weight\": 12345678901234567890}"}]`, map[string]int64{"colour": 1, "weight": 1, "*": 4})
	load(`[{"id": "d"}]`, nil)
	same(t, "rows", Rows(t, w, "SELECT id, colour, size, weight FROM raw_suite.items ORDER BY id"), []string{
		`a|red|{"w":1}|NULL`, "b|NULL|NULL|NULL", "c|NULL|NULL|12345678901234567890", "d|NULL|NULL|NULL",
	})
	// Names that are no names, or that are taken, get a column all the same, each its own.
	load(`[{"id": "e", "_extra": "{\"Colour\": \"1\", \"ID\": \"2\", \"a/b~c d\": \"3\", \"_ripen_source\": \"4\", \"\": \"5\"}"}]`,
		map[string]int64{"Colour": 1, "ID": 1, "a/b~c d": 1, "_ripen_source": 1, "": 1})
	values := strings.Split(Rows(t, w, "SELECT * FROM raw_suite.items WHERE id = 'e'")[0], "|")
	for _, want := range []string{"1", "2", "3", "4", "5"} {
		if !slices.Contains(values, want) {
			t.Errorf("no column has %s: %v", want, values)
		}
	}
	same(t, "source", Rows(t, w, "SELECT _ripen_source, colour FROM raw_suite.items WHERE id = 'e'"), []string{"src|NULL"})
}

func loadDiscard(t *testing.T, engine Engine) {
	table := items()
	table.Drift = schemas.Discard
	w := prepared(t, engine, table)
	run := Land(t, Zone(t), Landing{Table: table, Rows: `[{"id": "a", "_extra": "{\"colour\": \"red\"}"}]`, Extra: map[string]int64{"colour": 1}})
	if _, err := w.Load(t.Context(), table, run); err != nil {
		t.Fatal(err)
	}
	if rows, err := rowsOf(t.Context(), w, warehouse.Statement{SQL: "SELECT colour FROM raw_suite.items"}); err == nil {
		t.Errorf("there is a column colour: %v", rows)
	}
}

func loadDeadLetters(t *testing.T, engine Engine) {
	w := prepared(t, engine, items())
	run := Land(t, Zone(t), Landing{Table: items(), Rows: twoItems, Rejects: []landing.Reject{
		{Location: "a.jsonl", Line: 7, Reason: landing.WrongType, Detail: "n is no INT64", Payload: `{"n": "x"}`},
	}})
	load, err := w.Load(t.Context(), items(), run)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "counts", []int64{load.Rows, load.Rejects}, []int64{2, 1})
	same(t, "dead letters", Rows(t, w, "SELECT source_name, table_name, location, line_number, reason_code, payload, _ripen_source, _ripen_load_id FROM raw_ripen.dead_letters"),
		[]string{`src|suite.items|a.jsonl|7|wrong_type|{"n": "x"}|src|` + run.LoadID})

	only := Land(t, Zone(t), Landing{Source: "bad", Table: items(), Rejects: []landing.Reject{
		{Location: "b.jsonl", Line: 1, Reason: landing.Malformed, Payload: "}"},
	}})
	load, err = w.Load(t.Context(), items(), only)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "counts", []int64{load.Rows, load.Rejects}, []int64{0, 1})
}

func loadOlderFile(t *testing.T, engine Engine) {
	older := items()
	older.Columns = older.Columns[:3]
	run := Land(t, Zone(t), Landing{Table: older, Rows: twoItems})
	w := prepared(t, engine, items())
	if _, err := w.Load(t.Context(), items(), run); err != nil {
		t.Fatal(err)
	}
	same(t, "rows", Rows(t, w, "SELECT id, n, price, seen_at FROM raw_suite.items ORDER BY id"), []string{"a|1|NULL|NULL", "b|2|NULL|NULL"})
}

// loadManyTables also lets all runs write dead letters and new columns, which is
// where they meet.
func loadManyTables(t *testing.T, engine Engine) {
	const tables, runs = 4, 3
	var contracts []schemas.Table
	for i := range tables {
		contracts = append(contracts, named(items(), fmt.Sprintf("items_%d", i)))
	}
	w := prepared(t, engine, contracts...)
	zone := Zone(t)
	var wg sync.WaitGroup
	errs := make([]error, tables*runs)
	for i, contract := range contracts {
		for j := range runs {
			field := fmt.Sprintf("f%d", j)
			run := Land(t, zone, Landing{Table: contract, Rows: `[{"id": "a", "_extra": "{\"` + field + `\": \"v\"}"}]`,
				Extra: map[string]int64{field: 1}, Rejects: []landing.Reject{{Reason: landing.Malformed, Line: int64(j)}}})
			wg.Go(func() { _, errs[i*runs+j] = w.Load(t.Context(), contract, run) })
		}
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, contract := range contracts {
		same(t, contract.Name, Rows(t, w, "SELECT count(f0), count(f1), count(f2), count(*) FROM raw_suite."+contract.Name), []string{"1|1|1|3"})
	}
	same(t, "dead letters", Rows(t, w, "SELECT count(*) FROM raw_ripen.dead_letters"), []string{fmt.Sprint(tables * runs)})
}

func loadBatch(t *testing.T, engine Engine) {
	zone := Zone(t)
	older := items()
	older.Columns = older.Columns[:3]
	var runs []warehouse.Run
	for i := range 7 {
		in := Landing{Table: items(), Rows: fmt.Sprintf(`[{"id": "r%d", "n": %d}, {"id": "s%d"}]`, i, i, i)}
		switch i {
		case 2:
			in.Table = older
		case 3:
			in.Rows, in.Extra = `[{"id": "x", "_extra": "{\"colour\": \"red\"}"}]`, map[string]int64{"colour": 1}
		case 4:
			in.Rows = ""
		case 5:
			in.Source, in.Rejects = "other", []landing.Reject{{Reason: landing.Malformed}}
		}
		runs = append(runs, Land(t, zone, in))
	}
	single := prepared(t, engine, items())
	for _, run := range runs {
		if _, err := single.Load(t.Context(), items(), run); err != nil {
			t.Fatal(err)
		}
	}
	together := prepared(t, engine, items())
	batches, ok := together.(warehouse.Batches)
	if !ok {
		return // an engine may leave it out
	}
	if _, err := together.Load(t.Context(), items(), runs[1]); err != nil {
		t.Fatal(err)
	}
	loads, err := batches.LoadBatch(t.Context(), items(), runs)
	if err != nil {
		t.Fatal(err)
	}
	for i, load := range loads {
		same(t, "load id", load.LoadID, runs[i].LoadID)
	}
	for _, sql := range []string{
		"SELECT id, n, colour, _ripen_source, _ripen_load_id, _ripen_loaded_at FROM raw_suite.items ORDER BY id, _ripen_load_id",
		"SELECT reason_code, _ripen_load_id FROM raw_ripen.dead_letters",
	} {
		same(t, sql, Rows(t, together, sql), Rows(t, single, sql))
	}
	one, err1 := single.Loads(t.Context())
	all, err2 := together.Loads(t.Context())
	same(t, "ledger", fmt.Sprint(all, err2), fmt.Sprint(one, err1))

	broken := prepared(t, engine, items()).(warehouse.Batches)
	flip(t, runs[6].Files[0])
	if _, err := broken.LoadBatch(t.Context(), items(), runs); err == nil || !strings.Contains(err.Error(), runs[6].Files[0]) {
		t.Errorf("a batch with a broken file: %v", err)
	}
	same(t, "rows of a broken batch", Rows(t, broken.(warehouse.Models), "SELECT count(*) FROM raw_suite.items"), []string{"0"})
}
