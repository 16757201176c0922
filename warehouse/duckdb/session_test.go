package duckdb

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

var oneNumber = []schemas.Column{{Name: "n", Type: schemas.Type{Kind: schemas.Int64}}}

func TestSession_ReadsAFileAndLeavesItAsItIs(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "it's.duckdb")
	db, err := Open(ctx, Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	table := warehouse.TableName{Dataset: "core", Table: "a"}
	if _, err := db.Build(ctx, warehouse.Statement{Name: "a", SQL: "SELECT 7 AS n", Target: table, Columns: oneNumber}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := OpenSession(ctx, Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if columns, err := s.Columns(ctx, table); err != nil || len(columns) != 1 || !columns[0].Type.Equal(oneNumber[0].Type) {
		t.Errorf("columns %v, %v", columns, err)
	}
	rows, err := s.Run(ctx, warehouse.Statement{Name: "q", SQL: "SELECT n FROM " + s.SQL(table), Columns: oneNumber}, 0)
	if err != nil || rows.Rows != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	if _, err := s.conn.ExecContext(ctx, "CREATE TABLE "+s.SQL(warehouse.TableName{Dataset: "core", Table: "b"})+" AS SELECT 1"); err == nil {
		t.Error("a session wrote into the file")
	}
}

func TestSession_YieldsOneBatchOfAnEmptyResultAndStopsAtALimit(t *testing.T) {
	ctx := context.Background()
	s, err := OpenSession(ctx, Config{Path: Memory})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, test := range []struct {
		sql   string
		limit int64
		want  int64
	}{{"SELECT 1 WHERE false", 0, 0}, {"SELECT * FROM range(10)", 3, 3}, {"SELECT * FROM range(300000)", 0, 300000}} {
		result, err := s.Run(ctx, warehouse.Statement{Name: "q", SQL: test.sql, Columns: oneNumber}, test.limit)
		if err != nil {
			t.Fatal(err)
		}
		batches, rows := 0, int64(0)
		for record, err := range result.Records(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			batches++
			rows += record.NumRows()
		}
		if batches == 0 || rows != test.want || result.Rows != test.want {
			t.Errorf("%s: %d rows in %d batches, %d counted", test.sql, rows, batches, result.Rows)
		}
		if err := result.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestSession_TellsFaultsOfValuesFromThoseOfTheEngine(t *testing.T) {
	ctx := context.Background()
	s, err := OpenSession(ctx, Config{Path: Memory})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for sql, want := range map[string]string{
		"SELECT 9223372036854775807 + 1":                                      "INT64 overflow: 9223372036854775807 + 1",
		"SELECT n * 2 FROM (SELECT 9223372036854775807::BIGINT AS n)":         "INT64 overflow: 9223372036854775807 * 2",
		"SELECT length(timezone('Nowhere', TIMESTAMP '2026-01-01')::VARCHAR)": `unknown time zone "Nowhere"`,
		"SELECT error('as the author says')":                                  "as the author says",
		"SELECT strptime('x', '%Y')":                                          `"x" is not written in the format "%Y"`,
		"SELECT nothing":                                                      "",
	} {
		_, err := s.Run(ctx, warehouse.Statement{Name: "q", SQL: sql, Columns: oneNumber}, 0)
		var fault *warehouse.Fault
		got := ""
		if errors.As(err, &fault) {
			got = fault.Message
		}
		if err == nil || got != want {
			t.Errorf("%s: fault %q of %v, want %q", sql, got, err, want)
		}
	}
}
