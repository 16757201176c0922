package transforms

import (
	"fmt"
	"strings"
	"time"

	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
)

// Model is one version of one model.
type Model struct {
	Dataset     string
	Name        string // without the version
	Version     int
	Latest      bool // the view without a version shows this one
	Own         bool // from the project's own sql folder, not shipped with ripen
	Configured  bool // shipped, with settings of the project
	Grain       string
	Description string
	Owner       string
	Tags        []string
	Key         []string // columns that identify a row
	Order       []string // columns by which people read it
	Columns     map[string]ColumnSettings
	Contract    bool            // the query returns exactly Columns, of their types
	Checks      []CheckSettings // besides those of Columns and of Key
	Kind        Kind
	Incremental *IncrementalSettings // of kind Incremental
	Snapshot    SnapshotSettings     // of kind Snapshot
	Sync        *SyncSettings        // where its columns go in a CRM; nil: nowhere
	Deprecated  time.Time            // from then on this version is gone; zero: never
	Source      syntax.Source        // query.sql, or what data.csv amounts to
	Config      syntax.Source        // model.yaml
	Cases       syntax.Source        // cases.txtar; without text when there are none
	OwnChecks   syntax.Source        // checks.sql; without text when there are none
}

// Address names this version of the model: dataset.model_vN. It is unique.
func (m *Model) Address() string { return fmt.Sprintf("%s.%s_v%d", m.Dataset, m.Name, m.Version) }

// View is the stable view that shows the latest version.
func (m *Model) View() warehouse.TableName {
	return warehouse.TableName{Dataset: m.Dataset, Table: m.Name}
}

// VersionView is the view that shows this version.
func (m *Model) VersionView() warehouse.TableName {
	return warehouse.TableName{Dataset: m.Dataset, Table: fmt.Sprintf("%s_v%d", m.Name, m.Version)}
}

// String is the name that people use: dataset.model, with its version unless it is the latest.
func (m *Model) String() string {
	if m.Latest {
		return m.View().String()
	}
	return m.Address()
}

// ByInterval reports whether rows are replaced by intervals of time.
func (m *Model) ByInterval() bool { return m.Kind == Incremental && m.Incremental.Interval != "" }

// ByKey reports whether rows are replaced by key.
func (m *Model) ByKey() bool { return m.Kind == Incremental && m.Incremental.Interval == "" }

// params are the parameters that the query may name. What is kept over builds or
// computed at every look has no one instant that it describes.
func (m *Model) params() []string {
	switch {
	case m.ByInterval():
		return []string{IntervalStart, IntervalEnd}
	case m.ByKey(), m.Kind == View, m.Kind == Seed:
		return nil
	}
	return []string{AsOf}
}

// grainPrefix starts the first line of every query.
const grainPrefix = "-- One row per "

// grain returns what the first line of a query says after "One row per".
func grain(source syntax.Source) (string, error) {
	first, _, _ := strings.Cut(strings.TrimPrefix(source.Text, "\ufeff"), "\n")
	rest, ok := strings.CutPrefix(strings.TrimRight(first, " \t\r"), grainPrefix)
	if rest = strings.TrimRight(rest, "."); !ok || rest == "" {
		return "", source.At(0, "the first line does not state the grain",
			"start with a comment such as `-- One row per account and day.`")
	}
	return rest, nil
}
