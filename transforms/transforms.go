// Package transforms reads models, puts them in order, has them analysed, and
// builds them in a warehouse.
//
// A model is a folder sql/<dataset>/<model>_v<N>/ with query.sql (one GoogleSQL
// query whose first line states the grain), model.yaml (description, key, …)
// and cases.txtar (unit cases). Load reads the folders, Engine.Graph orders
// them by the tables that they name, Engine.Compile turns them into the
// warehouse's dialect, and a Builder builds them:
//
//	          equal build id                       published
//	  model ────────────────────────────────────▶ (unchanged)
//	    │ other build id
//	    ▼
//	table ripen_build.<dataset>__<model>_v<N>__<id> ──▶ checks ──▶ views
//	    │ statement refused                              │ a row fails
//	    ▼                                                ▼
//	  error: nothing changed              *CheckError: the table stays to be
//	                                      looked at, the views keep the last
//	                                      build that passed
//
// Readers see the views <dataset>.<model> and <dataset>.<model>_v<N> only, so
// they never see a model half built or a build that failed its checks.
package transforms

import (
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Parameters of models, all TIMESTAMP.
const (
	AsOf          = "as_of"          // the instant that a build describes
	IntervalStart = "interval_start" // of models built by interval: the first instant of the rows to return
	IntervalEnd   = "interval_end"   // and the first one behind them
)

// BuildDataset holds the tables behind the views.
const BuildDataset = "ripen_build"

// Analyzer understands GoogleSQL. It need not be safe for concurrent use.
type Analyzer interface {
	// Refs returns the tables that a statement names, without a catalog.
	Refs(syntax.Source) ([]syntax.Ref, error)
	// Check analyses a statement. Faults are *syntax.Diagnostic, joined if there are several.
	Check(syntax.Catalog, syntax.Source) (*syntax.Statement, error)
}

// Compiler turns an analysed statement into the warehouse's dialect and says
// which columns it returns, with the types that a table of them must have. Faults
// are *syntax.Diagnostic.
type Compiler func(*syntax.Statement) (sql syntax.Template, columns []schemas.Column, err error)
