package duckdb_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// BenchmarkLoad compares Load with what nobody can beat: the same files read by a
// bare CREATE TABLE AS SELECT into a file of its own, checkpoint included, in
// turns. The goals (ratios to it): aligned 0.95, 500 files 0.85.
func BenchmarkLoad(b *testing.B) {
	for _, bench := range []struct {
		name                string
		runs, files, rowsOf int // runs, files of each, rows of each file
	}{
		{"aligned", 1, 2, 4 * landing.RowGroupRows},
		{"unaligned", 1, 8, 100_000},
		{"500files", 1, 500, 2_000},
		{"500runs", 500, 1, 2_000},
	} {
		b.Run(bench.name, func(b *testing.B) {
			table, ok := schemas.Contract("segment.events")
			if !ok {
				b.Fatal("no contract segment.events")
			}
			landed := benchFiles(b, table, bench.runs, bench.files, bench.rowsOf)
			rows := int64(bench.runs * bench.files * bench.rowsOf)
			var loading, bare time.Duration
			for b.Loop() {
				loading += timeLoad(b, table, landed, rows)
				bare += timeBare(b, landed, rows)
			}
			b.ReportMetric(bare.Seconds()/loading.Seconds(), "ratio")
			b.ReportMetric(float64(rows)*float64(b.N)/loading.Seconds(), "rows/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func timeLoad(b *testing.B, table schemas.Table, runs []warehouse.Run, rows int64) time.Duration {
	b.Helper()
	ctx := b.Context()
	db, err := duckdb.Open(ctx, duckdb.Config{Path: filepath.Join(b.TempDir(), "load.duckdb"), Threads: 2})
	if err == nil {
		err = db.Prepare(ctx, schemas.Contracts())
	}
	if err != nil {
		b.Fatal(err)
	}
	begin := time.Now()
	loads, err := db.LoadBatch(ctx, table, runs)
	if err != nil {
		b.Fatal(err)
	}
	if err := db.Close(); err != nil { // writes the checkpoint
		b.Fatal(err)
	}
	took := time.Since(begin)
	var got int64
	for _, l := range loads {
		got += l.Rows
	}
	if got != rows {
		b.Fatalf("loaded %d rows of %d", got, rows)
	}
	return took
}

func timeBare(b *testing.B, runs []warehouse.Run, rows int64) time.Duration {
	b.Helper()
	db := bareDB(b, filepath.Join(b.TempDir(), "bare.duckdb"))
	begin := time.Now()
	execBare(b, db, "CREATE TABLE t AS SELECT * FROM read_parquet("+fileList(runs)+")")
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begin)
}

func bareDB(b *testing.B, path string) *sql.DB {
	b.Helper()
	db, err := sql.Open("duckdb", path+"?threads=2")
	if err != nil {
		b.Fatal(err)
	}
	return db
}

func execBare(b *testing.B, db *sql.DB, query string) {
	b.Helper()
	if _, err := db.ExecContext(context.Background(), query); err != nil {
		b.Fatal(err)
	}
}

func fileList(runs []warehouse.Run) string {
	var names []string
	for _, run := range runs {
		for _, f := range run.Files {
			names = append(names, "'"+f+"'")
		}
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// benchFiles makes files like those of landing with DuckDB's faster writer.
func benchFiles(b *testing.B, table schemas.Table, runs, files, rowsOf int) []warehouse.Run {
	b.Helper()
	dir := b.TempDir()
	db := bareDB(b, "")
	defer db.Close()
	var columns []string
	for i, c := range table.Columns {
		value := fmt.Sprintf("'%s ' || (hash(i, %d) %% %d)", c.Name, i, 40*(i*i*i+1))
		switch c.Type.Kind {
		case schemas.Timestamp:
			value = "TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_milliseconds(i * 37)"
		case schemas.JSON:
			value = fmt.Sprintf(`'{"plan":"pro","seats":' || (hash(i, %d) %% 1000) || ',"path":"/projects/' || (hash(i, 7) %% 100000) || '"}'`, i)
		case schemas.Bool:
			value = "hash(i) % 3 = 0"
		case schemas.Int64:
			value = "hash(i) % 100000"
		}
		if !c.Required && i%2 == 1 {
			value = fmt.Sprintf("CASE WHEN hash(i, 99) %% 4 > 0 THEN %s END", value)
		}
		if i == 0 {
			value = "uuid()::VARCHAR"
		}
		duckType, err := schemas.DuckDBType(c.Type)
		if err != nil {
			b.Fatal(err)
		}
		if c.Type.Kind == schemas.Timestamp {
			duckType = "TIMESTAMPTZ"
		}
		columns = append(columns, fmt.Sprintf("CAST(%s AS %s) AS \"%s\"", value, duckType, c.Name))
	}
	columns = append(columns, "CAST(NULL AS VARCHAR) AS _extra")
	var landed []warehouse.Run
	for r := range runs {
		run := warehouse.Run{LoadID: fmt.Sprintf("%032x", r+1), Manifest: landing.Manifest{
			Source: "bench", Table: table.ID(), Sequence: int64(r + 1), SchemaHash: table.SchemaHash(), CommittedAt: time.Unix(1_790_000_000, 0),
		}}
		for f := range files {
			name := filepath.Join(dir, fmt.Sprintf("%d-%d.parquet", r, f))
			first := (r*files + f) * rowsOf
			execBare(b, db, fmt.Sprintf("COPY (SELECT %s FROM range(%d, %d) AS t(i)) TO '%s' (COMPRESSION zstd, COMPRESSION_LEVEL 1)",
				strings.Join(columns, ", "), first, first+rowsOf, name))
			run.Files = append(run.Files, name)
			run.Manifest.Files = append(run.Manifest.Files, describe(b, name, rowsOf))
		}
		landed = append(landed, run)
	}
	return landed
}

func describe(b *testing.B, name string, rows int) landing.File {
	b.Helper()
	file, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	hash := sha256.New()
	n, err := io.Copy(hash, file)
	if err != nil {
		b.Fatal(err)
	}
	return landing.File{Name: name, Rows: int64(rows), Bytes: n, SHA256: hex.EncodeToString(hash.Sum(nil))}
}
