package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// Build makes stmt.Target from stmt.SQL; see warehouse.Models. The table gets the
// types of stmt.Columns, so a value that does not fit one is an error and not
// another type. Who reads the old table keeps reading it until its own
// transaction ends.
func (db *DB) Build(ctx context.Context, stmt warehouse.Statement) (warehouse.Stats, error) {
	rows, err := db.build(ctx, stmt)
	if err != nil {
		return warehouse.Stats{}, &warehouse.StatementError{Name: stmt.Name, SQL: stmt.SQL, Err: err}
	}
	return warehouse.Stats{Rows: rows}, nil
}

func (db *DB) build(ctx context.Context, stmt warehouse.Statement) (int64, error) {
	if len(stmt.Columns) == 0 {
		return 0, fmt.Errorf("the table %s has no columns", stmt.Target)
	}
	create, err := schemas.DuckDBCreate(stmt.Target.Dataset, stmt.Target.Table, stmt.Columns)
	if err != nil {
		return 0, err
	}
	params, err := bindParams(stmt.Params)
	if err != nil {
		return 0, err
	}
	if err := db.createSchemas(ctx, stmt.Target.Dataset); err != nil {
		return 0, err
	}
	target := tableIdent(stmt.Target)
	var rows int64
	err = db.inTx(ctx, func(tx *sql.Tx) error {
		for _, ddl := range []string{"DROP TABLE IF EXISTS " + target, create} {
			if _, err := tx.ExecContext(ctx, ddl); err != nil {
				return err
			}
		}
		result, err := tx.ExecContext(ctx, "INSERT INTO "+target+"\n"+stmt.SQL, params...)
		if err != nil {
			return err
		}
		if rows, err = result.RowsAffected(); err != nil {
			return err
		}
		return recordBuilt(ctx, tx, stmt, db.clock())
	})
	return rows, err
}

// recordBuilt remembers which statement made the table, for Publish to find what
// a newer build has replaced.
func recordBuilt(ctx context.Context, tx *sql.Tx, stmt warehouse.Statement, now time.Time) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM ripen_meta.built WHERE table_dataset = $1 AND table_name = $2`,
		stmt.Target.Dataset, stmt.Target.Table)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO ripen_meta.built VALUES ($1, $2, $3, $4)`,
		stmt.Target.Dataset, stmt.Target.Table, stmt.Name, timestamp(now))
	return err
}

// createSchemas creates the schemas that are missing, outside of the caller's
// transaction: two builds that begin the same dataset must not undo each other.
func (db *DB) createSchemas(ctx context.Context, names ...string) error {
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		var exists bool
		err := db.sql.QueryRowContext(ctx, `
			SELECT count(*) > 0 FROM duckdb_schemas()
			WHERE database_name = current_database() AND schema_name = $1`, name).Scan(&exists)
		if err == nil && !exists {
			err = db.inTx(ctx, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+ident(name))
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("create dataset %s: %w", name, err)
		}
	}
	return nil
}

// bindParams gives every parameter the type that its Go value stands for; left
// alone, the driver binds an instant as TIMESTAMPTZ.
func bindParams(params map[string]any) ([]any, error) {
	var args []any
	for name, value := range params {
		switch v := value.(type) {
		case time.Time:
			value = timestamp(v)
		case string:
			value = duck.Typed(v, duck.TYPE_VARCHAR)
		case int64:
			value = duck.Typed(v, duck.TYPE_BIGINT)
		case float64:
			value = duck.Typed(v, duck.TYPE_DOUBLE)
		case bool:
			value = duck.Typed(v, duck.TYPE_BOOLEAN)
		default:
			return nil, fmt.Errorf("parameter %s: a %T cannot be bound", name, value)
		}
		args = append(args, sql.Named(name, value))
	}
	return args, nil
}

func tableIdent(n warehouse.TableName) string { return ident(n.Dataset) + "." + ident(n.Table) }
