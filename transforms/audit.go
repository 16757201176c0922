package transforms

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// audit runs the model's checks on rows before they are published. Rows that
// fail are kept where people can look at them. A check that only warns is in the
// result; others end as one *CheckError.
func (b *Builder) audit(ctx context.Context, w *work, a audited, result *Result) error {
	if a.columns == nil {
		a.columns = w.Query
	}
	failures, names, err := b.failures(ctx, w, a)
	if err != nil {
		return err
	}
	failed := &CheckError{Model: w.Model.String(), Table: a.table}
	for _, f := range failures {
		if f.Severity == Warn {
			result.Warnings = append(result.Warnings, f)
		} else {
			failed.Failures = append(failed.Failures, f)
		}
	}
	result.checks = append(result.checks, b.checkRecord(w, a, names, failures)...)
	if len(failed.Failures) == 0 {
		return nil
	}
	// Nothing will be published that this could go with.
	return errors.Join(failed, b.into.Change(ctx, result.checks))
}

// checked is the name and severity of a check that ran.
type checked struct {
	name     string
	severity Severity
}

// failures runs every check, and returns what failed and what ran.
func (b *Builder) failures(ctx context.Context, w *work, a audited) ([]Failure, []checked, error) {
	var failures []Failure
	var ran []checked
	m := w.Model
	rows := m.rowChecks()
	if a.replaced != nil {
		rows = append(rows, rowCheck{"rows lie in the part that they replace", Fail, "not coalesce(" + a.replaced("built") + ", false)"})
	}
	counts, err := b.countRows(ctx, m, a, rows)
	if err != nil {
		return nil, nil, err
	}
	for i, c := range rows {
		ran = append(ran, checked{c.name, c.severity})
		if counts[i] == 0 {
			continue
		}
		f, err := b.store(ctx, m, a, setCheck{
			name: c.name, severity: c.severity, columns: a.columns, unit: "rows",
			sql: fmt.Sprintf("select built.* from %s as built where %s", a.table, c.failing),
		}, counts[i])
		if err != nil {
			return nil, nil, err
		}
		failures = append(failures, f)
	}
	sets, err := b.setChecks(w, a)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range sets {
		ran = append(ran, checked{c.name, c.severity})
		counted, err := query(ctx, b.into, warehouse.Statement{Name: checkName(m, c), SQL: "select count(*) as failing_rows from (\n" + c.sql + "\n) as failing", Params: b.checkParams(c)}, 1)
		if err != nil {
			return nil, nil, fmt.Errorf("check %s: %s: %w", m, c.name, err)
		}
		if n := number(counted.Values[0][0]); n > 0 {
			f, err := b.store(ctx, m, a, c, n)
			if err != nil {
				return nil, nil, err
			}
			failures = append(failures, f)
		}
	}
	whole, names, err := b.wholeChecks(ctx, w, a)
	return append(failures, whole...), append(ran, names...), err
}

// countRows looks at every row once for all conditions.
func (b *Builder) countRows(ctx context.Context, m *Model, a audited, checks []rowCheck) ([]int64, error) {
	sums := make([]string, len(checks))
	for i, c := range checks {
		sums[i] = fmt.Sprintf("sum(case when %s then 1 else 0 end) as failing_%d", c.failing, i)
	}
	rows, err := query(ctx, b.into, warehouse.Statement{
		Name: m.String() + ": checks", SQL: fmt.Sprintf("select %s from %s as built", strings.Join(sums, ", "), a.table),
	}, 1)
	if err != nil {
		return nil, fmt.Errorf("check %s: %w", m, err)
	}
	counts := make([]int64, len(checks))
	for i := range checks {
		counts[i] = number(rows.Values[0][i])
	}
	return counts, nil
}

