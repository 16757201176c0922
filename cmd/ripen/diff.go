package main

import (
	"encoding/json"
	"errors"
	"fmt"
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
		Args: atMost(2),
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
			pairs, alone, err := a.diffPairs(c, p, env, args)
			if err != nil {
				return err
			}
			options, opened, err := a.openQuery(c.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, opened.Close()) }()
			session := transforms.NewSession(options)
			diffs := []tableDiff{}
			for _, pair := range pairs {
				d, err := transforms.Compare(c.Context(), session, pair[0], pair[1], examples)
				switch {
				case errors.Is(err, transforms.ErrOtherKey) && len(args) == 0: // others can be compared
					diffs = append(diffs, tableDiff{Diff: d, Fault: err.Error()})
					continue
				case errors.Is(err, transforms.ErrOtherKey):
					return &usageError{err}
				case err != nil:
					return fmt.Errorf("compare %s with %s: %w", pair[0].Name, pair[1].Name, err)
				}
				diffs = append(diffs, tableDiff{Diff: d})
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
			if len(alone) > 0 {
				if len(diffs) > 0 {
					fmt.Fprintln(a.stdout)
				}
				fmt.Fprintf(a.stdout, "only in %s: %s\n", env, strings.Join(alone, ", "))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&envName, "env", "", "environment to compare with production")
	cmd.Flags().IntVar(&examples, "examples", examples, "rows to show")
	return cmd
}

// tableDiff is what `ripen diff --output json` prints of two tables.
type tableDiff struct {
	*transforms.Diff
	Fault string `json:"fault,omitempty"` // why their rows were not compared
}

// diffPairs finds what to compare: A is production or the first table. Alone are
// views of the environment that production has not.
func (a *app) diffPairs(c *cobra.Command, p *project, env transforms.Environment, args []string) (sides [][2]transforms.Side, alone []string, err error) {
	db, err := p.openWarehouse(c.Context(), true, a.clock)
	if err != nil {
		return nil, nil, err
	}
	defer db.Close() //nolint:errcheck // opened for reading
	var names []warehouse.TableName
	for _, arg := range args {
		dataset, name, ok := strings.Cut(arg, ".")
		if !ok {
			return nil, nil, usagef("%q: name a table with its dataset, e.g. core.fct_trial", arg)
		}
		names = append(names, warehouse.TableName{Dataset: dataset, Table: name})
	}
	var pairs [][2]warehouse.TableName
	switch {
	case len(names) == 2:
		pairs = append(pairs, [2]warehouse.TableName{names[0], env.View(names[1])})
	case env == transforms.Production:
		return nil, nil, usagef("say what to compare: --env ENVIRONMENT, or two tables, e.g. core.fct_trial_v1 core.fct_trial_v2")
	case len(names) == 1:
		pairs = append(pairs, [2]warehouse.TableName{names[0], env.View(names[0])})
	default:
		if pairs, alone, err = differing(c, db, env); err != nil {
			return nil, nil, err
		}
		if len(pairs)+len(alone) == 0 {
			a.talk("%s shows production's tables only: there is no difference", env)
		}
	}
	for _, pair := range pairs {
		found, err := transforms.Sides(c.Context(), db, pair[0], pair[1])
		if err != nil {
			return nil, nil, &usageError{err}
		}
		sides = append(sides, [2]transforms.Side{found[0], found[1]})
	}
	return sides, alone, nil
}

// differing are the unversioned views that show another table in the environment
// than in production, and those that production has not.
func differing(c *cobra.Command, db warehouse.Models, env transforms.Environment) (pairs [][2]warehouse.TableName, alone []string, err error) {
	published, err := db.Published(c.Context())
	if err != nil {
		return nil, nil, err
	}
	if err := transforms.Exists(published, env); err != nil {
		return nil, nil, &usageError{err}
	}
	production := map[warehouse.TableName]warehouse.TableName{} // view, as the environment names it -> table
	views := map[warehouse.TableName]warehouse.TableName{}      // likewise -> production's view
	for _, p := range published {
		if p.Environment == "" {
			production[env.View(p.View)], views[env.View(p.View)] = p.Table, p.View
		}
	}
	seen := map[[2]warehouse.TableName]bool{}
	for _, p := range published {
		if p.Environment != string(env) {
			continue
		}
		table, both := production[p.View]
		pair := [2]warehouse.TableName{table, p.Table}
		if table == p.Table || seen[pair] { // a version's view shows the same
			continue
		}
		seen[pair] = true
		if both {
			pairs = append(pairs, [2]warehouse.TableName{views[p.View], p.View})
		} else {
			alone = append(alone, p.View.String())
		}
	}
	return pairs, alone, nil
}

func (a *app) writeTableDiff(d tableDiff) {
	fmt.Fprintf(a.stdout, "%s -> %s\n", d.A, d.B)
	if d.Same {
		fmt.Fprintln(a.stdout, "  one table: no difference")
		return
	}
	for _, c := range d.Schema {
		fmt.Fprintf(a.stdout, "  column %s\n", c)
	}
	if d.Fault != "" {
		fmt.Fprintf(a.stdout, "  rows not compared: %s\n", d.Fault)
		return
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
