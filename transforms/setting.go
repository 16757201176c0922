package transforms

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

// Kind is how a model is kept in the warehouse: its materialization.
type Kind string

// Kinds of models.
const (
	Table       Kind = "table"       // built whole, anew
	View        Kind = "view"        // computed when it is read
	Incremental Kind = "incremental" // only intervals or keys that changed are built again
	Snapshot    Kind = "snapshot"    // the history of what a query returned, SCD type 2
	Seed        Kind = "seed"        // rows of data.csv
	Ephemeral   Kind = "ephemeral"   // a subquery of the models that read it
)

var kinds = []string{string(Table), string(View), string(Incremental), string(Snapshot), string(Seed), string(Ephemeral)}

// IncrementalSettings say which rows of an incremental model belong together
// and which changes of inputs reach them. With Interval, rows are replaced by
// intervals of Column; without, by Key.
//
// What the query returns for an interval or a key may depend on a tracked table
// only through its rows of the same interval or key. A change in any other input
// builds the whole table again, unless Ignores names it: so the table always
// equals its full rebuild, except for what Ignores says.
type IncrementalSettings struct {
	Interval string                `yaml:"interval"` // hour, day, week (from Monday) or month, UTC
	Column   string                `yaml:"column"`   // of the model, TIMESTAMP, DATETIME or DATE: which interval a row belongs to
	Start    string                `yaml:"start"`    // first instant to build, every interval from there on; absent: intervals with tracked rows, and what is between them unless that is long
	Lookback int                   `yaml:"lookback"` // intervals before the last one that every new @as_of builds again
	Batch    int                   `yaml:"batch"`    // intervals per statement; absent: all that are due
	Key      columnList            `yaml:"key"`      // columns of the model whose rows are replaced together; absent: the model's key
	Tracks   map[string]columnList `yaml:"tracks"`   // by input: its column of time, or its columns of the key
	Ignores  []string              `yaml:"ignores"`  // inputs whose changes leave what was built as it is
}

// SnapshotSettings say when a row counts as changed.
type SnapshotSettings struct {
	UpdatedAt string   `yaml:"updated_at"` // TIMESTAMP column from which a version is valid; absent: @as_of
	Check     []string `yaml:"check"`      // columns whose change makes a version; absent: all
	Deletes   string   `yaml:"deletes"`    // close (default): a row that vanished ends at @as_of; keep: it stays
}

// Columns that a snapshot adds to those of its query.
const (
	ValidFrom = "valid_from_at" // TIMESTAMP, inclusive
	ValidTo   = "valid_to_at"   // TIMESTAMP, exclusive; NULL while the version is the newest
)

// columnList is one name or a list of names.
type columnList []string

// UnmarshalYAML reads either form.
func (l *columnList) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*l = columnList{one}
		return nil
	}
	var list []string
	if err := unmarshal(&list); err != nil {
		return errors.New("expected a column name or a list of column names, e.g. [account_id]")
	}
	*l = list
	return nil
}

// ColumnSettings describe a column of a model. In model.yaml a text alone is its description.
type ColumnSettings struct {
	Description    string   `yaml:"description"`
	Type           string   `yaml:"type"` // GoogleSQL type that the query must return
	NotNull        bool     `yaml:"not_null"`
	Unique         bool     `yaml:"unique"`
	AcceptedValues []string `yaml:"accepted_values"`
	References     string   `yaml:"references"` // dataset.model.column that must have every value
	Severity       Severity `yaml:"severity"`   // of these checks
}

var columnSettingWords = []string{"description", "type", "not_null", "unique", "accepted_values", "references", "severity"}

// UnmarshalYAML reads a description or the settings.
func (c *ColumnSettings) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if unmarshal(&text) == nil {
		c.Description = text
		return nil
	}
	type settings ColumnSettings
	return unmarshal((*settings)(c))
}

// checks are those that the settings of a column amount to.
func (c ColumnSettings) checks(name string) []CheckSettings {
	var list []CheckSettings
	if c.NotNull {
		list = append(list, CheckSettings{Severity: c.Severity, NotNull: columnList{name}})
	}
	if c.Unique {
		list = append(list, CheckSettings{Severity: c.Severity, Unique: columnList{name}})
	}
	if len(c.AcceptedValues) > 0 {
		list = append(list, CheckSettings{Severity: c.Severity, AcceptedValues: &AcceptedValues{Column: name, Values: c.AcceptedValues}})
	}
	if c.References != "" {
		list = append(list, CheckSettings{Severity: c.Severity, Relationship: &Relationship{Column: name, To: c.References}})
	}
	return list
}