// setChecks are those that need a query of their own.
func (b *Builder) setChecks(w *work, a audited) ([]setCheck, error) {
	m := w.Model
	var list []setCheck
	for _, c := range m.uniqueChecks() {
		columns := qualified("built", c.Unique)
		list = append(list, setCheck{
			name: nameOf(c.Name, "unique", c.Unique...), severity: c.Severity.or(Fail), unit: "keys",
			sql: fmt.Sprintf("select %s, count(*) as "+keyRows+" from %s as built group by %s having count(*) > 1", columns, a.all(c.Unique), columns),
			columns: append(slices.DeleteFunc(slices.Clone(a.columns), func(column schemas.Column) bool { return !slices.Contains(c.Unique, column.Name) }),
				schemas.Column{Name: keyRows, Type: schemas.Type{Kind: schemas.Int64}}),
		})
	}
	for i, c := range list {
		slices.SortFunc(c.columns[:len(c.columns)-1], func(x, y schemas.Column) int {
			order := m.uniqueChecks()[i].Unique
			return slices.Index(order, x.Name) - slices.Index(order, y.Name)
		})
	}
	for _, c := range m.relationships() {
		name, column := c.Relationship.target()
		target, ok := b.graph.Project.Model(name)
		if !ok {
			return nil, fmt.Errorf("check %s: there is no model %s", m, name)
		}
		from := a.all([]string{column})
		if target != m {
			found, err := b.found(target)
			if err != nil {
				return nil, fmt.Errorf("check %s: %w", m, err)
			}
			from = found.Table.String()
		}
		list = append(list, setCheck{
			name: nameOf(c.Name, "relationship", c.Relationship.Column+" in "+c.Relationship.To), severity: c.Severity.or(Fail), columns: a.columns, unit: "rows",
			sql: fmt.Sprintf("select built.* from %s as built where built.%s is not null and not exists (select 1 from %s as target where target.%s = built.%s)",
				a.table, c.Relationship.Column, from, column, c.Relationship.Column),
		})
	}
	for _, c := range w.Checks {
		sql, err := b.renderCheck(w, a, c)
		if err != nil {
			return nil, err
		}
		list = append(list, setCheck{name: c.Name, severity: c.Severity, sql: sql, columns: c.Columns, unit: "rows", file: m.OwnChecks.Name})
	}
	return list, nil
}

// wholeChecks look at the table as a whole: its size and its age.
func (b *Builder) wholeChecks(ctx context.Context, w *work, a audited) (failures []Failure, ran []checked, err error) {
	for _, c := range w.Model.Checks {
		var f *Failure
		switch {
		case c.Volume != nil:
			f, err = b.volume(ctx, w, a, c)
			ran = append(ran, checked{nameOf(c.Name, "volume"), c.Severity.or(Fail)})
		case c.Freshness != nil:
			f, err = b.freshness(ctx, w, a, c)
			ran = append(ran, checked{nameOf(c.Name, "freshness", c.Freshness.Column), c.Severity.or(Fail)})
		}
		if err != nil {
			return nil, nil, fmt.Errorf("check %s: %w", w.Model, err)
		}
		if f != nil {
			failures = append(failures, *f)
		}
	}
	return failures, ran, nil
}

func (b *Builder) volume(ctx context.Context, w *work, a audited, c CheckSettings) (*Failure, error) {
	counted, err := b.rows(ctx, fmt.Sprintf("select count(*) as row_count from %s as built", a.all(w.Model.Key)))
	if err != nil {
		return nil, err
	}
	rows, before, v := number(counted[0][0]), w.before.Rows, c.Volume
	fail := func(format string, args ...any) (*Failure, error) {
		return &Failure{Check: nameOf(c.Name, "volume"), Severity: c.Severity.or(Fail), Message: fmt.Sprintf(format, args...)}, nil
	}
	change := 0.0
	if before > 0 {
		change = 100 * float64(rows-before) / float64(before)
	}
	switch {
	case v.Min != nil && rows < *v.Min:
		return fail("%d rows, fewer than %d", rows, *v.Min)
	case v.Max != nil && rows > *v.Max:
		return fail("%d rows, more than %d", rows, *v.Max)
	case v.MaxDrop != nil && -change > *v.MaxDrop:
		return fail("%d rows after %d: %.1f %% fewer, at most %g %% may go", rows, before, -change, *v.MaxDrop)
	case v.MaxGrowth != nil && change > *v.MaxGrowth:
		return fail("%d rows after %d: %.1f %% more, at most %g %% may come", rows, before, change, *v.MaxGrowth)
	}
	return nil, nil
}

func (b *Builder) freshness(ctx context.Context, w *work, a audited, c CheckSettings) (*Failure, error) {
	f := c.Freshness
	found, err := b.rows(ctx, fmt.Sprintf("select max(built.%s) as newest from %s as built", f.Column, a.all([]string{f.Column})))
	if err != nil {
		return nil, err
	}
	failure := &Failure{Check: nameOf(c.Name, "freshness", f.Column), Severity: c.Severity.or(Fail)}
	if found[0][0] == nil {
		failure.Message = "no row says how fresh it is"
		return failure, nil
	}
	newest, err := parseInstant(Text(found[0][0]))
	if err != nil {
		return nil, err
	}
	age := b.options.AsOf.Sub(newest)
	switch {
	case f.ErrorAfter > 0 && age > f.ErrorAfter:
		failure.Message = fmt.Sprintf("the newest is %s, %s before @as_of; at most %s are allowed", formatTimestamp(newest), age.Round(time.Minute), f.ErrorAfter)
	case f.WarnAfter > 0 && age > f.WarnAfter:
		failure.Severity = Warn
		failure.Message = fmt.Sprintf("the newest is %s, %s before @as_of; %s are usual", formatTimestamp(newest), age.Round(time.Minute), f.WarnAfter)
	default:
		return nil, nil
	}
	return failure, nil
}

