package transforms

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/ripen-data/ripen/warehouse"
)

// CheckError is a build whose rows fail the model's checks. Nothing was
// published: readers still see the last build that passed.
type CheckError struct {
	Model    string              // dataset.model
	Table    warehouse.TableName // where the refused rows can be looked at
	Failures []Failure
}

// Failure is one check that failed.
type Failure struct {
	Check    string   // e.g. unique(account_id, month_on)
	Rows     int64    // rows that fail it
	Examples []string // of failing keys, at most maxExamples
}

// maxExamples bounds what a Failure keeps.
const maxExamples = 5

func (e *CheckError) Error() string {
	parts := make([]string, len(e.Failures))
	for i, f := range e.Failures {
		parts[i] = fmt.Sprintf("%s fails for %d rows, e.g. %s", f.Check, f.Rows, strings.Join(f.Examples, "; "))
	}
	return fmt.Sprintf("check %s: %s (rows are in %s)", e.Model, strings.Join(parts, ". "), e.Table)
}

// audited is rows that were built and that nobody reads yet.
type audited struct {
	table    warehouse.TableName
	into     warehouse.TableName       // table that they go into; zero when they are all there is
	replaced func(table string) string // of a row of into, whether it goes when they come
}

// checksMeaning is what of the configuration decides whether rows pass.
func (m *Model) checksMeaning() any {
	return struct {
		Key     []string
		Columns map[string]ColumnSettings
		Checks  []CheckSettings
		Own     string
	}{m.Key, m.checkedColumns(), m.Checks, m.OwnChecks.Text}
}

// checkedColumns are the columns whose settings check something.
func (m *Model) checkedColumns() map[string]ColumnSettings {
	checked := map[string]ColumnSettings{}
	for name, c := range m.Columns {
		if c.NotNull || c.Unique || len(c.AcceptedValues) > 0 || c.References != "" {
			c.Description = ""
			checked[name] = c
		}
	}
	return checked
}

// audit runs the model's checks on rows before they are published.
func (b *Builder) audit(ctx context.Context, w *work, a audited, result *Result) error {
	return check(ctx, b.into, w.Model, a.table)
}

// check runs the model's checks on a table that was built but not published.
//
// The statements run in every dialect: columns are written table.column, where
// even reserved words need no quotes, and nothing is called but COUNT and SUM.
func check(ctx context.Context, w warehouse.Models, m *Model, table warehouse.TableName) error {
	columns := make([]string, len(m.Key))
	nulls := make([]string, len(m.Key))
	for i, key := range m.Key {
		columns[i] = "built." + key
		nulls[i] = columns[i] + " is null"
	}
	list := strings.Join(columns, ", ")
	checks := []struct{ name, sql string }{
		{"not null", fmt.Sprintf(
			"select %s, count(*) over () as failing_rows from %s as built where %s limit %d",
			list, table, strings.Join(nulls, " or "), maxExamples)},
		{"unique", fmt.Sprintf(
			"select keys.*, sum(keys.key_rows) over () as failing_rows from ("+
				"select %s, count(*) as key_rows from %s as built group by %s having count(*) > 1) as keys "+
				"order by key_rows desc limit %d",
			list, table, list, maxExamples)},
	}
	failed := &CheckError{Model: m.String(), Table: table}
	for _, c := range checks {
		name := fmt.Sprintf("%s(%s)", c.name, strings.Join(m.Key, ", "))
		rows, err := query(ctx, w, warehouse.Statement{Name: m.String() + ": " + name, SQL: c.sql}, maxExamples)
		if err != nil {
			return fmt.Errorf("check %s: %s: %w", m, name, err)
		}
		if len(rows.Values) > 0 {
			failed.Failures = append(failed.Failures, failure(name, m.Key, rows))
		}
	}
	if len(failed.Failures) > 0 {
		return failed
	}
	return nil
}

// failure reads rows of key columns, perhaps key_rows, and failing_rows.
func failure(name string, key []string, rows *Rows) Failure {
	f := Failure{Check: name}
	for _, row := range rows.Values {
		cells := make([]string, len(key))
		for i, column := range key {
			cells[i] = column + "=" + Text(row[i])
		}
		example := strings.Join(cells, " ")
		if len(row) > len(key)+1 {
			example += fmt.Sprintf(" (%s rows)", Text(row[len(key)]))
		}
		f.Examples = append(f.Examples, example)
	}
	// A sum may arrive as INT64 or as a wider number in text.
	last := rows.Values[0][len(rows.Values[0])-1]
	if n, err := strconv.ParseFloat(Text(last), 64); err == nil {
		f.Rows = int64(n)
	}
	return f
}