// Severity is what a check that fails does.
type Severity string

// Severities.
const (
	Fail Severity = "fail" // nothing is published; what reads the model is not built
	Warn Severity = "warn" // it is reported
)

// CheckSettings are one entry of checks: exactly one of the checks, and its severity.
type CheckSettings struct {
	Name           string          `yaml:"name"` // absent: made of the check
	Severity       Severity        `yaml:"severity"`
	Unique         columnList      `yaml:"unique"`
	NotNull        columnList      `yaml:"not_null"`
	AcceptedValues *AcceptedValues `yaml:"accepted_values"`
	Relationship   *Relationship   `yaml:"relationship"`
	Volume         *Volume         `yaml:"volume"`
	Freshness      *Freshness      `yaml:"freshness"`
}

// AcceptedValues checks that a column holds nothing else; NULL is accepted.
type AcceptedValues struct {
	Column string   `yaml:"column"`
	Values []string `yaml:"values"`
}

// Relationship checks that every value of a column that is not NULL is in another model's.
type Relationship struct {
	Column string `yaml:"column"`
	To     string `yaml:"to"` // dataset.model.column
}

// Volume checks the number of rows, and how it moved since the last published build.
type Volume struct {
	Min       *int64   `yaml:"min"`
	Max       *int64   `yaml:"max"`
	MaxDrop   *float64 `yaml:"max_drop"`   // percent of the rows that were there
	MaxGrowth *float64 `yaml:"max_growth"` // percent
}

// Freshness checks how old the newest value of a column is at @as_of.
type Freshness struct {
	Column     string        `yaml:"column"` // TIMESTAMP or DATE
	WarnAfter  time.Duration `yaml:"warn_after"`
	ErrorAfter time.Duration `yaml:"error_after"`
}

// kind is the materialization; a table unless model.yaml says otherwise.
func (c *config) kind() Kind {
	if c.Materialized == "" {
		return Table
	}
	return Kind(c.Materialized)
}

func (c *config) snapshot() SnapshotSettings {
	if c.Snapshot == nil {
		return SnapshotSettings{}
	}
	return *c.Snapshot
}

// deprecated is when the version ends; zero when it does not.
func (c *config) deprecated() time.Time {
	day, err := time.Parse(time.DateOnly, c.DeprecationDate)
	if err != nil {
		return time.Time{} // validate has refused a date that is none
	}
	return day
}

// validateSettings reports settings that contradict themselves or each other.
func (c *config) validateSettings(fault func(word, message, advice string)) {
	if !slices.Contains(kinds, string(c.kind())) {
		fault("materialized", fmt.Sprintf("unknown materialization %q", c.Materialized), hint.DidYouMean(c.Materialized, kinds))
		return
	}
	if (c.Incremental != nil) != (c.kind() == Incremental) {
		fault("incremental", "`materialized: incremental` and the block `incremental:` belong together",
			"write both: materialized: incremental, and incremental: {interval: day, column: occurred_at, tracks: {…}}")
	} else if c.Incremental != nil {
		c.Incremental.validate(len(c.Key), fault)
	}
	if c.Snapshot != nil {
		if c.kind() != Snapshot {
			fault("snapshot", "the block `snapshot:` needs `materialized: snapshot`", "")
		}
		if d := c.Snapshot.Deletes; d != "" && d != "close" && d != "keep" {
			fault("snapshot", fmt.Sprintf("deletes: %q", d), "write close (a row that vanished ends) or keep")
		}
	}
	if c.DeprecationDate != "" {
		if _, err := time.Parse(time.DateOnly, c.DeprecationDate); err != nil {
			fault("deprecation_date", fmt.Sprintf("deprecation_date %q is not a date", c.DeprecationDate), "write YYYY-MM-DD")
		}
	}
	for name, column := range c.Columns {
		if column.Type != "" {
			if _, err := schemas.ParseType(column.Type); err != nil {
				fault("columns", fmt.Sprintf("column %s: %v", name, err), "write a GoogleSQL type, e.g. STRING, INT64, TIMESTAMP")
			}
		}
		if column.References != "" && strings.Count(column.References, ".") != 2 {
			fault("columns", fmt.Sprintf("column %s: references %q", name, column.References), "write dataset.model.column")
		}
		checkSeverity(column.Severity, func(m, a string) { fault("columns", "column "+name+": "+m, a) })
	}
	named := map[string]string{}
	for name, column := range c.Columns {
		for _, check := range column.checks(name) {
			named[check.title()] = "column " + name
		}
	}
	for i, check := range c.Checks {
		this := fmt.Sprintf("check %d", i+1)
		check.validate(func(m, a string) { fault("checks", this+": "+m, a) })
		if other, twice := named[check.title()]; twice {
			fault("checks", fmt.Sprintf("%s and %s are both called %q", other, this, check.title()), "results are told apart by name: give the check a `name:`")
		}
		named[check.title()] = this
	}
}