// store keeps failing rows and reads examples of them.
func (b *Builder) store(ctx context.Context, m *Model, a audited, c setCheck, rows int64) (Failure, error) {
	f := Failure{Check: c.name, Severity: c.severity, Rows: rows, Unit: c.unit, Stored: checkTable(m, b.options.Environment, c.name)}
	_, err := b.into.Build(ctx, warehouse.Statement{
		Name: checkName(m, c), Target: f.Stored, Columns: optional(c.columns), Params: b.checkParams(c),
		SQL: fmt.Sprintf("select failing.* from (\n%s\n) as failing limit %d", c.sql, maxStored),
	})
	if err != nil {
		return f, fmt.Errorf("check %s: keep the rows that fail %s: %w", m, c.name, err)
	}
	shown := slices.DeleteFunc(slices.Clone(m.Key), func(key string) bool {
		return !slices.ContainsFunc(c.columns, func(column schemas.Column) bool { return column.Name == key })
	})
	for _, column := range c.columns {
		if len(shown) == 0 || column.Name == keyRows || c.file != "" && !slices.Contains(shown, column.Name) && len(shown) < maxExamples {
			shown = append(shown, column.Name)
		}
	}
	kept, err := query(ctx, b.into, warehouse.Statement{
		Name: checkName(m, c), SQL: fmt.Sprintf("select %s from %s as kept order by %s limit %d", qualified("kept", shown), f.Stored, qualified("kept", shown), maxExamples),
	}, maxExamples)
	if err != nil {
		return f, fmt.Errorf("check %s: %w", m, err)
	}
	for _, row := range kept.Values {
		var cells []string
		for i, value := range row {
			if shown[i] == keyRows {
				cells = append(cells, "("+Text(value)+" rows)")
			} else {
				cells = append(cells, shown[i]+"="+Text(value))
			}
		}
		f.Examples = append(f.Examples, strings.Join(cells, " "))
	}
	return f, nil
}

// keyRows is the column of a kept key that says how often it stands.
const keyRows = "key_rows"

// optional drops NOT NULL: rows that fail may lack what they must have.
func optional(columns []schemas.Column) []schemas.Column {
	columns = slices.Clone(columns)
	for i := range columns {
		columns[i].Required = false
	}
	return columns
}

func checkName(m *Model, c setCheck) string { return "check " + m.Address() + ": " + c.name }

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// checkTable is where failing rows are kept.
func checkTable(m *Model, env Environment, name string) warehouse.TableName {
	slug := strings.Trim(notWord.ReplaceAllString(strings.ToLower(name), "_"), "_")
	if len(slug) > 60 {
		slug = slug[:50] + "_" + digest(name)[:8] // two long names may begin alike
	}
	view := env.View(m.VersionView())
	return warehouse.TableName{Dataset: warehouse.CheckDataset, Table: view.Dataset + "__" + view.Table + "__" + slug}
}

// checkTable of the ledger.
var checkLedger = warehouse.TableName{Dataset: warehouse.MetaDataset, Table: "check"}

// checkRecord writes what was checked into the ledger.
func (b *Builder) checkRecord(w *work, a audited, ran []checked, failures []Failure) []warehouse.Statement {
	if len(ran) == 0 {
		return nil
	}
	now := instantText(b.options.Clock())
	values := make([]string, len(ran))
	for i, c := range ran {
		failing, stored := int64(0), ""
		severity := c.severity
		for _, f := range failures {
			if f.Check == c.name {
				failing, severity = max(f.Rows, 1), f.Severity
				if f.Stored != (warehouse.TableName{}) {
					stored = f.Stored.String()
				}
			}
		}
		values[i] = fmt.Sprintf("(%s, %s, %s, %s, %s, %s, %d, %s, %s)", text(b.options.Release), text(string(b.options.Environment)),
			text(w.Model.Address()), text(a.table.String()), text(c.name), text(string(severity)), failing, text(stored), now)
	}
	return []warehouse.Statement{{Name: "checks of " + w.Model.Address(), SQL: fmt.Sprintf(
		"insert into %s (release, environment, model, table_name, check_name, severity, failing_rows, stored_in, checked_at) values %s",
		checkLedger, strings.Join(values, ", "))}}
}
