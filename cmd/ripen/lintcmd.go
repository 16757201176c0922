package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/gsql"
	"github.com/ripen-data/ripen/transforms/lint"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// errFindings says that the linter found something; it has been printed.
var errFindings = errors.New("findings")

// lintReport is what `ripen lint` found.
type lintReport struct {
	Files    int            `json:"files"` // that were looked at
	Findings []lint.Finding `json:"findings"`
}

func (a *app) lintCommand() *cobra.Command {
	var s selection
	cmd := &cobra.Command{
		Use:   "lint",
		Short: "Find what is allowed in SQL and yet a trap",
		Long: `Find what is allowed in SQL and yet a trap, in query.sql and checks.sql of models.

The rules: ` + strings.Join(lint.Rules(), ", ") + `.

A comment on the line, or alone on the line above it, takes a finding away:
  -- lint:ignore RULE REASON
What is only about looks (not-formatted) does not change the exit code.`,
		Example: `  ripen lint -C demo
  ripen lint -C demo -s core --output json`,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := a.openProject()
			if err != nil {
				return err
			}
			var fault error
			if len(s.selectors) == 0 { // who looks at all models wants no part of them left out
				p.warn = func(list []*syntax.Diagnostic) {
					for _, d := range list {
						fault = errors.Join(fault, d)
					}
				}
			}
			_, _, models, err := s.models(c.Context(), p, a.clock)
			if err != nil {
				return errors.Join(fault, err)
			}
			report, err := lintModels(c.Context(), models)
			if report == nil {
				return err
			}
			return errors.Join(fault, err, a.printLint(report))
		},
	}
	s.add(cmd)
	return cmd
}

// lintModels looks at the SQL of models. The error joins what does not parse, and
// then there is a report of the rest.
func lintModels(ctx context.Context, models []*transforms.Model) (*lintReport, error) {
	parser, err := gsql.Open()
	if err != nil {
		return nil, err
	}
	report := &lintReport{Findings: []lint.Finding{}}
	var faults []error
	for _, m := range models {
		for _, src := range []syntax.Source{m.Source, m.OwnChecks} {
			if src.Text == "" || path.Ext(src.Name) != ".sql" {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			findings, err := lint.Check(src, parser)
			if err != nil {
				faults = append(faults, err)
			}
			report.Files++
			report.Findings = append(report.Findings, findings...)
		}
	}
	return report, errors.Join(faults...)
}

func (a *app) printLint(report *lintReport) error {
	if a.output == "json" {
		if err := json.NewEncoder(a.stdout).Encode(report); err != nil {
			return err
		}
	} else {
		for _, f := range report.Findings {
			fmt.Fprintf(a.stdout, "%s:%d:%d: %s: %s\n    %s\n", f.Name, f.Line, f.Column, f.Rule, f.Message, f.Hint)
		}
	}
	if slices.ContainsFunc(report.Findings, func(f lint.Finding) bool { return !f.Minor }) {
		return fmt.Errorf("%d %w in %d files", len(report.Findings), errFindings, report.Files)
	}
	a.talk("%s, %s", plural(report.Files, "file"), plural(len(report.Findings), "finding"))
	return nil
}
