package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/warehouse"
)

// readRows reads a small result whole.
func readRows(ctx context.Context, w warehouse.Models, statement warehouse.Statement) (*rowSet, error) {
	rows := &rowSet{}
	for rec, err := range w.Query(ctx, statement) {
		if err != nil {
			return nil, err
		}
		rows.add(rec)
		rec.Release()
	}
	return rows, nil
}

// selection is the models a read-only command looks at.
type selection struct{ selectors, exclude []string }

func (s *selection) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&s.selectors, "select", "s", nil, "models, in dbt's selector grammar, e.g. +fct_trial or tag:daily")
	cmd.Flags().StringArrayVar(&s.exclude, "exclude", nil, "models to leave out, in the same grammar")
}

// open opens the project and returns the chosen models.
func (s *selection) open(ctx context.Context, a *app) (*transforms.Engine, *transforms.Graph, []*transforms.Model, error) {
	p, err := a.openProject()
	if err != nil {
		return nil, nil, nil, err
	}
	return s.models(ctx, p, a.clock)
}

func (s *selection) models(ctx context.Context, p *project, clock func() time.Time) (*transforms.Engine, *transforms.Graph, []*transforms.Model, error) {
	raw, err := p.rawTables(ctx, clock)
	if err != nil {
		return nil, nil, nil, err
	}
	engine, graph, err := p.openGraph(raw)
	if err != nil {
		return nil, nil, nil, err
	}
	graph.History = p.history(ctx, transforms.Production, nil, clock, "")(engine, graph)
	models, err := graph.Select(s.selectors, s.exclude)
	if err != nil {
		return nil, nil, nil, &usageError{err}
	}
	return engine, graph, models, nil
}

func (a *app) lsCommand() *cobra.Command {
	var s selection
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "List models, what a row of each is and what they depend on",
		Example: `  ripen ls -C demo
  ripen ls -C demo -s +fct_trial --output json`,
		RunE: func(c *cobra.Command, _ []string) error {
			_, graph, models, err := s.open(c.Context(), a)
			if err != nil {
				return err
			}
			list := graph.List(models)
			if a.output == "json" {
				return json.NewEncoder(a.stdout).Encode(list)
			}
			t := newTable(a.stdout)
			t.AppendHeader(table.Row{"model", "version", "grain", "tags", "depends on"})
			for _, l := range list {
				t.AppendRow(table.Row{l.Name, l.Version, wrap(l.Grain, 50), strings.Join(l.Tags, ", "), wrap(strings.Join(l.DependsOn, ", "), 60)})
			}
			t.Render()
			return nil
		},
	}
	s.add(cmd)
	return cmd
}

func (a *app) showCommand() *cobra.Command {
	var s selection
	var envName string
	limit := 10
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Print the first rows of a model's table",
		Example: `  ripen show -C demo -s rpt_sales_queue
  ripen show -C demo -s fct_trial --limit 3 --output json
  ripen show -C demo -s fct_trial --env dev_anna`,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(s.selectors) == 0 {
				return usagef("name a model: ripen show -s fct_trial")
			}
			if limit < 0 {
				return usagef("--limit must not be negative")
			}
			env, err := transforms.ParseEnvironment(envName)
			if err != nil {
				return &usageError{err}
			}
			p, err := a.openProject()
			if err != nil {
				return err
			}
			_, _, models, err := s.models(c.Context(), p, a.clock)
			if err != nil {
				return err
			}
			db, err := p.openWarehouse(c.Context(), true, a.clock)
			if err != nil {
				return err
			}
			defer db.Close() //nolint:errcheck // opened for reading
			return a.showModels(c.Context(), db, env, models, limit)
		},
	}
	s.add(cmd)
	cmd.Flags().IntVar(&limit, "limit", limit, "rows")
	cmd.Flags().StringVar(&envName, "env", "", "environment whose views are read, e.g. dev_anna (default: production)")
	return cmd
}

// showModels prints rows in the order of the key, so that two looks agree.
func (a *app) showModels(ctx context.Context, db warehouse.Models, env transforms.Environment, models []*transforms.Model, limit int) error {
	for i, m := range models {
		rows, err := transforms.Show(ctx, db, env, m, limit)
		if err != nil {
			return err
		}
		set := &rowSet{columns: rows.Columns, rows: rows.Values}
		switch {
		case a.output == "json":
			if err := set.writeJSON(a.stdout); err != nil {
				return err
			}
		case a.isTTY(a.stdout) || len(rows.Columns) <= 12:
			if len(models) > 1 {
				fmt.Fprintf(a.stdout, "%s%s\n", map[bool]string{true: "\n"}[i > 0], m)
			}
			set.writeTable(a.stdout, 40)
		default:
			if err := verticalTemplate.Execute(a.stdout, set.records()); err != nil {
				return err
			}
		}
	}
	return nil
}

// verticalTemplate prints wide rows column by column.
var verticalTemplate = template.Must(template.New("rows").Parse(
	"{{range $i, $row := .}}row {{$i}}\n{{range $row}}  {{printf \"%-36s\" .Name}} {{.Text}}\n{{end}}{{end}}"))

type namedText struct{ Name, Text string }

func (s *rowSet) records() [][]namedText {
	records := make([][]namedText, len(s.rows))
	for i, row := range s.rows {
		for j, v := range row {
			records[i] = append(records[i], namedText{s.columns[j], plain(v)})
		}
	}
	return records
}
