package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// setupTable is a ledger that only this engine has.
const setupTable = `CREATE TABLE IF NOT EXISTS ripen_meta.setup (
    sha256 VARCHAR NOT NULL,
    applied_at TIMESTAMP NOT NULL
)`

// setUp creates the ledgers, adds columns that an older ripen did not know, and
// runs the Setup texts that have not run yet. On a file that has it all it only
// reads.
func (db *DB) setUp(ctx context.Context, texts []string) error {
	have, err := readLedgers(ctx, db.sql)
	if err != nil {
		return err
	}
	changes, err := have.missing()
	if err == nil && len(changes) > 0 {
		err = db.inTx(ctx, func(tx *sql.Tx) error {
			for _, ddl := range changes {
				if _, err := tx.ExecContext(ctx, ddl); err != nil {
					return fmt.Errorf("%s: %w", firstLine(ddl), err)
				}
			}
			return nil
		})
	}
	if err == nil && len(changes) > 0 {
		have, err = readLedgers(ctx, db.sql)
	}
	if err != nil {
		return fmt.Errorf("create ledgers: %w", err)
	}
	db.ledgers = have
	return db.runSetup(ctx, texts)
}

// ledgers are the columns that the ledgers of a file have, by table.
type ledgers map[string]columnTypes

func readLedgers(ctx context.Context, q querier) (ledgers, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT table_name, column_name, data_type FROM duckdb_columns()
		WHERE database_name = current_database() AND schema_name = 'ripen_meta'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := ledgers{}
	for rows.Next() {
		var table, column, typ string
		if err := rows.Scan(&table, &column, &typ); err != nil {
			return nil, err
		}
		if have[table] == nil {
			have[table] = columnTypes{}
		}
		have[table][column] = struct{ Name, Type string }{column, typ}
	}
	return have, rows.Err()
}

// missing is the DDL for what have lacks.
func (have ledgers) missing() ([]string, error) {
	var changes []string
	for _, t := range warehouse.Ledgers() {
		if have[t.Name] == nil {
			ddl, err := schemas.DuckDBCreate(t.Dataset, t.Name, t.Columns)
			if err != nil {
				return nil, err
			}
			changes = append(changes, ddl)
			if t.Name == "load" { // one load, one row, whatever else goes wrong
				changes = append(changes, "ALTER TABLE ripen_meta.load ADD PRIMARY KEY (load_id)")
			}
			continue
		}
		for _, c := range t.Columns {
			if _, exists := have[t.Name][c.Name]; exists {
				continue
			}
			typ, err := schemas.DuckDBType(c.Type)
			if err != nil {
				return nil, err
			}
			table, name := ident(t.Dataset)+"."+ident(t.Name), ident(c.Name)
			changes = append(changes,
				"ALTER TABLE "+table+" ADD COLUMN IF NOT EXISTS "+name+" "+typ+" DEFAULT "+unknownValue(c.Type.Kind),
				"ALTER TABLE "+table+" ALTER "+name+" SET NOT NULL")
		}
	}
	if have["setup"] == nil {
		changes = append(changes, setupTable)
	}
	if len(changes) == 0 {
		return nil, nil
	}
	var datasets []string
	for _, name := range []string{warehouse.MetaDataset, warehouse.BuildDataset, warehouse.CheckDataset, warehouse.StageDataset} {
		datasets = append(datasets, "CREATE SCHEMA IF NOT EXISTS "+ident(name))
	}
	return append(datasets, changes...), nil
}

// unknownValue is what rows have that are older than the column.
func unknownValue(kind schemas.Kind) string {
	switch kind {
	case schemas.Int64:
		return "0"
	case schemas.Bool:
		return "false"
	case schemas.Timestamp:
		return "TIMESTAMP '1970-01-01'"
	default:
		return "''"
	}
}

// table is a ledger to read from: with the columns that it lacks in a file that
// an older ripen wrote and that is open for reading only.
func (have ledgers) table(t schemas.Table) string {
	name := ident(t.Dataset) + "." + ident(t.Name)
	columns := []string{"*"}
	for _, c := range t.Columns {
		if _, exists := have[t.Name][c.Name]; !exists {
			columns = append(columns, unknownValue(c.Type.Kind)+" AS "+ident(c.Name))
		}
	}
	if len(columns) == 1 || have[t.Name] == nil {
		return name
	}
	return "(SELECT " + strings.Join(columns, ", ") + " FROM " + name + ")"
}
