package transforms

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// audit runs the model's checks on rows before they are published, and returns
// how many rows readers will find. Rows that fail are kept where people can look
// at them. A check that only warns is in the result; others end as one
// *CheckError.
func (b *Builder) audit(ctx context.Context, w *work, a audited, result *Result) (int64, error) {
	if a.columns == nil {
		a.columns = w.Query
	}
	t := &auditing{Builder: b, work: w, of: a, result: result}
	for _, look := range []func(context.Context) error{t.eachRow, t.sets, t.whole} {
		if err := look(ctx); err != nil {
			return 0, fmt.Errorf("check %s: %w", w.Model, err)
		}
	}
	return t.count, t.failed()
}

// auditing is an audit under way.
type auditing struct {
	*Builder
	*work
	of     audited
	result *Result
	faults []Failure // of checks that do not only warn
	count  int64     // rows that readers will find
}

func (t *auditing) failed() error {
	if len(t.faults) == 0 {
		return nil
	}
	return &CheckError{Model: t.Model.String(), Table: t.of.table, Failures: t.faults}
}

// checkRun is a check that ran, of all batches of a run.
type checkRun struct {
	check
	table   warehouse.TableName // that was checked
	failing int64               // rows
	stored  warehouse.TableName // some of them
}

// passed notes a check that ran and found nothing.
func (t *auditing) passed(c check) { t.run(c) }

func (t *auditing) run(c check) *checkRun {
	runs := &t.result.checks
	i := slices.IndexFunc(*runs, func(r checkRun) bool { return r.name == c.name })
	if i < 0 {
		i = len(*runs)
		*runs = append(*runs, checkRun{check: c, table: t.of.table})
	}
	return &(*runs)[i]
}

// fails notes a check that ran and failed.
func (t *auditing) fails(c check, f Failure) {
	run := t.run(c)
	run.failing += max(f.Rows, 1)
	run.severity, run.stored = f.Severity, f.Stored
	if f.Severity != Warn {
		t.faults = append(t.faults, f)
		return
	}
	warnings := t.result.Warnings
	i := slices.IndexFunc(warnings, func(other Failure) bool { return other.Check == f.Check })
	if i < 0 {
		t.result.Warnings = append(warnings, f)
	} else {
		warnings[i].Rows += f.Rows // of another batch
	}
}

// rowsFail notes a check that failed for rows, which it keeps: of several
// batches those of the first.
func (t *auditing) rowsFail(ctx context.Context, c setCheck, rows int64) error {
	if run := t.run(c.check); run.failing > 0 && c.severity == Warn {
		t.fails(c.check, Failure{Check: c.name, Severity: Warn, Rows: rows, Stored: run.stored})
		return nil
	}
	f, err := t.store(ctx, c, rows)
	if err == nil {
		t.fails(c.check, f)
	}
	return err
}

// eachRow looks at every row once for all conditions.
func (t *auditing) eachRow(ctx context.Context) error {
	checks, err := t.Model.rowChecks(t.of.columns)
	if err != nil {
		return err
	}
	if t.of.within != "" {
		checks = append(checks, rowCheck{check: check{t.of.within, Fail}, failing: "not coalesce(" + t.of.replaced("built") + ", false)"})
	}
	sums := "count(*) as row_count"
	for i, c := range checks {
		sums += fmt.Sprintf(", sum(case when %s then 1 else 0 end) as failing_%d", c.failing, i)
	}
	found, err := t.ask(ctx, fmt.Sprintf("select %s from %s as built", sums, t.of.table))
	if err != nil {
		return err
	}
	t.count = number(found[0][0])
	for i, c := range checks {
		failing := number(found[0][i+1])
		if failing == 0 {
			t.passed(c.check)
			continue
		}
		err := t.rowsFail(ctx, setCheck{
			check: c.check, returns: t.of.columns, shown: slices.Concat(t.Model.Key, c.columns), unit: "rows",
			sql: fmt.Sprintf("select built.* from %s as built where %s", t.of.table, c.failing),
		}, failing)
		if err != nil {
			return err
		}
	}
	return nil
}

// ask reads a small result. Where the rows are those of a view, its query runs: a
// fault is the model's.
func (t *auditing) ask(ctx context.Context, sql string) ([][]any, error) {
	rows, err := query(ctx, t.into, warehouse.Statement{Name: t.Model.Address(), SQL: sql}, -1)
	if err != nil {
		return nil, err
	}
	return rows.Values, nil
}

