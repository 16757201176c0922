package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/ripen-data/ripen/warehouse"
)

// Publish points the views at their new tables; see warehouse.Models. It is one
// transaction, so a reader sees all views of a publication or none. Publishing
// what is in force already changes nothing.
func (db *DB) Publish(ctx context.Context, publications []warehouse.Publication) error {
	if len(publications) == 0 {
		return nil
	}
	datasets := make([]string, len(publications))
	for i, p := range publications {
		datasets[i] = p.View.Dataset
	}
	err := db.createSchemas(ctx, datasets...)
	if err == nil {
		err = db.inTx(ctx, func(tx *sql.Tx) error { return publishTx(ctx, tx, publications, db.clock()) })
	}
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

func publishTx(ctx context.Context, tx *sql.Tx, publications []warehouse.Publication, now time.Time) error {
	before, err := readPublished(ctx, tx)
	if err != nil {
		return err
	}
	inForce := map[warehouse.TableName]warehouse.Publication{}
	for _, p := range before {
		inForce[p.View] = p
	}
	for _, p := range publications {
		if old, ok := inForce[p.View]; ok && old.Table == p.Table && old.BuildID == p.BuildID {
			continue
		}
		view := "CREATE OR REPLACE VIEW " + tableIdent(p.View) + " AS SELECT * FROM " + tableIdent(p.Table)
		if _, err := tx.ExecContext(ctx, view); err != nil {
			return &warehouse.StatementError{Name: p.View.String(), SQL: view, Err: err}
		}
		if err := recordPublication(ctx, tx, p, now); err != nil {
			return err
		}
	}
	return dropReplaced(ctx, tx, publications)
}

func recordPublication(ctx context.Context, tx *sql.Tx, p warehouse.Publication, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO ripen_meta.build
		SELECT coalesce(max(publication), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM ripen_meta.build`,
		p.View.Dataset, p.View.Table, p.Table.Dataset, p.Table.Table, p.BuildID, int64(p.Version), p.Rows,
		timestamp(p.BuiltAt), timestamp(now))
	return err
}

// Published returns what the views point at, by dataset and name. A view or a
// table that somebody dropped by hand is not published any more.
func (db *DB) Published(ctx context.Context) ([]warehouse.Publication, error) {
	publications, err := readPublished(ctx, db.sql)
	if isMissing(err) {
		return nil, nil // opened for reading, and nobody has written yet
	}
	if err != nil {
		return nil, fmt.Errorf("publications: %w", err)
	}
	return publications, nil
}

func readPublished(ctx context.Context, q querier) ([]warehouse.Publication, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT view_dataset, view_name, table_dataset, table_name, build_id, version, row_count, built_at
		FROM ripen_meta.build
		SEMI JOIN (SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = current_database()) AS v
			ON v.schema_name = build.view_dataset AND v.view_name = build.view_name
		SEMI JOIN (SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()) AS t
			ON t.schema_name = build.table_dataset AND t.table_name = build.table_name
		QUALIFY row_number() OVER (PARTITION BY view_dataset, view_name ORDER BY publication DESC) = 1
		ORDER BY view_dataset, view_name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var publications []warehouse.Publication
	for rows.Next() {
		var p warehouse.Publication
		if err := rows.Scan(&p.View.Dataset, &p.View.Table, &p.Table.Dataset, &p.Table.Table,
			&p.BuildID, &p.Version, &p.Rows, &p.BuiltAt); err != nil {
			return nil, err
		}
		publications = append(publications, p)
	}
	return publications, rows.Err()
}

// dropReplaced drops the tables that the published statements made before and
// that no view in force points at.
func dropReplaced(ctx context.Context, tx *sql.Tx, publications []warehouse.Publication) error {
	after, err := readPublished(ctx, tx)
	if err != nil {
		return err
	}
	used := map[warehouse.TableName]bool{}
	for _, p := range after {
		used[p.Table] = true
	}
	built, err := readBuilt(ctx, tx)
	if err != nil {
		return err
	}
	published := map[string]bool{} // names of statements
	for _, p := range publications {
		if name, ok := built[p.Table]; ok {
			published[name] = true
		}
	}
	for table, statement := range built {
		if used[table] || !published[statement] {
			continue
		}
		if _, err := tx.ExecContext(ctx, "DROP TABLE IF EXISTS "+tableIdent(table)); err != nil {
			return fmt.Errorf("drop %s, which was replaced: %w", table, err)
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM ripen_meta.built WHERE table_dataset = $1 AND table_name = $2`,
			table.Dataset, table.Table)
		if err != nil {
			return err
		}
	}
	return nil
}

// readBuilt returns the name of the statement that made each table.
func readBuilt(ctx context.Context, q querier) (map[warehouse.TableName]string, error) {
	rows, err := q.QueryContext(ctx, `SELECT table_dataset, table_name, statement_name FROM ripen_meta.built`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	built := map[warehouse.TableName]string{}
	for rows.Next() {
		var table warehouse.TableName
		var name string
		if err := rows.Scan(&table.Dataset, &table.Table, &name); err != nil {
			return nil, err
		}
		built[table] = name
	}
	return built, rows.Err()
}
