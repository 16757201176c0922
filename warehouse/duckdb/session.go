package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// attachedName is the warehouse file within a session.
const attachedName = "warehouse"

// spoolRows are read at a time: a row group.
const spoolRows = 122_880

// Session is one user's statements in a database of their own, in memory, beside
// which a warehouse file may be attached for reading. Temporary tables last as
// long as the session. It is used by one goroutine at a time.
type Session struct {
	db       *DB
	conn     *sql.Conn
	attached bool
	results  int
}

// OpenSession opens a session on the file cfg.Path, or on nothing when that is
// Memory. The file is not written to, so the macros of cfg.Setup that an older
// ripen left in it do not matter. When another process holds the file the error
// is ErrLocked.
func OpenSession(ctx context.Context, cfg Config) (*Session, error) {
	file := cfg.Path
	cfg.Path, cfg.ReadOnly = Memory, false
	db, err := Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	conn, err := db.sql.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open session: %w", err), db.Close())
	}
	s := &Session{db: db, conn: conn, attached: file != Memory}
	if s.attached {
		if _, err := conn.ExecContext(ctx, "ATTACH "+text(file)+" AS "+attachedName+" (READ_ONLY)"); err != nil {
			return nil, errors.Join(fmt.Errorf("open warehouse %s: %w", file, lockError(err)), s.Close())
		}
	}
	return s, nil
}

// Close drops what the session made.
func (s *Session) Close() error { return errors.Join(s.conn.Close(), s.db.Close()) }

