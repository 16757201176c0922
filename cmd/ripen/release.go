package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

func (a *app) rollbackCommand() *cobra.Command {
	var envName string
	var list bool
	cmd := &cobra.Command{
		Use:   "rollback",
		Short: "Point the views back at what they showed before the latest release",
		Long: `Every run that publishes something is a release. rollback takes the latest one
back at once: no row is computed. Taking back twice brings it again.

Tables that are kept by interval or by key are changed in place, so their rows
stay as they are unless the model itself meant something else before. The next
run builds from the files again: put those back first. The first release has
nothing before it and is not taken back.`,
		Example: `  ripen rollback -C demo --list
  ripen rollback -C demo`,
		RunE: func(c *cobra.Command, _ []string) error {
			env, err := transforms.ParseEnvironment(envName)
			if err != nil {
				return &usageError{err}
			}
			p, err := a.openProject()
			if err != nil {
				return err
			}
			if list {
				return a.listReleases(c, p, env)
			}
			if _, err := os.Stat(p.warehousePath()); errors.Is(err, fs.ErrNotExist) {
				return usagef("%w: nothing was built yet", transforms.ErrNoRelease)
			}
			return a.withWarehouse(c, p, "rollback", func(db *duckdb.DB, id string) error {
				releases, err := transforms.Releases(c.Context(), db, env)
				if err != nil {
					return err
				}
				back, err := transforms.Rollback(c.Context(), db, env, id)
				if errors.Is(err, transforms.ErrNoRelease) {
					return &usageError{err}
				}
				if err != nil {
					return err
				}
				if err := a.writeRelease(back); err != nil {
					return err
				}
				a.talk("took back release %s; another rollback brings it again", releases[0].ID)
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&envName, "env", "", "environment (default: production)")
	cmd.Flags().BoolVar(&list, "list", false, "list the releases instead, newest first")
	return cmd
}

// withWarehouse opens the warehouse for writing under the project's lease.
func (a *app) withWarehouse(c *cobra.Command, p *project, command string, do func(db *duckdb.DB, id string) error) (err error) {
	begin := a.clock()
	lease, err := acquire(p, command, begin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lease.Release()) }()
	db, err := p.openWarehouse(c.Context(), false, a.clock)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(db, newRunID(begin))
}

func (a *app) listReleases(c *cobra.Command, p *project, env transforms.Environment) error {
	db, err := p.openDeployed(c.Context(), a.clock)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing was written
	releases, err := transforms.Releases(c.Context(), db, env)
	if err != nil {
		return err
	}
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(releases)
	}
	if len(releases) == 0 {
		a.talk("%s has no release", env)
		return nil
	}
	t := newTable(a.stdout)
	t.AppendHeader(table.Row{"release", "published", "views", "models"})
	for _, r := range releases {
		if r.ID == "" {
			r.ID = "before releases were recorded"
		}
		t.AppendRow(table.Row{r.ID, r.PublishedAt.Format(time.RFC3339), r.Views, wrap(someOf(r.Models), 60)})
	}
	t.Render()
	return nil
}

// someOf lists the first few of many names.
func someOf(names []string) string {
	const most = 4
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// writeRelease says which views moved.
func (a *app) writeRelease(r warehouse.Release) error {
	type view struct {
		View  string `json:"view"`
		Table string `json:"table,omitempty"` // empty: dropped
	}
	views := []view{}
	for _, p := range r.Publications {
		views = append(views, view{p.View.String(), p.Table.String()})
	}
	for _, v := range r.Withdrawn {
		views = append(views, view{v.String(), ""})
	}
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(struct {
			Release string `json:"release"`
			Views   []view `json:"views"`
		}{r.ID, views})
	}
	slices.SortFunc(views, func(x, y view) int { return strings.Compare(x.View, y.View) })
	t := newTable(a.stdout)
	t.AppendHeader(table.Row{"view", "shows"})
	for i, v := range views {
		if i > 0 && strings.HasPrefix(v.View, views[i-1].View+"_v") && v.Table == views[i-1].Table {
			continue // a version's view goes the way of the model's
		}
		if v.Table == "" {
			v.Table = "nothing: it is gone"
		}
		t.AppendRow(table.Row{v.View, v.Table})
	}
	t.Render()
	return nil
}

func (a *app) envCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "env",
		Short: "List or drop environments",
		Long: `An environment is a set of views, <dataset>__<environment>.<model>, that
ripen apply --env makes. It shares production's tables until a model means
something else in it.`,
		Example: `  ripen env ls -C demo
  ripen env drop dev_anna -C demo`,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{hint.New(fmt.Sprintf("unknown command %q", "env "+args[0]), "%s", hint.DidYouMean(args[0], []string{"ls", "drop"}))}
			}
			return c.Help()
		},
		Args: cobra.ArbitraryArgs,
	}
	ls := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List environments", Args: noArgs,
		Example: "  ripen env ls -C demo",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := a.openProject()
			if err != nil {
				return err
			}
			db, err := p.openDeployed(c.Context(), a.clock)
			if err != nil {
				return err
			}
			defer db.Close() //nolint:errcheck // nothing was written
			environments, err := transforms.Environments(c.Context(), db)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(a.stdout).Encode(environments)
			}
			if len(environments) == 0 {
				a.talk("nothing is published yet")
				return nil
			}
			t := newTable(a.stdout)
			t.AppendHeader(table.Row{"environment", "views", "tables of its own", "last release"})
			for _, e := range environments {
				t.AppendRow(table.Row{e.Name, e.Views, e.Own, e.PublishedAt.Format(time.RFC3339)})
			}
			t.Render()
			return nil
		},
	}
	drop := &cobra.Command{
		Use: "drop ENVIRONMENT", Short: "Drop the views of an environment, and the tables that only it shows", Args: exactly(1),
		Example: "  ripen env drop dev_anna -C demo",
		RunE: func(c *cobra.Command, args []string) error {
			env, err := transforms.ParseEnvironment(args[0])
			if err != nil {
				return &usageError{err}
			}
			p, err := a.openProject()
			if err != nil {
				return err
			}
			return a.withWarehouse(c, p, "env drop", func(db *duckdb.DB, id string) error {
				dropped, err := transforms.Drop(c.Context(), db, env, id)
				if errors.Is(err, transforms.ErrNoEnvironment) {
					return &usageError{err}
				}
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.writeRelease(dropped)
				}
				fmt.Fprintf(a.stdout, "dropped %s and its %s\n", env, plural(len(dropped.Withdrawn), "view"))
				return nil
			})
		},
	}
	cmd.AddCommand(ls, drop)
	return cmd
}
