package transforms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
)

// CaseWarehouse is a DuckDB in memory that cases run in.
type CaseWarehouse interface {
	warehouse.Models
	io.Closer
}

// CaseOptions say how cases run.
type CaseOptions struct {
	Workers  int                           // each opens a warehouse of its own; several models run at a time
	Open     func() (CaseWarehouse, error) //
	Match    func(model, name string) bool // which cases run; nil: all
	FailFast bool                          // begin no case after one has failed
	Clock    func() time.Time              // measures them
}

// CaseResult is what one case came to.
type CaseResult struct {
	Model   string
	Case    string
	File    string // of the cases
	Line    int
	Err     error // nil when it passed; a *CaseError when rows differ
	Elapsed time.Duration
}

// RunCases runs the cases of models, in the order of models and of their files.
// In a warehouse a table is filled again only when the next case wants other
// rows. An error is a fault of a file or of a warehouse; cases that fail are
// results.
func (e *Engine) RunCases(ctx context.Context, models []*Compiled, o CaseOptions) ([]CaseResult, error) {
	results := make([][]CaseResult, len(models))
	faults := make([]error, len(models))
	queue := make(chan int, len(models))
	for i := range models {
		queue <- i
	}
	close(queue)
	var failed atomic.Bool
	work := pool.New().WithErrors()
	for range max(1, min(o.Workers, len(models))) {
		work.Go(func() (err error) {
			w, err := o.Open()
			if err != nil {
				return fmt.Errorf("open a warehouse for cases: %w", err)
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			bench := &bench{engine: e, options: o, into: w, filled: map[string]string{}, failed: &failed}
			for i := range queue {
				results[i], faults[i] = bench.run(ctx, models[i])
			}
			return nil
		})
	}
	err := work.Wait()
	var all []CaseResult
	for _, r := range results {
		all = append(all, r...)
	}
	return all, errors.Join(append([]error{err}, faults...)...)
}

// bench is a warehouse with the tables that the last case left.
type bench struct {
	engine  *Engine
	options CaseOptions
	into    CaseWarehouse
	filled  map[string]string // table -> the statement that filled it
	failed  *atomic.Bool      // whether any case has, in any warehouse
}

// run runs the cases of one model. Those without a fault run even if others have one.
func (b *bench) run(ctx context.Context, c *Compiled) ([]CaseResult, error) {
	if b.options.FailFast && b.failed.Load() {
		return nil, nil
	}
	cases, fault := b.engine.Cases(c)
	var results []CaseResult
	for _, one := range cases {
		if b.options.Match != nil && !b.options.Match(c.Model.String(), one.Name) {
			continue
		}
		if b.options.FailFast && b.failed.Load() {
			break
		}
		if err := ctx.Err(); err != nil {
			return results, err
		}
		start := b.options.Clock()
		err := b.runOne(ctx, c, one)
		if err != nil {
			b.failed.Store(true)
		}
		results = append(results, CaseResult{
			Model: c.Model.String(), Case: one.Name, File: c.Model.Cases.Name, Line: one.Line,
			Err: err, Elapsed: b.options.Clock().Sub(start),
		})
	}
	return results, fault
}

// result is where the rows of the case under way are put: Build gives them the
// model's own types, as in a real build.
var caseResult = warehouse.TableName{Dataset: "ripen_case", Table: "result"}

// maxCaseRows bounds what is read of a result.
const maxCaseRows = 100_000

func (b *bench) runOne(ctx context.Context, c *Compiled, one Case) error {
	for _, table := range c.catalog.Tables {
		if err := b.fill(ctx, table, one.inputs[table.Name]); err != nil {
			return fmt.Errorf("fill %s: %w", table.Name, err)
		}
	}
	if one.fails != "" {
		return b.wantError(ctx, c, one)
	}
	failed := &CaseError{}
	for _, w := range one.wants {
		if err := b.build(ctx, w.query, one); err != nil {
			return err
		}
		rows, err := b.result(ctx, w)
		if err != nil {
			return err
		}
		failed.add(compare(w, rows.Values))
	}
	if failed.Rows > 0 {
		return failed
	}
	return nil
}

// build puts what a query returns for the case into caseResult.
func (b *bench) build(ctx context.Context, query *Compiled, one Case) error {
	params := map[string]any{}
	for _, name := range query.Params {
		params[name] = one.params[name]
	}
	_, err := b.into.Build(ctx, warehouse.Statement{
		Name: query.Model.String(), SQL: query.SQL, Params: params, Target: caseResult, Columns: query.Columns,
	})
	return Locate(err, query.Model.Source)
}

// result reads the columns that are wanted.
func (b *bench) result(ctx context.Context, w want) (*Rows, error) {
	names := columnNames(w.rows.columns)
	for i := range names {
		names[i] = "result." + names[i]
	}
	rows, err := query(ctx, b.into, warehouse.Statement{
		Name: w.query.Model.String(), SQL: fmt.Sprintf("select %s from %s as result", strings.Join(names, ", "), caseResult),
	}, maxCaseRows+1)
	if err == nil && len(rows.Values) > maxCaseRows {
		err = fmt.Errorf("the query returns more than %d rows, too many for a case", maxCaseRows)
	}
	return rows, err
}

func (b *bench) wantError(ctx context.Context, c *Compiled, one Case) error {
	err := b.build(ctx, c, one)
	switch {
	case err == nil:
		return fmt.Errorf("the query ended well; want an error with %q", one.fails)
	case !strings.Contains(err.Error(), one.fails):
		return fmt.Errorf("the query ended in another error than one with %q: %w", one.fails, err)
	default:
		return nil
	}
}

// fill makes a table of the catalog hold a fixture's rows, unless it does already.
func (b *bench) fill(ctx context.Context, table syntax.Table, rows fixture) error {
	sql, err := fixtureSQL(table.Columns, rows)
	if err != nil {
		return err
	}
	if b.filled[table.Name] == sql {
		return nil
	}
	dataset, name, _ := strings.Cut(table.Name, ".")
	columns := make([]schemas.Column, len(table.Columns))
	for i, c := range table.Columns {
		columns[i] = schemas.Column{Name: c.Name, Type: c.Type} // not Required: a case leaves out what does not matter to it
	}
	delete(b.filled, table.Name)
	_, err = b.into.Build(ctx, warehouse.Statement{
		Name: table.Name, SQL: sql, Columns: columns,
		Target: warehouse.TableName{Dataset: dataset, Table: name},
	})
	if err != nil {
		return err
	}
	b.filled[table.Name] = sql
	return nil
}

// fixtureSQL is a query for the rows, with all columns of the table.
func fixtureSQL(columns []schemas.Column, rows fixture) (string, error) {
	given := columnNames(rows.columns)
	cells := make([]string, len(columns))
	for i, c := range columns {
		if slices.Contains(given, c.Name) && len(rows.rows) > 0 {
			cells[i] = `"` + c.Name + `"`
			continue
		}
		null, err := duckLiteral(c.Type, nil)
		if err != nil {
			return "", fmt.Errorf("column %s: %w", c.Name, err)
		}
		cells[i] = null + ` AS "` + c.Name + `"`
	}
	query := "SELECT " + strings.Join(cells, ", ")
	if len(rows.rows) == 0 {
		return query + " WHERE false", nil
	}
	if len(given) == 0 { // rows of JSON that say nothing
		return fmt.Sprintf("%s FROM range(%d)", query, len(rows.rows)), nil
	}
	// Only what the case says is written down for each row: a UNION of rows with
	// all columns takes DuckDB several times as long to plan.
	lines := make([]string, len(rows.rows))
	for i, row := range rows.rows {
		values := make([]string, len(row))
		for j, value := range row {
			literal, err := duckLiteral(rows.columns[j].Type, value)
			if err != nil {
				return "", fmt.Errorf("column %s: %w", rows.columns[j].Name, err)
			}
			values[j] = literal
		}
		lines[i] = "(" + strings.Join(values, ", ") + ")"
	}
	return fmt.Sprintf("%s FROM (VALUES\n%s) AS given(\"%s\")", query, strings.Join(lines, ",\n"), strings.Join(given, `", "`)), nil
}
