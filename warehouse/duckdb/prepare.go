package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

// columnTypes are the columns of a table by lower-case name; DuckDB ignores case.
type columnTypes map[string]struct{ Name, Type string }

// Prepare creates raw tables and columns that are missing; see warehouse.RawTables.
// When nothing is missing it is one query of the catalog. A column that drift
// had added as text and that the contract has taken up since is converted.
func (db *DB) Prepare(ctx context.Context, tables []schemas.Table) error {
	have, err := rawColumns(ctx, db.sql)
	if err != nil {
		return fmt.Errorf("prepare raw tables: %w", err)
	}
	var changes []string
	datasets := map[string]bool{}
	for _, t := range tables {
		ddl, err := prepareTable(t, have[t.RawDataset()+"."+t.Name])
		if err != nil {
			return fmt.Errorf("prepare %s: %w", t.ID(), err)
		}
		if len(ddl) > 0 && !datasets[t.RawDataset()] {
			datasets[t.RawDataset()] = true
			changes = append(changes, "CREATE SCHEMA IF NOT EXISTS "+ident(t.RawDataset()))
		}
		changes = append(changes, ddl...)
	}
	if len(changes) == 0 {
		return nil
	}
	err = db.inTx(ctx, func(tx *sql.Tx) error {
		for _, ddl := range changes {
			if _, err := tx.ExecContext(ctx, ddl); err != nil {
				return fmt.Errorf("%s: %w", firstLine(ddl), err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("prepare raw tables: %w", err)
	}
	return nil
}

func prepareTable(t schemas.Table, have columnTypes) ([]string, error) {
	if have == nil {
		ddl, err := schemas.DuckDBCreate(t.RawDataset(), t.Name, t.RawColumns())
		return []string{ddl}, err
	}
	var changes []string
	alter := "ALTER TABLE " + rawName(t)
	for _, c := range t.RawColumns() {
		want, err := schemas.DuckDBType(c.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		got, exists := have[strings.ToLower(c.Name)]
		switch {
		case !exists:
			// NOT NULL would refuse the rows that are there.
			changes = append(changes, alter+" ADD COLUMN IF NOT EXISTS "+ident(c.Name)+" "+want)
		case got.Type == want:
		case got.Type == "VARCHAR":
			changes = append(changes, alter+" ALTER "+ident(got.Name)+" SET DATA TYPE "+want)
		default:
			return nil, hint.Wrap(
				fmt.Errorf("column %s is %s in the raw table and %s in the contract", c.Name, got.Type, want),
				"a type does not change in place: give the column of the contract a new name")
		}
	}
	return changes, nil
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// rawColumns returns the columns of every raw table by dataset.table.
func rawColumns(ctx context.Context, q querier) (map[string]columnTypes, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns()
		WHERE database_name = current_database() AND starts_with(schema_name, 'raw_')`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	tables := map[string]columnTypes{}
	for rows.Next() {
		var dataset, table, column, typ string
		if err := rows.Scan(&dataset, &table, &column, &typ); err != nil {
			return nil, err
		}
		name := dataset + "." + table
		if tables[name] == nil {
			tables[name] = columnTypes{}
		}
		tables[name][strings.ToLower(column)] = struct{ Name, Type string }{column, typ}
	}
	return tables, rows.Err()
}

func rawName(t schemas.Table) string { return ident(t.RawDataset()) + "." + ident(t.Name) }

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
