package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// Published returns what the views show; see warehouse.Views.
func (db *DB) Published(ctx context.Context) ([]warehouse.Publication, error) {
	published, err := db.readPublished(ctx, db.sql)
	if isMissing(err) {
		return nil, nil // opened for reading, and nobody has written yet
	}
	if err != nil {
		return nil, fmt.Errorf("publications: %w", err)
	}
	return published, nil
}

func (db *DB) readPublished(ctx context.Context, q querier) ([]warehouse.Publication, error) {
	events, err := readEvents(ctx, q, `
		WITH catalog AS (`+catalogSQL+`), ledger AS (FROM `+db.buildLedger()+`),
		newest AS (SELECT view_dataset, view_name, max(publication) AS publication FROM ledger GROUP BY 1, 2)
		SELECT `+eventColumns+` FROM ledger AS b
		SEMI JOIN newest USING (view_dataset, view_name, publication)
		SEMI JOIN (FROM catalog WHERE is_view) AS v ON v.schema_name = b.view_dataset AND v.table_name = b.view_name
		SEMI JOIN catalog AS t ON t.schema_name = b.table_dataset AND t.table_name = b.table_name
		WHERE NOT withdrawn
		ORDER BY view_dataset, view_name`)
	if err != nil {
		return nil, err
	}
	published := make([]warehouse.Publication, len(events))
	for i, e := range events {
		published[i] = e.Publication
	}
	return published, nil
}

// History returns the publication ledger; see warehouse.Views.
func (db *DB) History(ctx context.Context) ([]warehouse.Event, error) {
	events, err := readEvents(ctx, db.sql, "SELECT "+eventColumns+" FROM "+db.buildLedger()+" AS b ORDER BY publication, view_dataset, view_name")
	if isMissing(err) {
		return nil, nil // opened for reading, and nobody has written yet
	}
	if err != nil {
		return nil, fmt.Errorf("publication ledger: %w", err)
	}
	return events, nil
}

// buildLedger is ripen_meta.build, to read from.
func (db *DB) buildLedger() string {
	all := warehouse.Ledgers()
	return db.ledgers.table(all[slices.IndexFunc(all, func(t schemas.Table) bool { return t.Name == "build" })])
}

func readEvents(ctx context.Context, q querier, query string) ([]warehouse.Event, error) {
	var events []warehouse.Event
	err := scan(ctx, q, query, func(rows *sql.Rows) error {
		var e warehouse.Event
		err := rows.Scan(&e.View.Dataset, &e.View.Table, &e.Table.Dataset, &e.Table.Table, &e.BuildID, &e.Version, &e.Rows, &e.BuiltAt,
			&e.PublishedAt, &e.Release, &e.Environment, &e.Model, &e.Fingerprint, &e.Bytes, &e.Withdrawn, &e.Inputs)
		events = append(events, e)
		return err
	})
	return events, err
}
