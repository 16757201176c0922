package duckdb_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

const wideSQL = `SELECT i AS id, 'user ' || hash(i) %% 1000000 AS name, i %% 977 AS n, i * 0.37::DOUBLE AS x,
	TIMESTAMP '2026-01-01' + to_seconds(i) AS seen_at, i %% 3 = 0 AS ok, CAST(i %% 100000 AS DECIMAL(38,9)) AS price FROM range(%d) AS t(i)`

func wideColumns() []schemas.Column {
	var columns []schemas.Column
	for _, c := range []struct {
		name string
		kind schemas.Kind
	}{{"id", schemas.Int64}, {"name", schemas.String}, {"n", schemas.Int64}, {"x", schemas.Float64},
		{"seen_at", schemas.Timestamp}, {"ok", schemas.Bool}, {"price", schemas.Numeric}} {
		columns = append(columns, schemas.Column{Name: c.name, Type: schemas.Type{Kind: c.kind}, Required: c.name == "id"})
	}
	return columns
}

// BenchmarkRelease compares Build and Publish with a bare CREATE OR REPLACE TABLE
// AS SELECT of the same query, in turns and in files of their own: what staging,
// exact types, the ledgers and the view cost. The ratio of processor time holds on
// a busy machine, too. The goal: 0.97.
func BenchmarkRelease(b *testing.B) {
	for _, rows := range []int{10_000_000, 10_000} {
		b.Run(fmt.Sprint(rows), func(b *testing.B) {
			dir := b.TempDir()
			db, err := duckdb.Open(b.Context(), duckdb.Config{Path: filepath.Join(dir, "release.duckdb"), Threads: 2})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			bare := bareDB(b, filepath.Join(dir, "bare.duckdb"))
			defer bare.Close()
			query := fmt.Sprintf(wideSQL, rows)
			var released, alone spent
			for n := 0; b.Loop(); n++ {
				table := warehouse.TableName{Dataset: warehouse.BuildDataset, Table: fmt.Sprint("a", n)}
				released.by(func() { releaseTable(b, db, table, query) })
				alone.by(func() { execBare(b, bare, "CREATE OR REPLACE TABLE a AS "+query) })
			}
			b.ReportMetric(alone.wall.Seconds()/released.wall.Seconds(), "ratio")
			b.ReportMetric(alone.processor.Seconds()/released.processor.Seconds(), "processor-ratio")
			b.ReportMetric((released.processor-alone.processor).Seconds()*1000/float64(b.N), "processor-ms-more/op")
			b.ReportMetric(0, "ns/op")
		})
	}
}

type spent struct{ wall, processor time.Duration }

func (s *spent) by(do func()) {
	begin, used := time.Now(), processorTime()
	do()
	s.wall += time.Since(begin)
	s.processor += processorTime() - used
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func releaseTable(b *testing.B, db *duckdb.DB, table warehouse.TableName, query string) {
	b.Helper()
	stats, err := db.Build(b.Context(), warehouse.Statement{Name: "core.a_v1", SQL: query, Target: table, Columns: wideColumns()})
	if err == nil {
		err = db.Publish(b.Context(), warehouse.Release{ID: table.Table, Publications: []warehouse.Publication{{
			View: warehouse.TableName{Dataset: "core", Table: "a"}, Table: table, BuildID: table.Table, Rows: stats.Rows, Bytes: stats.Bytes}}})
	}
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPublish publishes one of a hundred models whose ledger is a year of
// hourly runs long, against the same CREATE VIEW alone.
func BenchmarkPublish(b *testing.B) {
	const models, runs = 100, 8760
	path := filepath.Join(b.TempDir(), "w.duckdb")
	db, err := duckdb.Open(b.Context(), duckdb.Config{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	one := []schemas.Column{{Name: "n", Type: schemas.Type{Kind: schemas.Int64}}}
	name := func(kind string, model int) warehouse.TableName {
		return warehouse.TableName{Dataset: kind, Table: fmt.Sprint("m", model)}
	}
	first := warehouse.Release{ID: "0"}
	for m := range models {
		table := name(warehouse.BuildDataset, m)
		if _, err := db.Build(b.Context(), warehouse.Statement{Name: table.Table, SQL: "SELECT 1", Target: table, Columns: one}); err != nil {
			b.Fatal(err)
		}
		first.Publications = append(first.Publications, warehouse.Publication{View: name("core", m), Table: table, BuildID: "0"})
	}
	if err := db.Publish(b.Context(), first); err != nil {
		b.Fatal(err)
	}
	err = db.Change(b.Context(), []warehouse.Statement{{SQL: fmt.Sprintf(`INSERT INTO ripen_meta.build
		SELECT b.* REPLACE (publication + run * %d AS publication, CAST(run AS VARCHAR) AS release) FROM ripen_meta.build AS b, range(1, %d) AS r(run)`, models, runs)}})
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	publish := func() {
		n++
		m := n % models
		err := db.Publish(b.Context(), warehouse.Release{ID: fmt.Sprint("run", n/models), Publications: []warehouse.Publication{
			{View: name("core", m), Table: name(warehouse.BuildDataset, m), BuildID: fmt.Sprint(n)}}})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("first", func(b *testing.B) { // what it costs to read the ledger
		for b.Loop() {
			if err := db.Change(b.Context(), []warehouse.Statement{{SQL: "DELETE FROM ripen_meta.build WHERE false"}}); err != nil {
				b.Fatal(err)
			}
			publish()
		}
	})
	b.Run("next", func(b *testing.B) {
		for b.Loop() {
			publish()
		}
	})
	b.Run("bare", func(b *testing.B) {
		bare, err := sql.Open("duckdb", filepath.Join(b.TempDir(), "bare.duckdb"))
		if err != nil {
			b.Fatal(err)
		}
		defer bare.Close()
		execBare(b, bare, "CREATE TABLE t AS SELECT 1 AS n")
		for b.Loop() {
			if _, err := bare.ExecContext(context.Background(), "CREATE OR REPLACE VIEW v AS SELECT * FROM t"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
