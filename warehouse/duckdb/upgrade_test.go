package duckdb_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// firstLayout is what the first ripen wrote into a file, with two models published.
const firstLayout = `
CREATE SCHEMA ripen_meta;
CREATE SCHEMA ripen_build;
CREATE SCHEMA core;
CREATE TABLE ripen_meta.load (
    load_id VARCHAR PRIMARY KEY, source VARCHAR NOT NULL, table_id VARCHAR NOT NULL, sequence BIGINT NOT NULL, row_count BIGINT NOT NULL,
    byte_count BIGINT NOT NULL, reject_count BIGINT NOT NULL, committed_at TIMESTAMP NOT NULL, loaded_at TIMESTAMP NOT NULL
);
CREATE TABLE ripen_meta.build (
    publication BIGINT NOT NULL, view_dataset VARCHAR NOT NULL, view_name VARCHAR NOT NULL, table_dataset VARCHAR NOT NULL,
    table_name VARCHAR NOT NULL, build_id VARCHAR NOT NULL, version BIGINT NOT NULL, row_count BIGINT NOT NULL,
    built_at TIMESTAMP NOT NULL, published_at TIMESTAMP NOT NULL
);
CREATE TABLE ripen_meta.built (
    table_dataset VARCHAR NOT NULL, table_name VARCHAR NOT NULL, statement_name VARCHAR NOT NULL, built_at TIMESTAMP NOT NULL
);
CREATE TABLE ripen_meta.setup (sha256 VARCHAR NOT NULL, applied_at TIMESTAMP NOT NULL);
CREATE TABLE ripen_build.a1 (n BIGINT NOT NULL);
INSERT INTO ripen_build.a1 VALUES (1);
CREATE TABLE ripen_build.b1 (n BIGINT);
INSERT INTO ripen_build.b1 VALUES (2);
CREATE VIEW core.a AS SELECT * FROM ripen_build.a1;
CREATE VIEW core.b AS SELECT * FROM ripen_build.b1;
INSERT INTO ripen_meta.load VALUES ('l1', 'shop', 'stripe.events', 1, 5, 100, 0, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02');
INSERT INTO ripen_meta.build VALUES
    (1, 'core', 'a', 'ripen_build', 'a0', 'id a0', 1, 1, TIMESTAMP '2025-12-31', TIMESTAMP '2025-12-31'),
    (2, 'core', 'a', 'ripen_build', 'a1', 'id a1', 1, 1, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02'),
    (3, 'core', 'b', 'ripen_build', 'b1', 'id b1', 1, 1, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02');
INSERT INTO ripen_meta.built VALUES
    ('ripen_build', 'a1', 'core.a_v1', TIMESTAMP '2026-01-01'), ('ripen_build', 'b1', 'core.b_v1', TIMESTAMP '2026-01-01');`

func firstFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "old.duckdb")
	file, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.ExecContext(t.Context(), firstLayout); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func publishedText(t *testing.T, db *duckdb.DB) string {
	t.Helper()
	published, err := db.Published(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range published {
		lines = append(lines, fmt.Sprintf("%s=%s(%s)", p.View, p.Table.Table, rows(t, db, "SELECT n FROM "+p.View.String())))
	}
	return strings.Join(lines, " ")
}

func TestOpen_BringsAFileOfTheFirstRipenUpToDate(t *testing.T) {
	path := firstFile(t)
	db := open(t, duckdb.Config{Path: path})
	if got, want := publishedText(t, db), "core.a=a1(1) core.b=b1(2)"; got != want {
		t.Errorf("published %s, want %s", got, want)
	}
	history, err := db.History(t.Context())
	if err != nil || len(history) != 3 || history[0].Table.Table != "a0" || history[2].Release != "" || history[2].Withdrawn {
		t.Errorf("history %+v, %v", history, err)
	}
	loads, err := db.Loads(t.Context())
	if err != nil || len(loads) != 1 || loads[0].LoadID != "l1" {
		t.Errorf("loads %v, %v", loads, err)
	}
	release := func(id, table string) {
		t.Helper()
		target := warehouse.TableName{Dataset: "ripen_build", Table: table}
		_, err := db.Build(t.Context(), warehouse.Statement{Name: "core.a_v1", SQL: "SELECT 7 AS n", Target: target,
			Columns: []schemas.Column{{Name: "n", Type: schemas.Type{Kind: schemas.Int64}}}})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Publish(t.Context(), warehouse.Release{ID: id, Publications: []warehouse.Publication{{
			View: warehouse.TableName{Dataset: "core", Table: "a"}, Table: target, BuildID: "id " + table, Version: 1, BuiltAt: time.Unix(0, 0)}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	release("r1", "a2")
	expect(t, db, "SELECT string_agg(table_name ORDER BY table_name) FROM duckdb_tables() WHERE schema_name = 'ripen_build'", "a1,a2,b1")
	release("r2", "a3")
	expect(t, db, "SELECT string_agg(table_name ORDER BY table_name) FROM duckdb_tables() WHERE schema_name = 'ripen_build'", "a2,a3,b1")
	expect(t, db, "SELECT string_agg(publication ORDER BY publication) FROM ripen_meta.build", "1,2,3,4,5")

	// The columns are those of a new file, names, types and all.
	fresh := open(t, duckdb.Config{Path: duckdb.Memory})
	columns := "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() WHERE schema_name = 'ripen_meta' ORDER BY ALL"
	expect(t, db, columns, rows(t, fresh, columns))
	constraints := "SELECT table_name, constraint_text FROM duckdb_constraints() WHERE schema_name = 'ripen_meta' AND constraint_type = 'PRIMARY KEY'"
	expect(t, db, constraints, rows(t, fresh, constraints))
}

func TestOpen_ReadsAFileOfTheFirstRipenWithoutWriting(t *testing.T) {
	db := open(t, duckdb.Config{Path: firstFile(t), ReadOnly: true})
	if got, want := publishedText(t, db), "core.a=a1(1) core.b=b1(2)"; got != want {
		t.Errorf("published %s, want %s", got, want)
	}
	history, err := db.History(t.Context())
	if err != nil || len(history) != 3 || history[1].Environment != "" || history[1].Bytes != 0 {
		t.Errorf("history %+v, %v", history, err)
	}
}

func TestOpen_ReadsAFileThatIsNotOfRipen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.duckdb")
	file, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.ExecContext(t.Context(), "CREATE TABLE mine (n INT)"); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	db := open(t, duckdb.Config{Path: path, ReadOnly: true})
	published, err := db.Published(t.Context())
	if err != nil || len(published) > 0 {
		t.Errorf("published %v, %v", published, err)
	}
	if history, err := db.History(t.Context()); err != nil || len(history) > 0 {
		t.Errorf("history %v, %v", history, err)
	}
}