// Tables lists the tables and views of the file, dataset.table.
func (s *Session) Tables(ctx context.Context) ([]warehouse.TableName, error) {
	if !s.attached {
		return nil, nil
	}
	rows, err := s.conn.QueryContext(ctx, `
		SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = $1
		UNION ALL
		SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = $1 AND NOT internal
		ORDER BY ALL`, attachedName)
	if err != nil {
		return nil, fmt.Errorf("tables of the warehouse: %w", err)
	}
	defer rows.Close()
	var names []warehouse.TableName
	for rows.Next() {
		var name warehouse.TableName
		if err := rows.Scan(&name.Dataset, &name.Table); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// SQL is how statements of the session name a table of the file.
func (s *Session) SQL(name warehouse.TableName) string {
	return attachedName + "." + tableIdent(name)
}

// Columns returns the columns of a table or view of the file: those of a published
// model with the types that it was compiled to, others with the types that DuckDB's
// own stand for. A column of a type that GoogleSQL has not is left out.
func (s *Session) Columns(ctx context.Context, name warehouse.TableName) ([]schemas.Column, error) {
	columns, err := s.storedColumns(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("columns of %s: %w", name, err)
	}
	published, err := s.publishedColumns(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("columns of %s: %w", name, err)
	}
	for i, c := range columns {
		for _, p := range published {
			if p.Name == c.Name {
				columns[i].Type = p.Type
			}
		}
	}
	return columns, nil
}

func (s *Session) storedColumns(ctx context.Context, name warehouse.TableName) ([]schemas.Column, error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT * FROM "+s.SQL(name)+" LIMIT 0")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	var columns []schemas.Column
	for _, t := range types {
		stored, err := arrowType(t.DatabaseTypeName())
		if err != nil {
			continue
		}
		if typ, ok := googleSQLType(stored); ok {
			columns = append(columns, schemas.Column{Name: t.Name(), Type: typ})
		}
	}
	return columns, rows.Err()
}

// publishedColumns reads what the ledgers know of a view; nil for what is none, or
// is older than the ledger of versions.
func (s *Session) publishedColumns(ctx context.Context, name warehouse.TableName) ([]schemas.Column, error) {
	var list string
	err := s.conn.QueryRowContext(ctx, `
		SELECT version."columns" FROM `+attachedName+`.ripen_meta.build AS build
		INNER JOIN `+attachedName+`.ripen_meta.version AS version ON version.fingerprint = build.fingerprint
		WHERE build.view_dataset = $1 AND build.view_name = $2
		ORDER BY build.publication DESC LIMIT 1`, name.Dataset, name.Table).Scan(&list)
	if errors.Is(err, sql.ErrNoRows) || isUnknown(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var columns []schemas.Column
	if err := json.Unmarshal([]byte(list), &columns); err != nil {
		return nil, fmt.Errorf("ledger of versions: %w", err)
	}
	return columns, nil
}

// isUnknown is true when a table or a column does not exist.
func isUnknown(err error) bool {
	return err != nil && (isMissing(err) || strings.Contains(err.Error(), "Binder Error") || strings.Contains(err.Error(), "Catalog Error"))
}

// Result is the rows of a statement that has run: they lie in a table of the
// session, which may be larger than memory, until Close.
type Result struct {
	session *Session
	table   string
	columns []schemas.Column
	Rows    int64
}

// Run runs a query and keeps its rows, at most limit of them when it is above 0.
// They have exactly the types of stmt.Columns, which count by position: as in a
// table that is built, a value that does not fit is an error. Columns of the
// result are c1, c2 … An error is a *warehouse.StatementError; one that a value
// brought about has a *warehouse.Fault in it.
func (s *Session) Run(ctx context.Context, stmt warehouse.Statement, limit int64) (*Result, error) {
	s.results++
	r := &Result{session: s, table: "_result" + strconv.Itoa(s.results)}
	for i, c := range stmt.Columns {
		r.columns = append(r.columns, schemas.Column{Name: "c" + strconv.Itoa(i+1), Type: c.Type})
	}
	stmt.Target.Table = r.table
	if limit > 0 {
		stmt.SQL = "SELECT * FROM (\n" + stmt.SQL + "\n) LIMIT " + strconv.FormatInt(limit, 10)
	}
	stmt.Columns = r.columns
	var err error
	if r.Rows, err = s.Keep(ctx, stmt); err != nil {
		return nil, err
	}
	return r, nil
}

// Temporary is how statements of the session name a table that Keep made.
func (s *Session) Temporary(name string) string { return "temp." + ident(name) }

// Keep makes the temporary table stmt.Target.Table of the rows of a query, with
// the types of stmt.Columns, and returns how many there are. Errors are as of Run.
func (s *Session) Keep(ctx context.Context, stmt warehouse.Statement) (int64, error) {
	rows, err := s.keep(ctx, stmt)
	if err != nil {
		return 0, &warehouse.StatementError{Name: stmt.Name, SQL: stmt.SQL, Err: asFault(err)}
	}
	return rows, nil
}

func (s *Session) keep(ctx context.Context, stmt warehouse.Statement) (int64, error) {
	definitions := make([]string, len(stmt.Columns))
	for i, c := range stmt.Columns {
		typ, err := schemas.DuckDBType(c.Type)
		if err != nil {
			return 0, fmt.Errorf("column %d: %w", i+1, err)
		}
		definitions[i] = ident(c.Name) + " " + typ
	}
	params, err := bindParams(stmt.Params)
	if err != nil {
		return 0, err
	}
	table := s.Temporary(stmt.Target.Table)
	if _, err := s.conn.ExecContext(ctx, "CREATE OR REPLACE TEMP TABLE "+table+" ("+strings.Join(definitions, ", ")+")"); err != nil {
		return 0, err
	}
	result, err := s.conn.ExecContext(ctx, "INSERT INTO "+table+"\n"+stmt.SQL, params...)
	if err != nil {
		return 0, errors.Join(err, s.Drop(ctx, stmt.Target.Table))
	}
	return result.RowsAffected()
}

// Drop drops a table that Keep made.
func (s *Session) Drop(ctx context.Context, name string) error {
	_, err := s.conn.ExecContext(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS "+s.Temporary(name))
	return err
}

// Close drops the rows.
func (r *Result) Close() error { return r.session.Drop(context.Background(), r.table) }

// Records yields the rows in the order of the query, at least one batch; see
// warehouse.Tables for who owns a batch.
func (r *Result) Records(ctx context.Context) iter.Seq2[arrow.Record, error] {
	return func(yield func(arrow.Record, error) bool) {
		for from := int64(0); from == 0 || from < r.Rows; from += spoolRows {
			more := true
			sql := fmt.Sprintf("SELECT * FROM %s WHERE rowid >= %d AND rowid < %d", r.session.Temporary(r.table), from, from+spoolRows)
			err := queryOn(ctx, r.session.conn, warehouse.Statement{SQL: sql}, func(record arrow.Record) bool {
				more = yield(record, nil)
				return more
			})
			if err != nil {
				yield(nil, fmt.Errorf("read the result: %w", err))
				return
			}
			if !more {
				return
			}
		}
	}
}

// googleSQLType is the type under which statements see what is stored.
func googleSQLType(t arrow.DataType) (schemas.Type, bool) {
	switch t := t.(type) {
	case *arrow.ListType:
		elem, ok := googleSQLType(t.Elem())
		return schemas.Type{Kind: schemas.Array, Elem: &elem}, ok && elem.Kind != schemas.Array
	case *arrow.StructType:
		typ := schemas.Type{Kind: schemas.Struct}
		for _, f := range t.Fields() {
			field, ok := googleSQLType(f.Type)
			if !ok {
				return schemas.Type{}, false
			}
			typ.Fields = append(typ.Fields, schemas.Field{Name: f.Name, Type: field})
		}
		return typ, true
	}
	kinds := map[arrow.Type]schemas.Kind{
		arrow.BOOL: schemas.Bool, arrow.INT64: schemas.Int64, arrow.FLOAT64: schemas.Float64, arrow.DECIMAL128: schemas.Numeric,
		arrow.STRING: schemas.String, arrow.BINARY: schemas.Bytes, arrow.DATE32: schemas.Date, arrow.TIME64: schemas.Time,
		arrow.TIMESTAMP: schemas.Timestamp, arrow.INTERVAL_MONTH_DAY_NANO: schemas.Interval,
	}
	kind, ok := kinds[t.ID()]
	return schemas.Type{Kind: kind}, ok
}
