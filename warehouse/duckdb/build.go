package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// Build makes stmt.Target from stmt.SQL; see warehouse.Tables. The table gets the
// types of stmt.Columns, so a value that does not fit one is an error and not
// another type. Who reads the old table keeps reading it until its own
// transaction ends.
func (db *DB) Build(ctx context.Context, stmt warehouse.Statement) (warehouse.Stats, error) {
	stats, err := db.build(ctx, stmt)
	if err != nil {
		return warehouse.Stats{}, &warehouse.StatementError{Name: stmt.Name, SQL: stmt.SQL, Err: asFault(err)}
	}
	return stats, nil
}

func (db *DB) build(ctx context.Context, stmt warehouse.Statement) (stats warehouse.Stats, err error) {
	built := builtTable{statement: stmt.Name, isView: stmt.View}
	create := db.createTable
	if stmt.View {
		create = createView
		built.reads, err = tablesOf(ctx, db.sql, stmt.SQL)
	}
	if err == nil {
		err = db.datasets.create(ctx, db, stmt.Target.Dataset)
	}
	if err != nil {
		return stats, err
	}
	fresh := db.views.lacks(stmt.Target)
	err = db.inTx(ctx, func(tx *sql.Tx) error {
		if err := db.replaceBuilt(ctx, tx, stmt.Target, built, fresh); err != nil {
			return err
		}
		fresh = false // when this is repeated, somebody was in the way
		stats, err = create(ctx, tx, stmt)
		return err
	})
	if err != nil {
		return stats, err
	}
	db.views.built(stmt.Target, built)
	if !stmt.View {
		stats.Bytes, err = db.tableBytes(ctx, stmt.Target, stmt.Columns, stats.Rows)
	}
	return stats, err
}

func (db *DB) createTable(ctx context.Context, tx *sql.Tx, stmt warehouse.Statement) (stats warehouse.Stats, err error) {
	if len(stmt.Columns) == 0 {
		return stats, fmt.Errorf("the table %s has no columns", stmt.Target)
	}
	create, err := schemas.DuckDBCreate(stmt.Target.Dataset, stmt.Target.Table, stmt.Columns)
	if err != nil {
		return stats, err
	}
	params, err := bindParams(stmt.Params)
	if err != nil {
		return stats, err
	}
	if _, err := tx.ExecContext(ctx, create); err != nil {
		return stats, err
	}
	result, err := tx.ExecContext(ctx, "INSERT INTO "+tableIdent(stmt.Target)+"\n"+stmt.SQL, params...)
	if err != nil {
		return stats, err
	}
	stats.Rows, err = result.RowsAffected()
	return stats, err
}

func createView(ctx context.Context, tx *sql.Tx, stmt warehouse.Statement) (warehouse.Stats, error) {
	if len(stmt.Params) > 0 {
		return warehouse.Stats{}, hint.New(fmt.Sprintf("the view %s has parameters, and a view keeps none", stmt.Target),
			"make it a table")
	}
	_, err := tx.ExecContext(ctx, "CREATE VIEW "+tableIdent(stmt.Target)+" AS\n"+stmt.SQL)
	return warehouse.Stats{}, err
}

// replaceBuilt drops what Build made at the target before, and remembers which
// statement makes it now, for Publish to find what a newer build has replaced. A
// fresh target is not in the ledger.
func (db *DB) replaceBuilt(ctx context.Context, tx *sql.Tx, target tableName, built builtTable, fresh bool) error {
	wasView := false
	var err error
	if !fresh {
		wasView, err = deleteBuilt(ctx, tx, target)
	}
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, dropSQL(target, wasView)); err != nil {
		return err
	}
	reads := make([]string, len(built.reads))
	for i, name := range built.reads {
		reads[i] = name.String()
	}
	list, err := json.Marshal(reads)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf(
		"INSERT INTO ripen_meta.built (table_dataset, table_name, statement_name, built_at, is_view, reads) VALUES (%s, %s, %s, make_timestamp(%d), %t, %s)",
		text(target.Dataset), text(target.Table), text(built.statement), db.clock().UnixMicro(), built.isView, text(string(list))))
	return err
}

func deleteBuilt(ctx context.Context, tx *sql.Tx, target tableName) (wasView bool, err error) {
	err = scan(ctx, tx, "DELETE FROM ripen_meta.built WHERE table_dataset = "+text(target.Dataset)+" AND table_name = "+text(target.Table)+
		" RETURNING is_view", func(rows *sql.Rows) error { return rows.Scan(&wasView) })
	return wasView, err
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