// validate takes the number of columns of the model's key.
func (s *IncrementalSettings) validate(key int, fault func(word, message, advice string)) {
	bad := func(message, advice string) { fault("incremental", message, advice) }
	if s.Interval == "" {
		if s.Column != "" || s.Start != "" || s.Lookback != 0 || s.Batch != 0 {
			bad("column, start, lookback and batch need `interval:`", "write interval: hour, day, week or month; or leave them out to replace rows by key")
		}
	} else {
		if !slices.Contains(intervalUnits, s.Interval) {
			bad(fmt.Sprintf("unknown interval %q", s.Interval), "write hour, day, week or month")
		}
		if s.Column == "" {
			bad("`column:` is missing", "name the model's column that says which interval a row belongs to")
		}
		if len(s.Key) > 0 {
			bad("`key:` and `interval:` exclude each other", "")
		}
		if s.Start != "" {
			if _, err := parseInstant(s.Start); err != nil {
				bad(fmt.Sprintf("start: %v", err), "write YYYY-MM-DD or a timestamp")
			}
		}
	}
	if s.Lookback < 0 || s.Batch < 0 {
		bad("lookback and batch must not be negative", "")
	}
	if len(s.Tracks) == 0 {
		bad("`tracks:` is missing", "name the inputs and their columns, e.g. tracks: {raw_segment.events: sent_at}")
	}
	if len(s.Key) > 0 {
		key = len(s.Key)
	}
	for _, input := range slices.Sorted(maps.Keys(s.Tracks)) {
		switch given := len(s.Tracks[input]); {
		case s.Interval != "" && given != 1:
			bad(fmt.Sprintf("tracks: %s has %d columns", input, given), "name its column of time")
		case s.Interval == "" && given != key:
			bad(fmt.Sprintf("tracks: %s has %d columns, the key %d", input, given, key), "name a column for each of the key, in their order")
		}
	}
}

func checkSeverity(s Severity, fault func(message, advice string)) {
	if s != "" && s != Fail && s != Warn {
		fault(fmt.Sprintf("severity %q", s), "write fail or warn")
	}
}

func (s *CheckSettings) validate(fault func(message, advice string)) {
	checkSeverity(s.Severity, fault)
	kinds := 0
	for _, given := range []bool{len(s.Unique) > 0, len(s.NotNull) > 0, s.AcceptedValues != nil, s.Relationship != nil, s.Volume != nil, s.Freshness != nil} {
		if given {
			kinds++
		}
	}
	if kinds != 1 {
		fault(fmt.Sprintf("it has %d checks", kinds), "an entry has one of unique, not_null, accepted_values, relationship, volume, freshness")
	}
	if r := s.Relationship; r != nil && (r.Column == "" || strings.Count(r.To, ".") != 2) {
		fault("relationship needs column and to", "write relationship: {column: account_key, to: core.dim_account.account_key}")
	}
	if v := s.AcceptedValues; v != nil && (v.Column == "" || len(v.Values) == 0) {
		fault("accepted_values needs column and values", "write accepted_values: {column: status, values: [open, closed]}")
	}
	if f := s.Freshness; f != nil && (f.Column == "" || f.WarnAfter <= 0 && f.ErrorAfter <= 0) {
		fault("freshness needs column and warn_after or error_after", "write freshness: {column: loaded_at, warn_after: 26h, error_after: 50h}")
	}
}
