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
type ledgers map[string]map[string]bool

func readLedgers(ctx context.Context, q querier) (ledgers, error) {
	// To ask for columns makes DuckDB bind every view there is, which takes longer
	// than the rest of an opening. Where the numbers of columns are right, so are
	// their names: they only ever grow.
	counts := map[string]int{}
	err := scan(ctx, q, `
		SELECT table_name, column_count FROM duckdb_tables()
		WHERE database_name = current_database() AND schema_name = 'ripen_meta'`,
		func(rows *sql.Rows) error {
			var table string
			var count int
			err := rows.Scan(&table, &count)
			counts[table] = count
			return err
		})
	if err != nil {
		return nil, err
	}
	have := ledgers{}
	for table := range counts {
		have[table] = map[string]bool{}
	}
	complete := true
	for _, t := range warehouse.Ledgers() {
		complete = complete && counts[t.Name] >= len(t.Columns)
		if have[t.Name] == nil {
			continue
		}
		for _, c := range t.Columns {
			have[t.Name][c.Name] = true
		}
	}
	if complete || len(counts) == 0 {
		return have, nil
	}
	for table := range have {
		clear(have[table])
	}
	return have, scan(ctx, q, `
		SELECT table_name, column_name FROM duckdb_columns()
		WHERE database_name = current_database() AND schema_name = 'ripen_meta'`,
		func(rows *sql.Rows) error {
			var table, column string
			err := rows.Scan(&table, &column)
			have[table][column] = true
			return err
		})
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
			if have[t.Name][c.Name] {
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
		if !have[t.Name][c.Name] {
			columns = append(columns, unknownValue(c.Type.Kind)+" AS "+ident(c.Name))
		}
	}
	if len(columns) == 1 || have[t.Name] == nil {
		return name
	}
	return "(SELECT " + strings.Join(columns, ", ") + " FROM " + name + ")"
}
