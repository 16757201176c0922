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

// writeLoads is one statement for all: hundreds of small runs come at a time.
func writeLoads(ctx context.Context, tx *sql.Tx, runs []loadRun, now time.Time) error {
	if len(runs) == 0 {
		return nil
	}
	rows := make([]string, len(runs))
	for i, r := range runs {
		m := r.Manifest
		rows[i] = fmt.Sprintf("(%s, %s, %s, %d, %d, %d, %d, make_timestamp(%d), make_timestamp(%d))",
			text(r.LoadID), text(m.Source), text(m.Table), m.Sequence, m.Rows(), m.Bytes(), m.RejectedRows(),
			m.CommittedAt.UnixMicro(), now.UnixMicro())
	}
	_, err := tx.ExecContext(ctx,
		"INSERT INTO ripen_meta.load ("+loadColumns+", loaded_at) VALUES\n"+strings.Join(rows, ",\n"))
	if err != nil {
		return fmt.Errorf("load ledger: %w", err)
	}
	return nil
}
