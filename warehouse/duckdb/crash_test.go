package duckdb_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
	"github.com/ripen-data/ripen/warehouse/warehousetest"
)

const (
	crashRuns    = 6
	crashRunRows = 30_000
)

// work loads everything landed beside the database and then builds and publishes
// a model of it, as often as it is let.
func work(ctx context.Context, path string) error {
	fmt.Println("working")
	db, err := duckdb.Open(ctx, duckdb.Config{Path: path, Threads: 2})
	if err != nil {
		return err
	}
	bucket, err := landing.NewDir(filepath.Join(filepath.Dir(path), "landing"))
	if err != nil {
		return err
	}
	loader := warehouse.NewLoader(db, landing.Open(bucket, landing.Options{}), warehouse.LoaderOptions{})
	if _, err := loader.Run(ctx); err != nil {
		return err
	}
	for version := 1; version <= 5; version++ {
		table := warehouse.TableName{Dataset: "ripen_build", Table: fmt.Sprint("users_", version)}
		stats, err := db.Build(ctx, warehouse.Statement{
			Name: "core.users", SQL: fmt.Sprintf("SELECT user_id, %d AS version FROM raw_product.users", version), Target: table,
			Columns: []schemas.Column{{Name: "user_id", Type: schemas.Type{Kind: schemas.String}}, {Name: "version", Type: schemas.Type{Kind: schemas.Int64}}},
		})
		if err != nil {
			return err
		}
		err = db.Publish(ctx, warehouse.Release{ID: fmt.Sprint(version), Publications: []warehouse.Publication{{
			View: warehouse.TableName{Dataset: "core", Table: "users"}, Table: table,
			BuildID: fmt.Sprint(version), Version: 1, Rows: stats.Rows, BuiltAt: time.Unix(0, 0)}}})
		if err != nil {
			return err
		}
	}
	return db.Close()
}

func TestDuckDB_SurvivesBeingKilledAtAnyMoment(t *testing.T) {
	dir := t.TempDir()
	landUsers(t, filepath.Join(dir, "landing"))
	path := filepath.Join(dir, "w.duckdb")
	r := rand.New(rand.NewPCG(2026, 11))
	// The first, undisturbed, run tells how long there is to kill in.
	whole := timeWork(t, filepath.Join(dir, "calm.duckdb"), dir)
	for round := range 16 {
		if round%4 == 0 {
			for _, name := range []string{path, path + ".wal"} {
				if err := os.RemoveAll(name); err != nil {
					t.Fatal(err)
				}
			}
		}
		child := startChild(t, "work", path)
		child.waitFor("working")
		<-time.After(time.Duration(r.Float64() * float64(whole)))
		child.kill()
		checkWarehouse(t, round, path)
	}
	timeWork(t, path, dir)
	db := open(t, duckdb.Config{Path: path})
	expect(t, db, "SELECT count(*), min(version), max(version) FROM core.users", fmt.Sprintf("%d|5|5", crashRuns*crashRunRows))
	expect(t, db, "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'ripen_build'", "2") // the newest, and the one before it
}

func timeWork(t *testing.T, path, dir string) time.Duration {
	t.Helper()
	begin := time.Now()
	child := startChild(t, "work", path)
	if err := child.cmd.Wait(); err != nil {
		t.Fatalf("undisturbed work: %v", err)
	}
	return time.Since(begin)
}

// checkWarehouse opens what the killed process left: rows and ledgers agree.
func checkWarehouse(t *testing.T, round int, path string) {
	t.Helper()
	db, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	defer db.Close()
	if err := db.Prepare(t.Context(), schemas.Contracts()); err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	loads, err := db.Loads(t.Context())
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	var ledger, raw []string
	for _, l := range loads {
		ledger = append(ledger, fmt.Sprintf("%d %s", l.Rows, l.LoadID))
	}
	raw = strings.Fields(strings.ReplaceAll(rows(t, db, `SELECT count(*), _ripen_load_id FROM raw_product.users GROUP BY 2 ORDER BY
		(SELECT sequence FROM ripen_meta.load WHERE load_id = _ripen_load_id)`), "|", " "))
	if got, want := strings.Join(raw, " "), strings.Join(ledger, " "); got != want {
		t.Errorf("round %d: raw table has %s, ledger %s", round, got, want)
	}
	published, err := db.Published(t.Context())
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	for _, p := range published {
		expect(t, db, "SELECT count(*), max(version) FROM "+p.View.String(), fmt.Sprintf("%d|%s", p.Rows, p.BuildID))
	}
	t.Logf("round %d: %d loads, publications %v", round, len(loads), published)
	views := rows(t, db, "SELECT count(*) FROM duckdb_views() WHERE schema_name = 'core'")
	if views != fmt.Sprint(len(published)) {
		t.Errorf("round %d: %s views, %d publications", round, views, len(published))
	}
}

func landUsers(t *testing.T, folder string) {
	t.Helper()
	bucket, err := landing.NewDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	zone := landing.Open(bucket, landing.Options{})
	table, ok := schemas.Contract("product.users")
	if !ok {
		t.Fatal("no contract product.users")
	}
	for i := range crashRuns {
		row := strings.Trim(usersJSON(table, i), "[]")
		warehousetest.Land(t, zone, warehousetest.Landing{Table: table,
			Rows:    "[" + strings.Repeat(row+",", crashRunRows-1) + row + "]",
			Rejects: []landing.Reject{{Reason: landing.Malformed, Line: int64(i)}},
		})
	}
}
