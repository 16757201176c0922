package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"

	"github.com/ripen-data/ripen/warehouse"
)

// touchesViews finds statements behind which what was read of publications and
// datasets may not hold. Other ledgers change with every model.
var touchesViews = regexp.MustCompile(`(?i)\bripen_meta"?\s*\.\s*"?(build|built)\b|\b(view|schema)\b`)

// Change runs statements in one transaction; see warehouse.Tables.
func (db *DB) Change(ctx context.Context, stmts []warehouse.Statement) error {
	params, err := bindAll(stmts)
	if err != nil {
		return err
	}
	for _, stmt := range stmts {
		if touchesViews.MatchString(stmt.SQL) {
			defer db.views.forget()
			defer db.datasets.forget()
			break
		}
	}
	failed := -1
	err = db.inTx(ctx, func(tx *sql.Tx) error {
		failed = -1
		for i, stmt := range stmts {
			if _, err := tx.ExecContext(ctx, stmt.SQL, params[i]...); err != nil {
				failed = i
				return err
			}
		}
		return nil
	})
	if err != nil && failed >= 0 {
		return &warehouse.StatementError{Name: stmts[failed].Name, SQL: stmts[failed].SQL, Err: asFault(err)}
	}
	if err != nil {
		return fmt.Errorf("change: %w", err)
	}
	return nil
}

func bindAll(stmts []warehouse.Statement) ([][]any, error) {
	params := make([][]any, len(stmts))
	for i, stmt := range stmts {
		var err error
		if params[i], err = bindParams(stmt.Params); err != nil {
			return nil, &warehouse.StatementError{Name: stmt.Name, SQL: stmt.SQL, Err: err}
		}
	}
	return params, nil
}
