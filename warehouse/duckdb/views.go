package duckdb

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ripen-data/ripen/warehouse"
)

// views is what the ledgers say, kept between publications: to read them anew for
// each of the hundred models of a run takes longer than to publish. This process
// holds the file, so nobody else changes them; what does so here holds mu or
// forgets. Read when first needed.
type views struct {
	mu    sync.Mutex
	state *viewState // nil: not read
}

// forget makes the next publication read the ledgers.
func (v *views) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = nil
}

// built adds a table to the state, if there is one.
func (v *views) built(name tableName, t builtTable) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.state != nil {
		v.state = v.state.withBuilt(name, t)
	}
}

// lacks is true when it is known that the ledger does not have the table.
func (v *views) lacks(name tableName) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.state == nil {
		return false
	}
	_, exists := v.state.built[name]
	return !exists
}

// viewState is never changed, only replaced.
type viewState struct {
	last    int64 // publication number
	inForce map[warehouse.TableName]warehouse.Publication
	latest  map[string]string                            // newest release by environment
	before  map[string]map[warehouse.TableName]tableName // by environment: what each view showed before that release
	built   map[warehouse.TableName]builtTable
}

type tableName = warehouse.TableName

// builtTable is a row of ripen_meta.built.
type builtTable struct {
	statement string
	isView    bool
	reads     []tableName // by a view
}

// readViews returns the state; the caller holds db.views.mu.
func (db *DB) readViews(ctx context.Context) (*viewState, error) {
	if db.views.state != nil {
		return db.views.state, nil
	}
	var state *viewState
	err := db.inTx(ctx, func(tx *sql.Tx) (err error) {
		state, err = db.readViewState(ctx, tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("publication ledger: %w", err)
	}
	db.views.state = state
	return state, nil
}

func (db *DB) readViewState(ctx context.Context, q querier) (*viewState, error) {
	state := &viewState{
		inForce: map[tableName]warehouse.Publication{}, latest: map[string]string{},
		before: map[string]map[tableName]tableName{}, built: map[tableName]builtTable{},
	}
	published, err := db.readPublished(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, p := range published {
		state.inForce[p.View] = p
	}
	err = scan(ctx, q, `
		WITH newest AS (SELECT environment, max(publication) AS publication FROM ripen_meta.build GROUP BY 1)
		SELECT environment, release, publication FROM ripen_meta.build SEMI JOIN newest USING (environment, publication)`,
		func(rows *sql.Rows) error {
			var environment, release string
			var last int64
			err := rows.Scan(&environment, &release, &last)
			state.latest[environment] = release
			state.last = max(state.last, last)
			return err
		})
	if err != nil {
		return nil, err
	}
	for environment := range state.latest {
		if state.gone(environment) {
			continue
		}
		if state.before[environment], err = readBefore(ctx, q, environment, state.latest[environment]); err != nil {
			return nil, err
		}
	}
	return state, scan(ctx, q, `SELECT table_dataset, table_name, statement_name, is_view, reads FROM ripen_meta.built`,
		func(rows *sql.Rows) error {
			var name tableName
			var t builtTable
			var reads string
			if err := rows.Scan(&name.Dataset, &name.Table, &t.statement, &t.isView, &reads); err != nil {
				return err
			}
			var err error
			t.reads, err = parseReads(reads)
			state.built[name] = t
			return err
		})
}

// readBefore returns the table of each view just before a release.
func readBefore(ctx context.Context, q querier, environment, release string) (map[tableName]tableName, error) {
	before := map[tableName]tableName{}
	return before, scan(ctx, q, `
		WITH newest AS (
			SELECT view_dataset, view_name, max(publication) AS publication FROM ripen_meta.build
			WHERE environment = `+text(environment)+` AND release <> `+text(release)+` GROUP BY 1, 2
		)
		SELECT view_dataset, view_name, table_dataset, table_name FROM ripen_meta.build
		SEMI JOIN newest USING (view_dataset, view_name, publication) WHERE NOT withdrawn`,
		func(rows *sql.Rows) error {
			var view, table tableName
			err := rows.Scan(&view.Dataset, &view.Table, &table.Dataset, &table.Table)
			before[view] = table
			return err
		})
}

func scan(ctx context.Context, q querier, query string, row func(*sql.Rows) error) error {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// gone is true for an environment without views; production always is.
func (s *viewState) gone(environment string) bool {
	if environment == "" {
		return false
	}
	for _, p := range s.inForce {
		if p.Environment == environment {
			return false
		}
	}
	return true
}

// after is the state when the events of a release have come to pass.
func (s *viewState) after(release warehouse.Release, events []warehouse.Event) *viewState {
	if len(events) == 0 {
		return s
	}
	next := &viewState{
		last: s.last + int64(len(events)), inForce: maps.Clone(s.inForce),
		latest: maps.Clone(s.latest), before: maps.Clone(s.before), built: s.built,
	}
	if s.latest[release.Environment] != release.ID {
		next.latest[release.Environment] = release.ID
		before := map[tableName]tableName{}
		for view, p := range s.inForce {
			if p.Environment == release.Environment {
				before[view] = p.Table
			}
		}
		next.before[release.Environment] = before
	}
	for _, e := range events {
		if e.Withdrawn {
			delete(next.inForce, e.View)
		} else {
			next.inForce[e.View] = e.Publication
		}
	}
	if next.gone(release.Environment) {
		delete(next.before, release.Environment)
	}
	return next
}

// needed are the tables that views in force show or read and, unless now is set,
// those that a rollback of the latest release would need.
func (s *viewState) needed(now bool) map[tableName]bool {
	needed := map[tableName]bool{}
	var need func(tableName)
	need = func(name tableName) {
		if needed[name] {
			return
		}
		needed[name] = true
		for _, read := range s.built[name].reads {
			need(read)
		}
	}
	for _, p := range s.inForce {
		need(p.Table)
	}
	if now {
		return needed
	}
	for _, tables := range s.before {
		for _, table := range tables {
			need(table)
		}
	}
	return needed
}

// garbage are the tables of the named statements that nothing needs, in a stable order.
func (s *viewState) garbage(statements map[string]bool) []tableName {
	if len(statements) == 0 {
		return nil
	}
	needed := s.needed(false)
	var garbage []tableName
	for name, t := range s.built {
		if statements[t.statement] && !needed[name] {
			garbage = append(garbage, name)
		}
	}
	slices.SortFunc(garbage, func(a, b tableName) int { return strings.Compare(a.String(), b.String()) })
	return garbage
}

// withBuilt is the state with one table more.
func (s *viewState) withBuilt(name tableName, t builtTable) *viewState {
	next := *s
	next.built = maps.Clone(s.built)
	next.built[name] = t
	return &next
}

// withoutBuilt is the state without some tables.
func (s *viewState) withoutBuilt(names []tableName) *viewState {
	if len(names) == 0 {
		return s
	}
	next := *s
	next.built = maps.Clone(s.built)
	for _, name := range names {
		delete(next.built, name)
	}
	return &next
}

func parseReads(text string) ([]tableName, error) {
	if text == "" || text == "[]" {
		return nil, nil
	}
	var names []string
	if err := json.Unmarshal([]byte(text), &names); err != nil {
		return nil, fmt.Errorf("ripen_meta.built: reads is %q: %w", text, err)
	}
	tables := make([]tableName, len(names))
	for i, name := range names {
		tables[i].Dataset, tables[i].Table, _ = strings.Cut(name, ".")
	}
	return tables, nil
}