// sets runs the checks that need a query of their own.
func (t *auditing) sets(ctx context.Context) error {
	checks, err := t.setChecks()
	if err != nil {
		return err
	}
	for _, c := range checks {
		name := t.Model.Address()
		if c.own {
			name = t.statementOf(c.name)
		}
		counted, err := query(ctx, t.into, warehouse.Statement{
			Name: name, SQL: "select count(*) as failing_rows from (\n" + c.sql + "\n) as failing", Params: t.paramsOf(c),
		}, 1)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if n := number(counted.Values[0][0]); n > 0 {
			err = t.rowsFail(ctx, c, n)
		} else {
			t.passed(c.check)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *auditing) setChecks() ([]setCheck, error) {
	m := t.Model
	var list []setCheck
	for _, c := range m.checks() {
		switch {
		case len(c.Unique) > 0:
			columns := qualified("built", c.Unique)
			list = append(list, setCheck{
				check: c.check(), unit: "keys", shown: append(slices.Clone(c.Unique), keyRows),
				sql: fmt.Sprintf("select %s, count(*) as "+keyRows+" from %s as built where not (%s) group by %s having count(*) > 1",
					columns, t.of.near(c.Unique), missing("built", c.Unique), columns),
				returns: append(pick(t.of.columns, c.Unique), schemas.Column{Name: keyRows, Type: schemas.Type{Kind: schemas.Int64}}),
			})
		case c.Relationship != nil:
			from, column, err := t.values(c.Relationship)
			if err != nil {
				return nil, err
			}
			own := c.Relationship.Column
			list = append(list, setCheck{
				check: c.check(), unit: "rows", shown: slices.Concat(m.Key, []string{own}), returns: t.of.columns,
				sql: fmt.Sprintf("select built.* from %s as built where built.%s is not null and not exists (select 1 from %s as target where target.%s = built.%s)",
					t.of.table, own, from, column, own),
			})
		}
	}
	for _, c := range t.Checks {
		sql, err := t.renderCheck(t.work, t.of, c)
		if err != nil {
			return nil, err
		}
		list = append(list, setCheck{check: check{c.Name, c.Severity}, sql: sql, returns: c.Columns, shown: slices.Concat(m.Key, columnNames(c.Columns)), unit: "rows", own: true})
	}
	return list, nil
}

// values is the column with what a relationship allows, and what it is read from.
func (t *auditing) values(r *Relationship) (from, column string, err error) {
	name, column := r.target()
	target, ok := t.graph.Project.Model(name)
	if !ok {
		return "", "", fmt.Errorf("there is no model %s", name)
	}
	if target == t.Model {
		return t.of.all(), column, nil
	}
	found, err := t.found(target)
	return found.Table.String(), column, err
}

// whole looks at the table as a whole: its size and its age.
func (t *auditing) whole(ctx context.Context) error {
	if t.of.partial {
		return nil
	}
	if t.of.into != (warehouse.TableName{}) {
		kept, err := t.ask(ctx, fmt.Sprintf("select count(*) as row_count from %s as t where not (%s)", t.of.into, t.of.replaced("t")))
		if err != nil {
			return err
		}
		t.count += number(kept[0][0])
	}
	for _, c := range t.Model.checks() {
		if c.Volume == nil {
			continue
		}
		own := c.check()
		if message := c.Volume.judge(t.count, t.before.Rows); message != "" {
			t.fails(own, Failure{Check: own.name, Severity: own.severity, Message: message})
		} else {
			t.passed(own)
		}
	}
	return t.fresh(ctx)
}

// judge says what is wrong with a number of rows; empty when nothing is.
func (v *Volume) judge(rows, before int64) string {
	change := 0.0
	if before > 0 {
		change = 100 * float64(rows-before) / float64(before)
	}
	switch {
	case v.Min != nil && rows < *v.Min:
		return fmt.Sprintf("%d rows, fewer than %d", rows, *v.Min)
	case v.Max != nil && rows > *v.Max:
		return fmt.Sprintf("%d rows, more than %d", rows, *v.Max)
	case v.MaxDrop != nil && -change > *v.MaxDrop:
		return fmt.Sprintf("%d rows after %d: %.1f %% fewer, at most %g %% may go", rows, before, -change, *v.MaxDrop)
	case v.MaxGrowth != nil && change > *v.MaxGrowth:
		return fmt.Sprintf("%d rows after %d: %.1f %% more, at most %g %% may come", rows, before, change, *v.MaxGrowth)
	}
	return ""
}

// fresh looks at the age of the newest value. Rows grow old by themselves, so it
// is all that is checked of a table that stays as it is, too.
func (t *auditing) fresh(ctx context.Context) error {
	for _, c := range t.Model.checks() {
		f := c.Freshness
		if f == nil {
			continue
		}
		own := c.check()
		found, err := t.ask(ctx, fmt.Sprintf("select max(built.%s) as newest from %s as built", f.Column, t.of.all()))
		if err != nil {
			return err
		}
		failure := Failure{Check: own.name, Severity: own.severity, Message: "no row says how fresh it is"}
		if found[0][0] != nil {
			newest, err := parseInstant(Text(found[0][0]))
			if err != nil {
				return err
			}
			if failure.Severity, failure.Message = f.judge(t.options.AsOf, newest, own.severity); failure.Message == "" {
				t.passed(own)
				continue
			}
		}
		t.fails(own, failure)
	}
	return nil
}

// judge says what is wrong with the age of the newest value, and how bad it is.
func (f *Freshness) judge(asOf, newest time.Time, severity Severity) (Severity, string) {
	age := asOf.Sub(newest)
	text := fmt.Sprintf("the newest is %s, %s before @as_of", formatTimestamp(newest), age.Round(time.Minute))
	switch {
	case f.ErrorAfter > 0 && age > f.ErrorAfter:
		return severity, fmt.Sprintf("%s; at most %s are allowed", text, f.ErrorAfter)
	case f.WarnAfter > 0 && age > f.WarnAfter:
		return Warn, fmt.Sprintf("%s; %s are usual", text, f.WarnAfter)
	}
	return severity, ""
}
