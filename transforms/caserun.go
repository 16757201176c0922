package transforms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
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
// Workers that each open a warehouse share the models; in a warehouse the same
// tables are filled again for every case. An error is a fault of a file or of a
// warehouse; cases that fail are results.
func RunCases(ctx context.Context, models []*Compiled, workers int, open func() (CaseWarehouse, error), clock func() time.Time) ([]CaseResult, error) {
	results := make([][]CaseResult, len(models))
	faults := make([]error, len(models))
	queue := make(chan int, len(models))
	for i := range models {
		queue <- i
	}
	close(queue)
	work := pool.New().WithErrors()
	for range max(1, min(workers, len(models))) {
		work.Go(func() (err error) {
			w, err := open()
			if err != nil {
				return fmt.Errorf("open a warehouse for cases: %w", err)
			}
			defer func() { err = errors.Join(err, w.Close()) }()
			bench := &bench{into: w, filled: map[string]string{}}
			for i := range queue {
				results[i], faults[i] = bench.run(ctx, models[i], clock)
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
	into   CaseWarehouse
	filled map[string]string // table -> the statement that filled it
}

func (b *bench) run(ctx context.Context, c *Compiled, clock func() time.Time) ([]CaseResult, error) {
	cases, err := c.Cases()
	if err != nil {
		return nil, err
	}
	results := make([]CaseResult, len(cases))
	for i, one := range cases {
		if err := ctx.Err(); err != nil {
			return results[:i], err
		}
		start := clock()
		err := b.runOne(ctx, c, one)
		results[i] = CaseResult{
			Model: c.Model.String(), Case: one.Name, File: c.Model.Cases.Name, Line: one.Line,
			Err: err, Elapsed: clock().Sub(start),
		}
	}
	return results, nil
}

// result is where the rows of the case under way are put: Build gives them the
// model's own types, as in a real build.
var caseResult = warehouse.TableName{Dataset: "ripen_case", Table: "result"}

func (b *bench) runOne(ctx context.Context, c *Compiled, one Case) error {
	for _, table := range c.catalog.Tables {
		if err := b.fill(ctx, table, one.inputs[table.Name]); err != nil {
			return fmt.Errorf("case %q: fill %s: %w", one.Name, table.Name, err)
		}
	}
	statement := warehouse.Statement{Name: c.Model.String(), SQL: c.SQL, Target: caseResult, Columns: c.Columns}
	if c.Uses(AsOf) {
		statement.Params = map[string]any{AsOf: *one.asOf}
	}
	if _, err := b.into.Build(ctx, statement); err != nil {
		return fmt.Errorf("case %q: %w", one.Name, err)
	}
	names := make([]string, len(one.want.columns))
	for i, column := range one.want.columns {
		names[i] = "result." + column.Name
	}
	rows, err := query(ctx, b.into, warehouse.Statement{
		Name: c.Model.String(), SQL: fmt.Sprintf("select %s from %s as result", strings.Join(names, ", "), caseResult),
	}, math.MaxInt)
	if err != nil {
		return fmt.Errorf("case %q: %w", one.Name, err)
	}
	return compare(c.Model, one, rows.Values)
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
	given := map[string]int{}
	for i, c := range rows.columns {
		given[c.Name] = i
	}
	one := func(row []any) (string, error) {
		cells := make([]string, len(columns))
		for i, c := range columns {
			var value any
			if at, ok := given[c.Name]; ok && row != nil {
				value = row[at]
			}
			literal, err := duckLiteral(c.Type, value)
			if err != nil {
				return "", fmt.Errorf("column %s: %w", c.Name, err)
			}
			cells[i] = literal + ` AS "` + c.Name + `"`
		}
		return "SELECT " + strings.Join(cells, ", "), nil
	}
	if len(rows.rows) == 0 {
		sql, err := one(nil)
		return sql + " WHERE false", err
	}
	selects := make([]string, len(rows.rows))
	for i, row := range rows.rows {
		var err error
		if selects[i], err = one(row); err != nil {
			return "", err
		}
	}
	return strings.Join(selects, "\nUNION ALL "), nil
}
