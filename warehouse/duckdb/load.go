package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// deadLetters is the contract that the Rejects files of every run have.
const deadLetters = "ripen.dead_letters"

// Load adds one landed run; see warehouse.RawTables.
func (db *DB) Load(ctx context.Context, table schemas.Table, run warehouse.Run) (warehouse.Load, error) {
	loads, err := db.LoadBatch(ctx, table, []warehouse.Run{run})
	if err != nil {
		return warehouse.Load{}, err
	}
	return loads[0], nil
}

// LoadBatch adds landed runs of one table; see warehouse.Batches. The files of
// all runs are read by as few statements as their schemas allow. Meanwhile their
// checksums are taken: nothing is committed unless every file is what its
// manifest says it is and all of its rows have arrived.
func (db *DB) LoadBatch(ctx context.Context, table schemas.Table, runs []warehouse.Run) ([]warehouse.Load, error) {
	loads, err := db.loadBatch(ctx, table, runs)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", table.ID(), err)
	}
	return loads, nil
}

func (db *DB) loadBatch(ctx context.Context, table schemas.Table, runs []warehouse.Run) ([]warehouse.Load, error) {
	opened, err := openRuns(table.ID(), runs)
	if err != nil {
		return nil, err
	}
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	known, err := readLoads(ctx, conn, loadIDs(opened))
	if err != nil {
		return nil, err
	}
	if pending := without(opened, known); len(pending) > 0 {
		if err := db.loadPending(ctx, conn, table, pending); err != nil {
			return nil, err
		}
		if known, err = readLoads(ctx, conn, loadIDs(opened)); err != nil {
			return nil, err
		}
	}
	loads := make([]warehouse.Load, len(runs))
	for i, run := range runs {
		loads[i] = known[run.LoadID]
	}
	return loads, nil
}

func (db *DB) loadPending(ctx context.Context, conn *sql.Conn, table schemas.Table, runs []loadRun) error {
	var data, all []file
	for _, r := range runs {
		data = append(data, r.files...)
		all = append(append(all, r.files...), r.rejects...)
	}
	if err := checkSizes(all); err != nil {
		return err
	}
	// Keeping order costs DuckDB half of its speed unless the files fill whole row
	// groups, and saves some when they do. Raw tables promise no order.
	if !aligned(data) {
		if _, err := conn.ExecContext(ctx, "SET SESSION preserve_insertion_order = false"); err != nil {
			return err
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), "SET SESSION preserve_insertion_order = true")
	}
	contents := startCheck(ctx, all)
	defer contents.stop()
	err := inTxOn(ctx, conn, func(tx *sql.Tx) error {
		if err := db.loadTx(ctx, tx, table, runs); err != nil {
			return err
		}
		return contents.wait()
	})
	if err != nil && ctx.Err() == nil {
		// A broken file fails in many ways inside DuckDB; that it was changed says more.
		if changed := contents.wait(); changed != nil {
			return changed
		}
	}
	return err
}

// loadTx adds what the ledger does not have yet, seen from inside the transaction.
func (db *DB) loadTx(ctx context.Context, tx *sql.Tx, table schemas.Table, runs []loadRun) error {
	known, err := readLoads(ctx, tx, loadIDs(runs))
	if err != nil {
		return err
	}
	runs = without(runs, known)
	var data, rejects []part
	for _, r := range runs {
		p := part{run: r.Run, files: r.files, schema: r.Manifest.SchemaHash}
		if table.Drift == schemas.Evolve {
			p.extra = extraNames(r.Manifest.Extra)
		}
		data = append(data, p)
		rejects = append(rejects, part{run: r.Run, files: r.rejects})
	}
	if err := insertParts(ctx, tx, table, data); err != nil {
		return err
	}
	letters, ok := schemas.Contract(deadLetters)
	if !ok {
		return fmt.Errorf("there is no contract %s", deadLetters)
	}
	if err := insertParts(ctx, tx, letters, rejects); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	return writeLoads(ctx, tx, runs, db.clock())
}

func loadIDs(runs []loadRun) []string {
	ids := make([]string, len(runs))
	for i, r := range runs {
		ids[i] = r.LoadID
	}
	return ids
}

// without drops the runs that are loaded already, and runs that are given twice.
func without(runs []loadRun, known map[string]warehouse.Load) []loadRun {
	seen := map[string]bool{}
	return slices.DeleteFunc(slices.Clone(runs), func(r loadRun) bool {
		_, loaded := known[r.LoadID]
		skip := loaded || seen[r.LoadID]
		seen[r.LoadID] = true
		return skip
	})
}
