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

// work loads everything landed beside the database and then, as often as it is
// let, builds a model of it, publishes it under two names and adds an interval to
// an incremental table.
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
		release := warehouse.Release{ID: fmt.Sprint(version)}
		for _, dataset := range []string{"core", "mart"} {
			release.Publications = append(release.Publications, warehouse.Publication{
				View: warehouse.TableName{Dataset: dataset, Table: "users"}, Table: table,
				BuildID: fmt.Sprint(version), Version: 1, Rows: stats.Rows, BuiltAt: time.Unix(0, 0)})
		}
		if err := db.Publish(ctx, release); err != nil {
			return err
		}
		if err := addInterval(ctx, db, version); err != nil {
			return err
		}
	}
	return db.Close()
}

// addInterval replaces an interval of an incremental table, with rows that are
// staged first, and its row in the ledger.
func addInterval(ctx context.Context, db *duckdb.DB, interval int) error {
	stage := warehouse.TableName{Dataset: warehouse.StageDataset, Table: "daily"}
	_, err := db.Build(ctx, warehouse.Statement{
		Name: "core.daily", SQL: fmt.Sprintf("SELECT user_id, %d AS day FROM raw_product.users LIMIT 50000", interval), Target: stage,
		Columns: []schemas.Column{{Name: "user_id", Type: schemas.Type{Kind: schemas.String}}, {Name: "day", Type: schemas.Type{Kind: schemas.Int64}}},
	})
	if err != nil {
		return err
	}
	var changes []warehouse.Statement
	for _, sql := range []string{
		"CREATE TABLE IF NOT EXISTS ripen_build.daily (user_id VARCHAR, day BIGINT)",
		fmt.Sprintf("DELETE FROM ripen_build.daily WHERE day = %d", interval),
		"INSERT INTO ripen_build.daily FROM ripen_stage.daily",
		fmt.Sprintf("DELETE FROM ripen_meta.interval WHERE inputs = '%d'", interval),
		fmt.Sprintf("INSERT INTO ripen_meta.interval SELECT 'ripen_build.daily', TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', '%d', count(*), "+
			"TIMESTAMP '2026-01-01' FROM ripen_stage.daily", interval),
		"DROP TABLE ripen_stage.daily",
	} {
		changes = append(changes, warehouse.Statement{Name: "core.daily", SQL: sql})
	}
	return db.Change(ctx, changes)
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
	expect(t, db, "SELECT count(*) FROM duckdb_tables() WHERE starts_with(table_name, 'users_')", "2") // the newest, and the one before it
	expect(t, db, "SELECT count(*), count(DISTINCT day) FROM ripen_build.daily", "250000|5")
	expect(t, db, "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'ripen_stage'", "0")
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
	if len(published) != 0 && (len(published) != 2 || published[0].BuildID != published[1].BuildID) {
		t.Errorf("round %d: half a release is published: %v", round, published)
	}
	views := rows(t, db, "SELECT count(*) FROM duckdb_views() WHERE schema_name IN ('core', 'mart')")
	if views != fmt.Sprint(len(published)) {
		t.Errorf("round %d: %s views, %d publications", round, views, len(published))
	}
	if intervals := rows(t, db, "SELECT inputs, row_count FROM ripen_meta.interval ORDER BY 1"); intervals != "" {
		expect(t, db, "SELECT day, count(*) FROM ripen_build.daily GROUP BY 1 ORDER BY 1", intervals)
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
