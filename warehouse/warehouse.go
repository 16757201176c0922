// Package warehouse is where landed runs become raw tables and models become
// tables. Each engine is an adapter in a folder of its own; the Loader carries
// committed manifests into the raw tables of any of them.
//
// Raw tables are logs: every landed version of a record stays, under the load
// that brought it; staging models choose the newest. A load and its row in the
// load ledger (ripen_meta.load) are one transaction, so repeating a run that was
// loaded is a no-op and a killed load leaves nothing.
package warehouse

import (
	"context"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// Warehouse is one engine.
type Warehouse interface {
	RawTables
	Models
	io.Closer
}

// RawTables is what the Loader needs of an engine.
type RawTables interface {
	// Prepare creates the raw tables of the contracts, empty, where they are
	// missing, and adds columns that a contract has gained.
	Prepare(ctx context.Context, tables []schemas.Table) error
	// Loads returns the load ledger.
	Loads(ctx context.Context) ([]Load, error)
	// Load adds one landed run to its raw table and to the ledger, all or
	// nothing. Repeating a load is a no-op that returns the ledger's figures.
	Load(ctx context.Context, table schemas.Table, run Run) (Load, error)
}

// Batches is what an engine may offer besides RawTables: several runs of one
// table, of any sources, in one transaction. The Loader uses it where many runs wait.
type Batches interface {
	// LoadBatch is Load for all of the runs, or none.
	LoadBatch(ctx context.Context, table schemas.Table, runs []Run) ([]Load, error)
}

// Models is what transforms needs of an engine.
type Models interface {
	Tables
	Views
}

// Tables makes, changes and reads tables.
type Tables interface {
	// Build creates the table stmt.Target from stmt.SQL, replacing it atomically;
	// a view where stmt.View is set.
	Build(ctx context.Context, stmt Statement) (Stats, error)
	// Change runs statements that alter rows (INSERT, DELETE, UPDATE, MERGE), in
	// order: all of them or none. A table whose rows are staged elsewhere may be
	// dropped behind them, but the columns of a table that is published must stay.
	Change(ctx context.Context, stmts []Statement) error
	// Query runs a statement and yields its rows in batches, at least one, so that
	// the columns of an empty result are known too. A batch belongs to the iterator:
	// Retain what must outlive the step. The first error ends the sequence.
	Query(ctx context.Context, stmt Statement) iter.Seq2[arrow.Record, error]
	// Drop drops tables and views of BuildDataset, CheckDataset and StageDataset:
	// all of them or, when something published needs one, none. One that does not
	// exist is no error.
	Drop(ctx context.Context, names []TableName) error
}

// Run is a committed manifest with the addresses of its files.
type Run struct {
	Manifest landing.Manifest
	LoadID   string   // derived from the manifest's content
	Files    []string // URIs of Manifest.Files, in order
	Rejects  []string // URIs of Manifest.Rejects, in order
}

// Load is one row of the load ledger.
type Load struct {
	LoadID      string
	Source      string
	Table       string // contract ID
	Sequence    int64
	Rows        int64
	Bytes       int64
	Rejects     int64
	CommittedAt time.Time // when the manifest was committed
}

// TableName is dataset and table.
type TableName struct{ Dataset, Table string }

// String prints dataset.table.
func (n TableName) String() string { return n.Dataset + "." + n.Table }

// Datasets for what nobody reads by name: what models are built into, the rows
// that failed a check, and rows on their way into an incremental table.
const (
	BuildDataset = "ripen_build"
	CheckDataset = "ripen_check"
	StageDataset = "ripen_stage"
)

// Statement is SQL in the engine's own dialect.
type Statement struct {
	Name    string           // what it is, for errors: a model, a check
	SQL     string           //
	Params  map[string]any   // by name without sigil: string, int64, float64, bool, time.Time; a view takes none
	Target  TableName        // of Build
	Columns []schemas.Column // of Target, in order; Build gives a table exactly these types
	View    bool             // Build creates a view at Target; Columns only document it
}

// Stats is what a statement did. Bytes is what the table takes on disk, as nearly
// as the engine tells cheaply; 0 for a view, and where nothing is on disk.
type Stats struct {
	Rows  int64
	Bytes int64
}

// StatementError is a statement that the engine refused.
type StatementError struct {
	Name string // of the statement
	SQL  string
	Err  error
}

func (e *StatementError) Error() string { return fmt.Sprintf("%s: %v", e.Name, e.Err) }

func (e *StatementError) Unwrap() error { return e.Err }
