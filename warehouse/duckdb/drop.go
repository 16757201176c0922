package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/ripen-data/ripen/warehouse"
)

// Drop drops built tables and views; see warehouse.Tables.
func (db *DB) Drop(ctx context.Context, names []warehouse.TableName) error {
	if err := db.drop(ctx, names); err != nil {
		return fmt.Errorf("drop: %w", err)
	}
	return nil
}

func (db *DB) drop(ctx context.Context, names []tableName) error {
	for _, name := range names {
		if !slices.Contains([]string{warehouse.BuildDataset, warehouse.CheckDataset, warehouse.StageDataset}, name.Dataset) {
			return fmt.Errorf("%s is nothing that Build made", name)
		}
	}
	db.views.mu.Lock()
	defer db.views.mu.Unlock()
	state, err := db.readViews(ctx)
	if err != nil {
		return err
	}
	needed := state.needed(true)
	for _, name := range names {
		if needed[name] {
			return fmt.Errorf("a published view needs %s", name)
		}
	}
	db.views.state = nil
	err = db.inTx(ctx, func(tx *sql.Tx) error {
		found := map[tableName]builtTable{} // by hand and by Change, too
		err := scan(ctx, tx, catalogSQL, func(rows *sql.Rows) error {
			var name tableName
			var t builtTable
			err := rows.Scan(&name.Dataset, &name.Table, &t.isView)
			found[name] = t
			return err
		})
		if err != nil {
			return err
		}
		for _, name := range names {
			if t, exists := found[name]; exists {
				if _, err := tx.ExecContext(ctx, dropSQL(name, t.isView)); err != nil {
					return err
				}
				delete(found, name) // it may be named twice
			}
		}
		return forgetBuilt(ctx, tx, names)
	})
	if err == nil {
		db.views.state = state.withoutBuilt(names)
	}
	return err
}

// dropBuilt drops tables and views that Build made.
func dropBuilt(ctx context.Context, tx *sql.Tx, state *viewState, names []tableName) error {
	for _, name := range names {
		if _, err := tx.ExecContext(ctx, dropSQL(name, state.built[name].isView)); err != nil {
			return fmt.Errorf("drop %s, which was replaced: %w", name, err)
		}
	}
	return forgetBuilt(ctx, tx, names)
}

func forgetBuilt(ctx context.Context, tx *sql.Tx, names []tableName) error {
	for _, name := range names {
		_, err := tx.ExecContext(ctx, "DELETE FROM ripen_meta.built WHERE table_dataset = "+text(name.Dataset)+" AND table_name = "+text(name.Table))
		if err != nil {
			return err
		}
	}
	return nil
}

func dropSQL(name tableName, isView bool) string {
	if isView {
		return "DROP VIEW IF EXISTS " + tableIdent(name)
	}
	return "DROP TABLE IF EXISTS " + tableIdent(name)
}
