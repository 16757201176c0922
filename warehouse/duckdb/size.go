package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/ripen-data/ripen/schemas"
)

const (
	// rowGroupRows is the size of DuckDB's row groups. A table of more is written
	// into the file as it is committed; a smaller one stays in the log and shares
	// its blocks with others later.
	rowGroupRows = 122_880
	sizedRows    = 4096 // of which the values are measured
	blockBytes   = 256 << 10
)

// tableBytes is what a table takes: the blocks that hold it in the file or, of a
// table that has none of its own, the bytes of its values, going by its first rows.
func (db *DB) tableBytes(ctx context.Context, table tableName, columns []schemas.Column, rows int64) (int64, error) {
	if db.memory || rows == 0 {
		return 0, nil
	}
	if rows > rowGroupRows {
		blocks, err := db.scalar(ctx, `
			SELECT count(DISTINCT id) FROM (
				SELECT unnest(list_append(additional_block_ids, block_id)) AS id
				FROM pragma_storage_info(`+text(tableIdent(table))+`) WHERE persistent
			)`)
		if err != nil || blocks > 0 {
			return blocks * blockBytes, err
		}
	}
	fixed := int64(0)
	varying := []string{"0"}
	for _, c := range columns {
		switch width := valueBytes(c.Type.Kind); {
		case width > 0:
			fixed += width
		case c.Type.Kind == schemas.Bytes:
			varying = append(varying, "coalesce(sum(octet_length("+ident(c.Name)+")), 0)")
		default:
			varying = append(varying, "coalesce(sum(strlen(CAST("+ident(c.Name)+" AS VARCHAR))), 0)")
		}
	}
	if len(varying) == 1 {
		return fixed * rows, nil
	}
	values, err := db.scalar(ctx, fmt.Sprintf("SELECT CAST(%s AS BIGINT) FROM %s WHERE rowid < %d", strings.Join(varying, " + "), tableIdent(table), sizedRows))
	return fixed*rows + values*rows/min(rows, sizedRows), err
}

// valueBytes is the width of a value, 0 where it varies.
func valueBytes(kind schemas.Kind) int64 {
	switch kind {
	case schemas.Bool:
		return 1
	case schemas.Date:
		return 4
	case schemas.Int64, schemas.Float64, schemas.Timestamp, schemas.Datetime, schemas.Time:
		return 8
	case schemas.Numeric, schemas.Interval:
		return 16
	default:
		return 0
	}
}

func (db *DB) scalar(ctx context.Context, query string) (n int64, err error) {
	err = scan(ctx, db.sql, query, func(rows *sql.Rows) error { return rows.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("size of a table: %w", err)
	}
	return n, nil
}
