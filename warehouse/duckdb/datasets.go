package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
)

// datasets are those known to exist: to ask for each table that is built takes
// longer than to build a small one.
type datasets struct {
	mu    sync.Mutex
	known map[string]bool
}

// forget is called when datasets were dropped, or may have been.
func (d *datasets) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known = nil
}

// create creates the datasets that are missing, outside of the caller's
// transaction: two builds that begin the same one must not undo each other.
func (d *datasets) create(ctx context.Context, db *DB, names ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range names {
		if d.known[name] {
			continue
		}
		if err := d.read(ctx, db); err != nil {
			return err
		}
		break
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		if d.known[name] {
			continue
		}
		err := db.inTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+ident(name))
			return err
		})
		if err != nil {
			return fmt.Errorf("create dataset %s: %w", name, err)
		}
		d.known[name] = true
	}
	return nil
}

func (d *datasets) read(ctx context.Context, db *DB) error {
	d.known = map[string]bool{}
	return scan(ctx, db.sql, "SELECT schema_name FROM duckdb_schemas() WHERE database_name = current_database()",
		func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			d.known[name] = true
			return err
		})
}
