package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/internal/hint"
)

// Engines that render writes for.
const (
	engineDuckDB   = "duckdb"
	engineBigQuery = "bigquery"
)

var engines = []string{engineDuckDB, engineBigQuery}

// rendered is a model's statement as `ripen render --output json` prints it.
type rendered struct {
	Model string `json:"model"`
	SQL   string `json:"sql"`
}

func (a *app) renderCommand() *cobra.Command {
	var s selection
	target := engineDuckDB
	cmd := &cobra.Command{
		Use:     "render",
		Aliases: []string{"compile"},
		Short:   "Print the SQL that runs on the warehouse",
		Long: `Print the SQL that runs on the warehouse. It reads the stable views of models, and
ephemeral models are written into it. For BigQuery it is the model's own GoogleSQL,
which runs there as it stands; ephemeral models are named in it.`,
		Example: `  ripen render -C demo -s fct_trial
  ripen render -C demo -s fct_trial --engine bigquery`,
		RunE: func(c *cobra.Command, _ []string) error {
			if !slices.Contains(engines, target) {
				return &usageError{hint.New(fmt.Sprintf("--engine %q is not known", target), "%s", hint.DidYouMean(target, engines))}
			}
			engine, graph, models, err := s.open(c.Context(), a)
			if err != nil {
				return err
			}
			compiled, fault := engine.Compile(graph, models)
			list := []rendered{}
			for _, m := range models {
				switch {
				case compiled[m] == nil: // its fault is told
				case target == engineBigQuery:
					list = append(list, rendered{m.String(), m.Source.Text})
				default:
					list = append(list, rendered{m.String(), graph.Inlined(compiled, m)})
				}
			}
			return errors.Join(a.writeRendered(list), fault)
		},
	}
	s.add(cmd)
	cmd.Flags().StringVar(&target, "engine", target, strings.Join(engines, " or "))
	return cmd
}

func (a *app) writeRendered(list []rendered) error {
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(list)
	}
	for i, r := range list {
		if i > 0 {
			fmt.Fprintln(a.stdout)
		}
		if _, err := fmt.Fprintf(a.stdout, "-- %s\n%s\n", r.Model, strings.TrimRight(r.SQL, "\n")); err != nil {
			return err
		}
	}
	return nil
}
