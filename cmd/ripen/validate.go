package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
)

// errReported ends a command that has printed what is wrong.
var errReported = errors.New("reported")

func (a *app) validateCommand() *cobra.Command {
	var s selection
	strict := false
	cmd := &cobra.Command{
		Use:     "validate",
		Aliases: []string{"check"},
		Short:   "Look for everything that is wrong with the models, before anything runs",
		Long: `Analyses every model without touching the warehouse: names, types, functions,
contracts, circles, and models that nothing reads. All faults are reported at once,
each with its file, line and cure; the first in the chain, not what follows from it.`,
		Example: `  ripen validate -C demo
  ripen validate -C demo -s +fct_trial --output json
  ripen validate -C demo --strict           # warnings fail too`,
		RunE: func(c *cobra.Command, _ []string) error {
			begin := a.clock()
			p, err := a.openProject()
			if err != nil {
				return err
			}
			v, err := a.validation(c.Context(), p, transforms.Production, s.selectors, s.exclude, false)
			if err != nil {
				return err
			}
			if a.output == "json" {
				err = a.writeFindings(v)
			} else {
				a.printFindings(v)
				errs, warnings := v.Count()
				fmt.Fprintf(a.stdout, "%s, %s, %s, %.2f s\n", plural(v.Models, "model"), plural(errs, "error"), plural(warnings, "warning"),
					a.clock().Sub(begin).Seconds())
			}
			if errs, warnings := v.Count(); err == nil && (errs > 0 || strict && warnings > 0) {
				return &usageError{errReported}
			}
			return err
		},
	}
	s.add(cmd)
	cmd.Flags().BoolVar(&strict, "strict", false, "warnings fail too")
	return cmd
}

// validation looks at models without running anything. Where rows are loaded
// before the models are built, fields that a contract does not know may become
// columns on the way, and a warehouse that cannot be opened is the load's to tell.
func (a *app) validation(ctx context.Context, p *project, env transforms.Environment, selectors, exclude []string, loads bool) (*transforms.Validation, error) {
	raw, err := p.rawTables(ctx, a.clock)
	if err != nil && !loads {
		return nil, err
	}
	if err != nil {
		raw = schemas.Contracts()
	}
	models, loaded := p.loadModels()
	if models == nil {
		return nil, &usageError{loaded}
	}
	models.Raw = raw
	if loads {
		models.Growing = map[string]bool{}
		for _, t := range p.cfg.contracts() {
			models.Growing[t.RawDataset()+"."+t.Name] = t.Drift == schemas.Evolve
		}
	}
	models.History = p.history(ctx, env, nil, a.clock, "")
	engine := p.engine()
	v, err := engine.Validate(models, loaded, selectors, exclude)
	engine.PruneCache(a.clock())
	if err != nil {
		return nil, &usageError{err}
	}
	return v, nil
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func (a *app) printFindings(v *transforms.Validation) {
	for _, f := range v.Findings {
		prefix := "error: "
		if f.Warning {
			prefix = "warning: "
		}
		a.writeDiagnostic(a.stdout, prefix, f.Diagnostic, f.Warning)
		fmt.Fprintln(a.stdout)
	}
}

// writeFindings writes the findings as a JSON list.
func (a *app) writeFindings(v *transforms.Validation) error {
	type finding struct {
		Severity string `json:"severity"`
		File     string `json:"file"`
		Line     int    `json:"line"`
		Column   int    `json:"column"`
		Message  string `json:"message"`
		Hint     string `json:"hint,omitempty"`
		Model    string `json:"model"`
		Rule     string `json:"rule"`
	}
	list := make([]finding, len(v.Findings))
	for i, f := range v.Findings {
		list[i] = finding{"error", f.Name, f.Line, f.Column, f.Message, f.Hint, f.Model, f.Rule}
		if f.Warning {
			list[i].Severity = "warning"
		}
	}
	return json.NewEncoder(a.stdout).Encode(list)
}
