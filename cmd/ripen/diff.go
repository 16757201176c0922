package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/warehouse"
)

func (a *app) diffCommand() *cobra.Command {
	var envName string
	examples := 10
	cmd := &cobra.Command{
		Use:   "diff [TABLE [TABLE]]",
		Short: "Compare two environments, or two versions of a model, by schema and by rows",
		Long: `Pairs rows by the model's key and counts those that only one side has and those
that differ, column by column, with examples. With --env alone every model whose
table differs from production's is compared; with one TABLE that one; with two
TABLEs these views, e.g. two versions. Views that show one table are equal and
are not read.`,
		Example: `  ripen diff -C demo --env dev_anna
  ripen diff -C demo --env dev_anna core.fct_trial
  ripen diff -C demo core.fct_trial_v1 core.fct_trial_v2 --output json`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, args []string) (err error) {
			env, err := transforms.ParseEnvironment(envName)
			if err != nil {
				return &usageError{err}
			}
			if examples < 0 {
				return usagef("--examples must not be negative")
			}
			p, err := a.openProject()
			if err != nil {
				return err
			}
			pairs, err := a.diffPairs(c, p, env, args)
			if err != nil {
				return err
			}
			options, opened, err := a.openQuery(c.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, opened.Close()) }()
			session := transforms.NewSession(options)
			diffs := []*transforms.Diff{}
			for _, pair := range pairs {
				d, err := transforms.Compare(c.Context(), session, pair[0], pair[1], examples)
				if err != nil {
					return fmt.Errorf("compare %s with %s: %w", pair[0].Name, pair[1].Name, err)
				}
				diffs = append(diffs, d)
			}
			if a.output == "json" {
				return json.NewEncoder(a.stdout).Encode(diffs)
			}
			for i, d := range diffs {
				if i > 0 {
					fmt.Fprintln(a.stdout)
				}
				a.writeTableDiff(d)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&envName, "env", "", "environment to compare with production")
	cmd.Flags().IntVar(&examples, "examples", examples, "rows to show")
	return cmd
}

// diffPairs finds what to compare: A is production or the first table.
func (a *app) diffPairs(c *cobra.Command, p *project, env transforms.Environment, args []string) ([][2]transforms.Side, error) {
	db, err := p.openWarehouse(c.Context(), true, a.clock)
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // opened for reading
	var names []warehouse.TableName
	for _, arg := range args {
		dataset, name, ok := strings.Cut(arg, ".")
		if !ok {
			return nil, usagef("%q: name a table with its dataset, e.g. core.fct_trial", arg)
		}
		names = append(names, warehouse.TableName{Dataset: dataset, Table: name})
	}
	var pairs [][2]warehouse.TableName
	switch {
	case len(names) == 2:
		pairs = append(pairs, [2]warehouse.TableName{names[0], env.View(names[1])})
	case env == transforms.Production:
		return nil, usagef("say what to compare: --env ENVIRONMENT, or two tables, e.g. core.fct_trial_v1 core.fct_trial_v2")
	case len(names) == 1:
		pairs = append(pairs, [2]warehouse.TableName{names[0], env.View(names[0])})
	default:
		if pairs, err = differing(c, db, env); err != nil {
			return nil, err
		}
		if len(pairs) == 0 {
			a.talk("%s shows production's tables only: there is no difference", env)
		}
	}
	var sides [][2]transforms.Side
	for _, pair := range pairs {
		found, err := transforms.Sides(c.Context(), db, pair[0], pair[1])
		if err != nil {
			return nil, &usageError{err}
		}
		sides = append(sides, [2]transforms.Side{found[0], found[1]})
	}
	return sides, nil
}

// differing are the unversioned views that show another table in the environment
// than in production; both must exist.
func differing(c *cobra.Command, db warehouse.Models, env transforms.Environment) ([][2]warehouse.TableName, error) {
	published, err := db.Published(c.Context())
	if err != nil {
		return nil, err
	}
	var pairs [][2]warehouse.TableName
	seen := map[[2]warehouse.TableName]bool{}
	for _, p := range published {
		if p.Environment != "" {
			continue
		}
		i := slices.IndexFunc(published, func(q warehouse.Publication) bool { return q.View == env.View(p.View) })
		if i < 0 || published[i].Table == p.Table || seen[[2]warehouse.TableName{p.Table, published[i].Table}] {
			continue
		}
		seen[[2]warehouse.TableName{p.Table, published[i].Table}] = true // a version's view shows the same
		pairs = append(pairs, [2]warehouse.TableName{p.View, published[i].View})
	}
	return pairs, nil
}

func (a *app) writeTableDiff(d *transforms.Diff) {
	fmt.Fprintf(a.stdout, "%s -> %s\n", d.A, d.B)
	if d.Same {
		fmt.Fprintln(a.stdout, "  one table: no difference")
		return
	}
	for _, c := range d.Schema {
		fmt.Fprintf(a.stdout, "  column %s\n", c)
	}
	if d.OnlyA+d.OnlyB+d.Changed == 0 {
		fmt.Fprintf(a.stdout, "  rows are equal: %s\n", count(d.RowsA))
		return
	}
	fmt.Fprintf(a.stdout, "  rows %s -> %s: %s only in the first, %s only in the second, %s changed (key %s)\n",
		count(d.RowsA), count(d.RowsB), count(d.OnlyA), count(d.OnlyB), count(d.Changed), strings.Join(d.Key, ", "))
	for _, c := range d.Columns {
		fmt.Fprintf(a.stdout, "  %-40s differs in %s rows\n", c.Name, count(c.Rows))
	}
	t := newTable(a.stdout)
	t.AppendHeader(table.Row{"key", "column", "first", "second"})
	for _, r := range d.Rows {
		keys := make([]string, len(d.Key))
		for i, key := range d.Key {
			keys[i] = plain(r.Key[key])
		}
		key := strings.Join(keys, ", ")
		switch r.Where {
		case "only_a":
			t.AppendRow(table.Row{key, "", "(row)", ""})
		case "only_b":
			t.AppendRow(table.Row{key, "", "", "(row)"})
		}
		for _, v := range r.Values {
			t.AppendRow(table.Row{key, v.Column, wrap(v.A, 40), wrap(v.B, 40)})
		}
	}
	if len(d.Rows) > 0 {
		t.Render()
	}
}
