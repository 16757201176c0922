package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/ripen-data/ripen/warehouse"
)

const loadColumns = "load_id, source, table_id, sequence, row_count, byte_count, reject_count, committed_at"

// Loads returns the load ledger, by source, table and sequence.
func (db *DB) Loads(ctx context.Context) ([]warehouse.Load, error) {
	loads, err := queryLoads(ctx, db.sql, "SELECT "+loadColumns+" FROM ripen_meta.load ORDER BY source, table_id, sequence")
	if isMissing(err) {
		return nil, nil // opened for reading, and nobody has written yet
	}
	if err != nil {
		return nil, fmt.Errorf("load ledger: %w", err)
	}
	return loads, nil
}

// readLoads returns those of the loads that the ledger has.
func readLoads(ctx context.Context, q querier, ids []string) (map[string]warehouse.Load, error) {
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = text(id)
	}
	loads, err := queryLoads(ctx, q,
		"SELECT "+loadColumns+" FROM ripen_meta.load WHERE load_id IN ("+strings.Join(quoted, ", ")+")")
	if err != nil {
		return nil, fmt.Errorf("load ledger: %w", err)
	}
	known := map[string]warehouse.Load{}
	for _, l := range loads {
		known[l.LoadID] = l
	}
	return known, nil
}

func queryLoads(ctx context.Context, q querier, query string) ([]warehouse.Load, error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var loads []warehouse.Load
	for rows.Next() {
		var l warehouse.Load
		if err := rows.Scan(&l.LoadID, &l.Source, &l.Table, &l.Sequence, &l.Rows, &l.Bytes, &l.Rejects, &l.CommittedAt); err != nil {
			return nil, err
		}
		loads = append(loads, l)
	}
	return loads, rows.Err()
}

func writeLoads(ctx context.Context, tx *sql.Tx, runs []loadRun, now time.Time) error {
	for _, r := range runs {
		m := r.Manifest
		_, err := tx.ExecContext(ctx,
			"INSERT INTO ripen_meta.load ("+loadColumns+", loaded_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			r.LoadID, m.Source, m.Table, m.Sequence, m.Rows(), m.Bytes(), m.RejectedRows(), timestamp(m.CommittedAt), timestamp(now))
		if err != nil {
			return fmt.Errorf("load ledger: %w", err)
		}
	}
	return nil
}
