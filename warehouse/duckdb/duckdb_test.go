package duckdb_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
	"github.com/ripen-data/ripen/warehouse/warehousetest"
)

func rows(t *testing.T, db *duckdb.DB, sql string) string {
	t.Helper()
	return strings.Join(warehousetest.Rows(t, db, sql), "\n")
}

func expect(t *testing.T, db *duckdb.DB, sql, want string) {
	t.Helper()
	if got := rows(t, db, sql); got != want {
		t.Errorf("%s:\n got %s\nwant %s", sql, got, want)
	}
}

func TestOpen_EverySessionSortsNullsAndReadsTimesLikeGoogleSQL(t *testing.T) {
	db := open(t, duckdb.Config{Path: duckdb.Memory, Threads: 1, MemoryLimit: "300MiB", TempDir: t.TempDir()})
	// Queries inside of a query have a connection each.
	var nest func(depth int)
	nest = func(depth int) {
		for range db.Query(t.Context(), warehouse.Statement{SQL: "SELECT 1"}) {
			expect(t, db, "SELECT current_setting('TimeZone')", "UTC")
			expect(t, db, "SELECT x FROM (VALUES (2), (NULL), (1)) AS t(x) ORDER BY x", "NULL\n1\n2")
			expect(t, db, "SELECT x FROM (VALUES (2), (NULL), (1)) AS t(x) ORDER BY x DESC", "2\n1\nNULL")
			if depth > 0 {
				nest(depth - 1)
			}
		}
	}
	nest(3)
	expect(t, db, "SELECT current_setting('threads'), current_setting('memory_limit')", "1|300.0 MiB")
	expect(t, db, "SELECT current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions')", "false|false")
}

func TestOpen_RunsSetupOncePerContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	one := "CREATE OR REPLACE MACRO answer() AS 1; CREATE SEQUENCE IF NOT EXISTS runs; CREATE OR REPLACE TABLE ran AS SELECT nextval('runs') AS n"
	two := strings.Replace(one, "AS 1", "AS 2", 1)
	for i, step := range []struct{ setup, want string }{{one, "1|1"}, {one, "1|1"}, {two, "2|2"}, {two, "2|2"}, {one, "1|3"}} {
		db, err := duckdb.Open(t.Context(), duckdb.Config{Path: path, Setup: []string{step.setup}})
		if err != nil {
			t.Fatal(err)
		}
		if got := rows(t, db, "SELECT answer(), n FROM ran"); got != step.want {
			t.Errorf("open %d: got %s, want %s", i+1, got, step.want)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := duckdb.Open(t.Context(), duckdb.Config{Path: path, Setup: []string{"SELECT 1", "CREATE NONSENSE"}}); err == nil || !strings.Contains(err.Error(), "setup text 2") {
		t.Errorf("a broken setup: %v", err)
	}
}

func TestOpen_ReadOnlyReadsAndRefusesToWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	if _, err := duckdb.Open(t.Context(), duckdb.Config{Path: path, ReadOnly: true}); err == nil {
		t.Error("a file that does not exist was opened for reading")
	}
	db, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	tables := schemas.Contracts()
	if err := errors.Join(db.Prepare(t.Context(), tables), db.Close()); err != nil {
		t.Fatal(err)
	}
	reader := open(t, duckdb.Config{Path: path, ReadOnly: true, Setup: []string{"CREATE MACRO f() AS 1"}})
	if err := reader.Prepare(t.Context(), tables); err != nil {
		t.Errorf("nothing had to be prepared: %v", err)
	}
	if loads, err := reader.Loads(t.Context()); err != nil || len(loads) > 0 {
		t.Errorf("loads: %v, %v", loads, err)
	}
	_, err = reader.Build(t.Context(), warehouse.Statement{Name: "core.a", SQL: "SELECT 1", Columns: []schemas.Column{{Name: "n", Type: schemas.Type{Kind: schemas.Int64}}},
		Target: warehouse.TableName{Dataset: "ripen_build", Table: "a"}})
	if err == nil {
		t.Error("a table was built")
	}
}

func TestOpen_NamesTheProcessThatHoldsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	child := startChild(t, "hold", path)
	child.waitFor("holding")
	_, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
	if !errors.Is(err, duckdb.ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint("process ", child.pid())) || len(hint.Of(err)) != 1 {
		t.Errorf("got %v, hints %q", err, hint.Of(err))
	}
	child.kill()
	db, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
	if err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpen_RefusesWhatIsNoDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database\n", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, "", "a?b.duckdb", filepath.Join(t.TempDir(), "missing", "w.duckdb")} {
		if _, err := duckdb.Open(t.Context(), duckdb.Config{Path: path}); err == nil || !strings.Contains(err.Error(), "open warehouse "+path) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestQuery_HasAnArrowTypeForEveryType(t *testing.T) {
	db := open(t, duckdb.Config{Path: duckdb.Memory})
	for _, test := range []struct{ sql, typ, want string }{
		{"true", "bool", "true"},
		{"CAST(200 AS UTINYINT)", "int64", "200"},
		{"CAST(-7 AS TINYINT)", "int64", "-7"},
		{"CAST(-7 AS SMALLINT)", "int64", "-7"},
		{"CAST(7 AS USMALLINT)", "int64", "7"},
		{"CAST(7 AS UINTEGER)", "int64", "7"},
		{"CAST(7 AS UBIGINT)", "int64", "7"},
		{"(SELECT sum(x) FROM range(4) AS t(x))", "int64", "6"},
		{"CAST(1.5 AS FLOAT)", "float64", "1.5"},
		{"CAST('nan' AS DOUBLE)", "float64", "NaN"},
		{"CAST('-0.000000001' AS DECIMAL(38,9))", "decimal(38, 9)", "-0.000000001"},
		{"CAST('1.50' AS DECIMAL(10,2))", "decimal(10, 2)", "1.50"},
		{"'Zoë'", "utf8", "Zoë"},
		{"CAST('a' AS ENUM('a', 'b'))", "utf8", "a"},
		{"CAST('68232a1f-5133-4cd0-8880-e5a91bdb6cf9' AS UUID)", "utf8", "68232a1f-5133-4cd0-8880-e5a91bdb6cf9"},
		{"CAST('{\"b\": [1, null]}' AS JSON)", "utf8", `{"b":[1,null]}`},
		{"CAST('\"text\"' AS JSON)", "utf8", `"text"`},
		{"CAST('ab' AS BLOB)", "binary", "YWI="},
		{"DATE '1600-02-29'", "date32", "1600-02-29"},
		{"TIME '23:59:59.999999'", "time64[us]", "23:59:59.999999"},
		{"TIMESTAMP '1969-12-31 23:59:59.999999'", "timestamp[us, tz=UTC]", "1969-12-31 23:59:59.999999Z"},
		{"TIMESTAMPTZ '2024-01-01 01:00:00+01'", "timestamp[us, tz=UTC]", "2024-01-01 00:00:00Z"},
		{"TIMESTAMP_S '2024-01-01 01:00:00'", "timestamp[us, tz=UTC]", "2024-01-01 01:00:00Z"},
		{"INTERVAL 14 MONTH + INTERVAL 3 DAY + INTERVAL 1 MICROSECOND", "month_day_nano_interval", `{"months":14,"days":3,"nanoseconds":1000}`},
		{"[1, NULL, 3]", "list<item: int64, nullable>", "[1,null,3]"},
		{"CAST([] AS VARCHAR[])", "list<item: utf8, nullable>", "[]"},
		{"CAST([[1], NULL] AS BIGINT[][])", "list<item: list<item: int64, nullable>, nullable>", "[[1],null]"},
		{"array_value(1, 2)", "list<item: int64, nullable>", "[1,2]"},
		{`{'a "b"': 1, 'c': [{'d': DATE '2024-01-01'}, NULL]}`, `struct<a "b": int64, c: list<item: struct<d: date32>, nullable>>`,
			`{"a \"b\"":1,"c":[{"d":"2024-01-01"},null]}`},
	} {
		for _, null := range []bool{false, true} {
			sql, want := "SELECT "+test.sql+" AS v", test.want
			if null {
				sql, want = "SELECT CASE WHEN x > 1 THEN v END AS v FROM ("+sql+"), (SELECT 1 AS x)", "NULL"
			}
			var typ arrow.DataType
			for record, err := range db.Query(t.Context(), warehouse.Statement{SQL: sql}) {
				if err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
				typ = record.Schema().Field(0).Type
			}
			if typ.String() != test.typ {
				t.Errorf("%s: got type %s, want %s", sql, typ, test.typ)
			}
			expect(t, db, sql, want)
		}
	}
	for _, sql := range []string{"CAST(18446744073709551615 AS UBIGINT)", "CAST(170141183460469231731687303715884105727 AS HUGEINT)", "MAP {'a': 1}", "[MAP {'a': 1}]"} {
		for _, err := range db.Query(t.Context(), warehouse.Statement{SQL: "SELECT " + sql + " AS v"}) {
			if err == nil || !strings.Contains(err.Error(), "column v") {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
}

func TestQuery_EndsWithItsContext(t *testing.T) {
	db := open(t, duckdb.Config{Path: duckdb.Memory})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for _, err := range db.Query(ctx, warehouse.Statement{Name: "endless", SQL: "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range * b.range = 7"}) {
		if err == nil {
			t.Error("a query of hours came to an end")
		}
	}
	expect(t, db, "SELECT 1", "1")
}

func TestBuild_TakesAnInstantAsTimestamp(t *testing.T) {
	db := open(t, duckdb.Config{Path: duckdb.Memory})
	for _, err := range db.Query(t.Context(), warehouse.Statement{SQL: "SELECT error('as_of is ' || typeof($as_of)) WHERE typeof($as_of) <> 'TIMESTAMP'",
		Params: map[string]any{"as_of": time.Now()}}) {
		if err != nil {
			t.Error(err)
		}
	}
}

func TestBuild_GivesNestedColumnsTheirTypes(t *testing.T) {
	db := open(t, duckdb.Config{Path: duckdb.Memory})
	typ, err := schemas.ParseType("ARRAY<STRUCT<k STRING, v ARRAY<NUMERIC>>>")
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Build(t.Context(), warehouse.Statement{
		Name: "core.nested", SQL: "SELECT [{'k': 'a', 'v': [1, 2.5]}] AS items",
		Target:  warehouse.TableName{Dataset: "ripen_build", Table: "nested"},
		Columns: []schemas.Column{{Name: "items", Type: typ}},
	})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, db, "SELECT items, typeof(items) FROM ripen_build.nested",
		`[{"k":"a","v":["1","2.5"]}]|STRUCT(k VARCHAR, v DECIMAL(38,9)[])[]`)
}

func TestLoad_ReadsFilesBelowAFolderThatLooksLikeAPattern(t *testing.T) {
	db := open(t, duckdb.Config{})
	table, _ := schemas.Contract("product.users")
	if err := db.Prepare(t.Context(), schemas.Contracts()); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "it's [a] *? folder")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	var runs []warehouse.Run
	zone := warehousetest.Zone(t)
	for i := range 2 {
		run := warehousetest.Land(t, zone, warehousetest.Landing{Table: table, Rows: usersJSON(table, i)})
		moved := filepath.Join(folder, fmt.Sprint(i, ".parquet"))
		if err := os.Rename(run.Files[0], moved); err != nil {
			t.Fatal(err)
		}
		run.Files[0] = moved
		runs = append(runs, run)
	}
	if _, err := db.LoadBatch(t.Context(), table, runs); err != nil {
		t.Fatal(err)
	}
	expect(t, db, "SELECT count(*), count(DISTINCT _ripen_load_id) FROM raw_product.users", "2|2")
	remote := runs[0]
	remote.LoadID, remote.Files = "other", []string{"gs://bucket/file.parquet"}
	if _, err := db.Load(t.Context(), table, remote); err == nil || len(hint.Of(err)) == 0 {
		t.Errorf("a file in a bucket: %v", err)
	}
}

// usersJSON is a row of the contract with its required columns filled.
func usersJSON(table schemas.Table, i int) string {
	var fields []string
	for _, c := range table.Columns {
		switch {
		case !c.Required:
		case c.Type.Kind == schemas.Timestamp:
			fields = append(fields, fmt.Sprintf("%q: \"2026-01-01 00:00:00\"", c.Name))
		case c.Type.Kind == schemas.String:
			fields = append(fields, fmt.Sprintf("%q: \"v%d\"", c.Name, i))
		}
	}
	return "[{" + strings.Join(fields, ", ") + "}]"
}

func TestPrepare_ConvertsAColumnThatDriftBroughtFirst(t *testing.T) {
	db := open(t, duckdb.Config{})
	table := schemas.Table{Dataset: "suite", Name: "t", Drift: schemas.Evolve, Columns: []schemas.Column{{Name: "id", Type: schemas.Type{Kind: schemas.String}}}}
	if err := db.Prepare(t.Context(), []schemas.Table{table}); err != nil {
		t.Fatal(err)
	}
	run := warehousetest.Land(t, warehousetest.Zone(t), warehousetest.Landing{Table: table, Rows: `[{"id": "a", "_extra": "{\"n\": 5}"}]`, Extra: map[string]int64{"n": 1}})
	if _, err := db.Load(t.Context(), table, run); err != nil {
		t.Fatal(err)
	}
	table.Columns = append(table.Columns, schemas.Column{Name: "n", Type: schemas.Type{Kind: schemas.Int64}})
	if err := db.Prepare(t.Context(), []schemas.Table{table}); err != nil {
		t.Fatal(err)
	}
	expect(t, db, "SELECT n + 1, typeof(n) FROM raw_suite.t", "6|BIGINT")
	table.Columns[1].Type.Kind = schemas.Bool
	if err := db.Prepare(t.Context(), []schemas.Table{table}); err == nil || !strings.Contains(err.Error(), "suite.t") || len(hint.Of(err)) == 0 {
		t.Errorf("a column that changed its type: %v", err)
	}
}

func TestPrepare_OfAReadyWarehouseIsFast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	prepare := func() time.Duration {
		begin := time.Now()
		db, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(db.Prepare(t.Context(), schemas.Contracts()), db.Close()); err != nil {
			t.Fatal(err)
		}
		return time.Since(begin)
	}
	prepare()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if took := prepare(); took > time.Second {
		t.Errorf("opening and preparing what is ready took %s", took)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(before) != string(after) {
		t.Errorf("the file was written to: %v", err)
	}
}
