package transforms

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// CheckError is rows that fail the model's checks. They were not published:
// readers still see the last build that passed.
type CheckError struct {
	Model    string              // dataset.model
	Table    warehouse.TableName // where the rows can be looked at
	Failures []Failure
}

// Failure is one check that failed.
type Failure struct {
	Check    string // e.g. unique(account_id, month_on)
	Severity Severity
	Rows     int64               // rows that fail it, keys that stand twice; 0 of a check of the table as a whole
	Unit     string              // rows or keys
	Message  string              // of a check of the table as a whole
	Examples []string            // of failing keys, at most maxExamples
	Stored   warehouse.TableName // failing rows, at most maxStored; zero when there are none
}

// Bounds of what is kept of failing rows.
const (
	maxExamples = 5
	maxStored   = 10_000
)

func (f Failure) String() string {
	if f.Message != "" {
		return f.Check + ": " + f.Message
	}
	text := fmt.Sprintf("%s fails for %d %s", f.Check, f.Rows, f.Unit)
	if len(f.Examples) > 0 {
		text += ", e.g. " + strings.Join(f.Examples, "; ")
	}
	if f.Stored != (warehouse.TableName{}) {
		text += " (failing rows are in " + f.Stored.String() + ")"
	}
	return text
}

func (e *CheckError) Error() string {
	parts := make([]string, len(e.Failures))
	for i, f := range e.Failures {
		parts[i] = f.String()
	}
	return fmt.Sprintf("check %s: %s; nothing was published, the rows are in %s", e.Model, strings.Join(parts, ". "), e.Table)
}

// audited is rows that were built and that nobody reads yet.
type audited struct {
	table    warehouse.TableName
	columns  []schemas.Column
	into     warehouse.TableName       // table that they go into; zero when they are all there is
	replaced func(table string) string // of a row of into, whether it goes when they come
	within   string                    // name of the check that replaced holds for the rows themselves; empty: it does
	partial  bool                      // more rows follow: the table as a whole is not looked at yet
}

// all is every row that readers will find, to stand behind FROM.
func (a audited) all() string { return a.with("") }

// near is every row that readers will find and that may share columns with one
// of those that were built.
func (a audited) near(columns []string) string {
	return a.with(fmt.Sprintf(" and exists (select 1 from %s as n where %s)", a.table, equal("n", "t", columns)))
}

func (a audited) with(condition string) string {
	if a.into == (warehouse.TableName{}) {
		return a.table.String()
	}
	return fmt.Sprintf("(select s.* from %s as s union all select t.* from %s as t where not (%s)%s)", a.table, a.into, a.replaced("t"), condition)
}

// check is what every kind of check has.
type check struct {
	name     string
	severity Severity
}

// rowCheck is a condition on single rows: those for which failing holds fail.
type rowCheck struct {
	check
	failing string   // condition on columns written built.column
	columns []string // in it
}

// setCheck finds failing rows by a query of its own.
type setCheck struct {
	check
	sql     string           // of the failing rows
	returns []schemas.Column // of them
	shown   []string         // columns of them that tell people which rows they are
	unit    string           // of what is counted
	own     bool             // of checks.sql
}

// checks are all that model.yaml states: those of the key first, then of columns.
// What is said twice of one thing counts as it is said first.
func (m *Model) checks() []CheckSettings {
	list := []CheckSettings{{NotNull: m.Key}, {Unique: m.Key}}
	for _, column := range slices.Sorted(maps.Keys(m.Columns)) {
		list = append(list, m.Columns[column].checks(column)...)
	}
	var once []CheckSettings
	for _, c := range append(list, m.Checks...) {
		if !slices.ContainsFunc(once, func(other CheckSettings) bool { return other.title() == c.title() }) {
			c.Name, c.Severity = c.title(), c.Severity.or(Fail)
			once = append(once, c)
		}
	}
	return once
}

// check is its name and severity.
func (s CheckSettings) check() check { return check{s.Name, s.Severity} }

// rowChecks are the conditions on single rows; columns are those of the rows.
func (m *Model) rowChecks(columns []schemas.Column) ([]rowCheck, error) {
	var list []rowCheck
	for _, c := range m.checks() {
		switch {
		case len(c.NotNull) > 0:
			list = append(list, rowCheck{c.check(), missing("built", c.NotNull), c.NotNull})
		case c.AcceptedValues != nil:
			column := c.AcceptedValues.Column
			literals := make([]string, len(c.AcceptedValues.Values))
			for _, found := range pick(columns, []string{column}) {
				for i, value := range c.AcceptedValues.Values {
					var err error
					if literals[i], err = plainLiteral(found.Type, value); err != nil {
						return nil, fmt.Errorf("%s: %w", c.Name, err)
					}
				}
			}
			list = append(list, rowCheck{c.check(), fmt.Sprintf("built.%s not in (%s)", column, strings.Join(literals, ", ")), []string{column}})
		}
	}
	return list, nil
}

// missing is the condition that one of the columns is NULL.
func missing(table string, columns []string) string {
	conditions := make([]string, len(columns))
	for i, column := range columns {
		conditions[i] = table + "." + column + " is null"
	}
	return strings.Join(conditions, " or ")
}

// target splits dataset.model.column.
func (r *Relationship) target() (model, column string) {
	i := strings.LastIndex(r.To, ".")
	return r.To[:i], r.To[i+1:]
}

func (s Severity) or(usual Severity) Severity {
	if s == "" {
		return usual
	}
	return s
}

// nameOf is the name of a check: the given one, else kind(columns), else kind.
func nameOf(given, kind string, columns ...string) string {
	switch {
	case given != "":
		return given
	case len(columns) == 0:
		return kind
	}
	return fmt.Sprintf("%s(%s)", kind, strings.Join(columns, ", "))
}

// title is the name under which the check is reported.
func (s CheckSettings) title() string {
	switch {
	case len(s.Unique) > 0:
		return nameOf(s.Name, "unique", s.Unique...)
	case len(s.NotNull) > 0:
		return nameOf(s.Name, "not_null", s.NotNull...)
	case s.AcceptedValues != nil:
		return nameOf(s.Name, "accepted_values", s.AcceptedValues.Column)
	case s.Relationship != nil:
		return nameOf(s.Name, "relationship", s.Relationship.Column+" in "+s.Relationship.To)
	case s.Freshness != nil:
		return nameOf(s.Name, "freshness", s.Freshness.Column)
	}
	return nameOf(s.Name, "volume")
}

// checksMeaning is what of the configuration decides whether rows pass.
func (m *Model) checksMeaning() any {
	columns := map[string]ColumnSettings{}
	for name, c := range m.Columns {
		if c.NotNull || c.Unique || len(c.AcceptedValues) > 0 || c.References != "" {
			c.Description = ""
			columns[name] = c
		}
	}
	return struct {
		Key     []string
		Columns map[string]ColumnSettings
		Checks  []CheckSettings
		Own     string
	}{m.Key, columns, m.Checks, m.OwnChecks.Text}
}

// number reads a count, which may arrive as INT64 or as a wider number in text.
func number(value any) int64 {
	if n, ok := value.(int64); ok {
		return n
	}
	n, err := strconv.ParseFloat(Text(value), 64)
	if err != nil {
		return 0
	}
	return int64(n)
}
