package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/ripen-data/ripen/warehouse"
)

// Publish points the views of a release at their tables; see warehouse.Views. It
// is one transaction, so a reader sees all of it or nothing. Publications queue.
func (db *DB) Publish(ctx context.Context, release warehouse.Release) error {
	if err := db.publish(ctx, release); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

func (db *DB) publish(ctx context.Context, release warehouse.Release) error {
	if err := release.Validate(); err != nil {
		return err
	}
	db.views.mu.Lock()
	defer db.views.mu.Unlock()
	state, err := db.readViews(ctx)
	if err != nil {
		return err
	}
	at := release.At
	if at.IsZero() {
		at = db.clock()
	}
	events, err := state.events(release, at)
	if err != nil {
		return err
	}
	after := state.after(release, events)
	statements, err := db.statements(ctx, state, after, release)
	if err != nil {
		return err
	}
	garbage := after.garbage(statements)
	if len(events) == 0 && len(garbage) == 0 && len(release.Ledgers) == 0 {
		return nil
	}
	params, err := bindAll(release.Ledgers)
	if err != nil {
		return err
	}
	for _, e := range events {
		if e.Withdrawn {
			defer db.datasets.forget()
		} else if err := db.datasets.create(ctx, db, e.View.Dataset); err != nil {
			return err
		}
	}
	db.views.state = nil // until it is committed nobody knows
	err = db.inTx(ctx, func(tx *sql.Tx) error {
		for _, e := range events {
			if err := moveView(ctx, tx, e); err != nil {
				return err
			}
		}
		if err := recordEvents(ctx, tx, state.last, events); err != nil {
			return err
		}
		for i, stmt := range release.Ledgers {
			if _, err := tx.ExecContext(ctx, stmt.SQL, params[i]...); err != nil {
				return &warehouse.StatementError{Name: stmt.Name, SQL: stmt.SQL, Err: asFault(err)}
			}
		}
		if err := dropBuilt(ctx, tx, after, garbage); err != nil {
			return err
		}
		return dropEmpty(ctx, tx, release)
	})
	if err != nil {
		return err
	}
	db.views.state = after.withoutBuilt(garbage)
	return nil
}

// events are what the release changes.
func (s *viewState) events(release warehouse.Release, now time.Time) ([]warehouse.Event, error) {
	var events []warehouse.Event
	for _, p := range release.Publications {
		old, exists := s.inForce[p.View]
		if exists {
			if err := release.Guard(old); err != nil {
				return nil, err
			}
		}
		if !exists || !old.Same(p) {
			events = append(events, warehouse.Event{Publication: p, Release: release.ID, PublishedAt: now})
		}
	}
	for _, view := range release.Withdrawn {
		old, exists := s.inForce[view]
		if !exists {
			continue
		}
		if err := release.Guard(old); err != nil {
			return nil, err
		}
		events = append(events, warehouse.Event{Publication: old, Release: release.ID, PublishedAt: now, Withdrawn: true})
	}
	return events, nil
}

// statements are the names under which the tables of the release were built: only
// what was built under these can be dropped with it, for anything else may be on
// its way to be published. An environment that is gone has nothing on its way.
func (db *DB) statements(ctx context.Context, before, after *viewState, release warehouse.Release) (map[string]bool, error) {
	names := map[string]bool{}
	add := func(table tableName) {
		if t, ok := before.built[table]; ok {
			names[t.statement] = true
		}
	}
	for _, p := range release.Publications {
		add(p.Table)
	}
	for _, view := range release.Withdrawn {
		if p, ok := before.inForce[view]; ok {
			add(p.Table)
		}
	}
	if before.gone(release.Environment) || !after.gone(release.Environment) {
		return names, nil
	}
	err := scan(ctx, db.sql, "SELECT DISTINCT table_dataset, table_name FROM ripen_meta.build WHERE environment = "+text(release.Environment),
		func(rows *sql.Rows) error {
			var table tableName
			err := rows.Scan(&table.Dataset, &table.Table)
			add(table)
			return err
		})
	if err != nil {
		return nil, fmt.Errorf("publication ledger: %w", err)
	}
	return names, nil
}

func moveView(ctx context.Context, tx *sql.Tx, e warehouse.Event) error {
	move := "CREATE OR REPLACE VIEW " + tableIdent(e.View) + " AS SELECT * FROM " + tableIdent(e.Table)
	if e.Withdrawn {
		move = "DROP VIEW IF EXISTS " + tableIdent(e.View)
	}
	if _, err := tx.ExecContext(ctx, move); err != nil {
		return &warehouse.StatementError{Name: e.View.String(), SQL: move, Err: err}
	}
	return nil
}

const eventColumns = "view_dataset, view_name, table_dataset, table_name, build_id, version, row_count, built_at, " +
	"published_at, release, environment, model, fingerprint, byte_count, withdrawn, inputs"

// recordEvents numbers the events from last+1 on.
func recordEvents(ctx context.Context, tx *sql.Tx, last int64, events []warehouse.Event) error {
	if len(events) == 0 {
		return nil
	}
	rows := make([]string, len(events))
	for i, e := range events {
		rows[i] = fmt.Sprintf("(%d, %s, %s, %s, %s, %s, %d, %d, make_timestamp(%d), make_timestamp(%d), %s, %s, %s, %s, %d, %t, %s)",
			last+int64(i)+1, text(e.View.Dataset), text(e.View.Table), text(e.Table.Dataset), text(e.Table.Table), text(e.BuildID),
			e.Version, e.Rows, e.BuiltAt.UnixMicro(), e.PublishedAt.UnixMicro(),
			text(e.Release), text(e.Environment), text(e.Model), text(e.Fingerprint), e.Bytes, e.Withdrawn, text(e.Inputs))
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO ripen_meta.build (publication, "+eventColumns+") VALUES\n"+strings.Join(rows, ",\n"))
	if err != nil {
		return fmt.Errorf("publication ledger: %w", err)
	}
	return nil
}

// dropEmpty drops the datasets of an environment that have lost their last view.
func dropEmpty(ctx context.Context, tx *sql.Tx, release warehouse.Release) error {
	if release.Environment == "" || len(release.Withdrawn) == 0 {
		return nil
	}
	var empty []string
	err := scan(ctx, tx, `
		SELECT schema_name FROM duckdb_schemas()
		WHERE database_name = current_database() AND ends_with(schema_name, `+text("__"+release.Environment)+`)
		AND schema_name NOT IN (SELECT schema_name FROM (`+catalogSQL+`))`,
		func(rows *sql.Rows) error {
			var name string
			err := rows.Scan(&name)
			empty = append(empty, name)
			return err
		})
	if err != nil {
		return err
	}
	for _, name := range empty {
		for _, view := range release.Withdrawn {
			if view.Dataset != name {
				continue
			}
			if _, err := tx.ExecContext(ctx, "DROP SCHEMA IF EXISTS "+ident(name)); err != nil {
				return fmt.Errorf("drop dataset %s: %w", name, err)
			}
			break
		}
	}
	return nil
}

// catalogSQL lists tables and views.
const catalogSQL = `
	SELECT schema_name, table_name, false AS is_view FROM duckdb_tables() WHERE database_name = current_database()
	UNION ALL
	SELECT schema_name, view_name, true FROM duckdb_views() WHERE database_name = current_database() AND NOT internal`
