package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// errCases says that cases failed; the report has named them.
var errCases = errors.New("cases failed")

// caseMemory bounds each of the databases that cases run in.
const caseMemory = "1GB"

// testReport is what `ripen test` prints.
type testReport struct {
	Passed  int                  `json:"passed"`
	Failed  int                  `json:"failed"`
	Seconds float64              `json:"seconds"` // with the start, the analysis and all
	Models  int                  `json:"models"`  // that were looked at
	Without []string             `json:"without_cases"`
	Cases   []caseReport         `json:"cases"`
	Faults  []*syntax.Diagnostic `json:"faults"` // of models and of files of cases
}

type caseReport struct {
	Model       string                  `json:"model"`
	Case        string                  `json:"case"` // empty where a file is one case
	File        string                  `json:"file"`
	Line        int                     `json:"line"`
	Passed      bool                    `json:"passed"`
	Seconds     float64                 `json:"seconds"`
	Error       string                  `json:"error,omitempty"`
	Rows        int                     `json:"rows_differing,omitempty"`
	Differences []transforms.Difference `json:"differences,omitempty"` // the first ones
}

// testRun is one call of `ripen test`.
type testRun struct {
	selection
	cases    []string
	failFast bool
	verbose  bool
}

func (a *app) testCommand() *cobra.Command {
	var t testRun
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Run the unit cases of models, without a warehouse and without data",
		Long: `Run the unit cases of models (cases.txtar beside query.sql) in a DuckDB in memory.

A case has rows of the tables that the query reads, as CSV, JSON or JSONL, and
what must come of them: want.csv for the model's rows, want.<cte>.csv for those
of a CTE, want.error for a part of the error's text. as_of holds the instant that
@as_of stands for. Docs: sql/README.md of a project.`,
		Example: `  ripen test -C demo
  ripen test -C demo -s core.fct_trial --case '*extension*' --verbose
  ripen test -C demo --fail-fast --output json`,
		RunE: func(c *cobra.Command, _ []string) error { return t.run(c.Context(), a) },
	}
	t.add(cmd)
	cmd.Flags().StringArrayVar(&t.cases, "case", nil, "names of cases to run; * stands for any text")
	cmd.Flags().BoolVar(&t.failFast, "fail-fast", false, "stop after the first case that fails")
	cmd.Flags().BoolVarP(&t.verbose, "verbose", "v", false, "list the cases that pass too")
	return cmd
}

func (t *testRun) run(ctx context.Context, a *app) error {
	start := a.clock()
	p, err := a.openProject()
	if err != nil {
		return err
	}
	var fault error
	if len(t.selectors) == 0 { // who tests all models wants no part of them left out
		p.warn = func(faults []*syntax.Diagnostic) {
			for _, d := range faults {
				fault = errors.Join(fault, d)
			}
		}
	}
	engine, graph, models, err := t.models(ctx, p, a.clock)
	if err != nil {
		return err
	}
	byModel, unclear := engine.Compile(graph, models)
	var compiled []*transforms.Compiled
	for _, m := range models {
		if byModel[m] != nil {
			compiled = append(compiled, byModel[m])
		}
	}
	seen := caseNames{patterns: t.cases}
	results, err := engine.RunCases(ctx, compiled, transforms.CaseOptions{
		Workers: runtime.GOMAXPROCS(0), Match: seen.match, FailFast: t.failFast, Clock: a.clock,
		Open: func() (transforms.CaseWarehouse, error) {
			return duckdb.Open(ctx, duckdb.Config{
				Path: duckdb.Memory, Threads: 1, MemoryLimit: caseMemory, Setup: []string{duck.Prelude}, Clock: a.clock,
			})
		},
	})
	fault = errors.Join(fault, unclear, err)
	report := newTestReport(models, results, fault)
	report.Seconds = a.clock().Sub(start).Seconds()
	if a.output == "json" {
		if err := json.NewEncoder(a.stdout).Encode(report); err != nil {
			return err
		}
	} else {
		report.write(a.stdout, t.verbose)
	}
	return errors.Join(fault, t.verdict(a, report, seen.unmatched()))
}

// verdict says what people must not overlook, and whether cases failed.
func (t *testRun) verdict(a *app, r *testReport, unmatched error) error {
	if len(r.Without) > 0 {
		a.talk("ripen: note: %d of %d models have no cases: %s", len(r.Without), r.Models, strings.Join(r.Without, ", "))
	}
	switch {
	case r.Failed > 0:
		return fmt.Errorf("%d of %d %w", r.Failed, r.Failed+r.Passed, errCases)
	case unmatched != nil && len(r.Faults) == 0:
		return unmatched
	case r.Passed == 0:
		a.talk("ripen: warning: NO CASE RAN: write cases.txtar beside query.sql, or select models that have cases")
	}
	return nil
}

func newTestReport(models []*transforms.Model, results []transforms.CaseResult, fault error) *testReport {
	r := &testReport{Models: len(models), Without: []string{}, Cases: []caseReport{}, Faults: []*syntax.Diagnostic{}}
	faults, _ := diagnostics(fault)
	r.Faults = append(r.Faults, faults...)
	for _, m := range models {
		if strings.TrimSpace(m.Cases.Text) == "" {
			r.Without = append(r.Without, m.String())
		}
	}
	for _, result := range results {
		c := caseReport{
			Model: result.Model, Case: result.Case, File: result.File, Line: result.Line,
			Passed: result.Err == nil, Seconds: result.Elapsed.Seconds(),
		}
		if result.Err == nil {
			r.Passed++
		} else {
			r.Failed++
			c.Error = result.Err.Error()
		}
		var differ *transforms.CaseError
		if errors.As(result.Err, &differ) {
			c.Rows, c.Differences = differ.Rows, differ.Differences
		}
		r.Cases = append(r.Cases, c)
	}
	return r
}

func (r *testReport) write(w io.Writer, verbose bool) {
	for _, c := range r.Cases {
		if c.Passed && !verbose {
			continue
		}
		name := c.Model
		if c.Case != "" {
			name += ": " + c.Case
		}
		if c.Passed {
			fmt.Fprintf(w, "ok    %s (%s)\n", name, time.Duration(c.Seconds*float64(time.Second)).Round(time.Millisecond))
			continue
		}
		fmt.Fprintf(w, "FAIL  %s\n      %s:%d: %s\n", name, c.File, c.Line, strings.ReplaceAll(c.Error, "\n", "\n      "))
	}
	fmt.Fprintf(w, "%s of %s: %d passed, %d failed, in %.1f s\n",
		plural(r.Passed+r.Failed, "case"), plural(r.Models-len(r.Without), "model"), r.Passed, r.Failed, r.Seconds)
}
