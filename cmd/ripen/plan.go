package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// planText is what `ripen plan --output json` prints.
type planText struct {
	Environment string               `json:"environment"`
	AsOf        time.Time            `json:"as_of"`
	Models      []transforms.Planned `json:"models"`
	Rows        int64                `json:"rows_to_rebuild"`
	Bytes       int64                `json:"bytes_to_rebuild"`
}

func (f *pipelineFlags) addAsOf(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.asOf, "as-of", "", "the instant the tables describe, RFC 3339 or YYYY-MM-DD (default: the start of this hour)")
}

func (a *app) planCommand() *cobra.Command {
	flags := &pipelineFlags{}
	var sqlDiff, all bool
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Compare the models with what is deployed: what would be built, and why",
		Long: `Compares every model with what the environment shows. Nothing is changed.

  new         no view shows it yet
  changed     its own files mean something else; breaking when readers lose a
              column or find another type or key
  indirect    a model that it reads means something else
  data        the files mean the same, but inputs have moved
  removed     a view shows it, and no file has it any more; ripen apply drops
              the view, where no models are chosen
  production  the environment will show production's table

Comments, white space and letter case change nothing. Rows and bytes are those
of the last build of what is to be built again. Models that stay as they are,
and those that an environment shares with production, are listed with --all.`,
		Example: `  ripen plan -C demo
  ripen plan -C demo --env dev_anna -s state:modified+ --sql
  ripen plan -C demo --output json`,
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := a.openProject()
			if err != nil {
				return err
			}
			text, err := p.plan(c.Context(), a, flags)
			if err != nil {
				return err
			}
			return a.writePlan(text, all, sqlDiff)
		},
	}
	flags.addAsOf(cmd)
	flags.addModels(cmd)
	cmd.Flags().BoolVar(&sqlDiff, "sql", false, "show how the SQL of changed models differs")
	cmd.Flags().BoolVar(&all, "all", false, "list unchanged and shared models too")
	return cmd
}

// plan reads the warehouse without changing it.
func (p *project) plan(ctx context.Context, a *app, flags *pipelineFlags) (*planText, error) {
	env, asOf, err := p.instant(flags, a.clock())
	if err != nil {
		return nil, err
	}
	v, err := a.validation(ctx, p, env, flags.models, flags.exclude, false)
	if err == nil {
		err = v.Err()
	}
	if err != nil {
		return nil, &usageError{err}
	}
	db, err := p.openDeployed(ctx, a.clock)
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // nothing was written
	builder, err := p.builder(ctx, db, flags, transforms.Options{
		AsOf: asOf, Environment: env, FullRefresh: flags.refresh, Clock: a.clock,
	})
	if err != nil {
		return nil, err
	}
	return newPlan(ctx, builder, env, asOf)
}

// openDeployed opens the warehouse for reading; an empty one where there is none yet.
func (p *project) openDeployed(ctx context.Context, clock func() time.Time) (*duckdb.DB, error) {
	if _, err := os.Stat(p.warehousePath()); !errors.Is(err, fs.ErrNotExist) {
		return p.openWarehouse(ctx, true, clock)
	}
	db, err := duckdb.Open(ctx, duckdb.Config{Path: duckdb.Memory, Setup: []string{duck.Prelude}, Clock: clock})
	if err != nil {
		return nil, err
	}
	if err := db.Prepare(ctx, schemas.Contracts()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func newPlan(ctx context.Context, builder *transforms.Builder, env transforms.Environment, asOf time.Time) (*planText, error) {
	models, err := builder.Plan(ctx)
	if err != nil {
		return nil, err
	}
	text := &planText{Environment: env.String(), AsOf: asOf, Models: models}
	for _, m := range models {
		text.Rows += m.Rows
		text.Bytes += m.Bytes
	}
	return text, nil
}

// signs mark the kinds of change.
var signs = []struct {
	change transforms.Change
	sign   string
	words  string // of the sum
}{
	{transforms.ChangeNew, "+", "new"},
	{transforms.ChangeOwn, "~", "changed"},
	{transforms.ChangeIndirect, "~", "indirect"},
	{transforms.ChangeRemoved, "-", "removed"},
	{transforms.ChangeData, "·", "with new data"},
	{transforms.ChangeShared, "=", "shared with production"},
	{transforms.ChangeNone, " ", "unchanged"},
}

func (a *app) writePlan(p *planText, all, sqlDiff bool) error {
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(p)
	}
	fmt.Fprintf(a.stdout, "%s, as of %s\n", p.Environment, p.AsOf.Format(time.RFC3339))
	quiet := func(m transforms.Planned) bool {
		return !all && len(m.Reasons) == 0 && (m.Change == transforms.ChangeNone || m.Change == transforms.ChangeShared)
	}
	counts, breaking, width := map[transforms.Change]int{}, 0, 0
	for _, m := range p.Models {
		counts[m.Change]++
		if m.Breaking && m.Change != transforms.ChangeRemoved {
			breaking++
		}
		if !quiet(m) {
			width = max(width, len(m.Model))
		}
	}
	var parts []string
	for _, kind := range signs {
		for _, m := range p.Models {
			if m.Change == kind.change && !quiet(m) {
				writePlanned(a.stdout, kind.sign, width, m)
				if sqlDiff && m.Before != "" {
					writeDiff(a.stdout, m.Before, m.After)
				}
			}
		}
		if n := counts[kind.change]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, kind.words))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no models"}
	}
	line := strings.Join(parts, ", ")
	if breaking > 0 {
		line += fmt.Sprintf("; %d breaking", breaking)
	}
	if p.Rows > 0 {
		line += "; to build again: " + count(p.Rows) + " rows"
	}
	if p.Bytes > 0 {
		line += ", " + size(p.Bytes)
	}
	if width > 0 {
		fmt.Fprintln(a.stdout)
	}
	_, err := fmt.Fprintf(a.stdout, "plan: %s\n", line)
	return err
}

// writePlanned writes a model, its name padded to width, with its reasons below.
func writePlanned(w io.Writer, sign string, width int, m transforms.Planned) {
	what := string(m.Change)
	if m.Breaking && m.Change != transforms.ChangeRemoved {
		what += ", breaking"
	}
	if m.Intervals > 0 {
		what += ", " + plural(m.Intervals, "interval")
	}
	if m.Rows > 0 {
		what += fmt.Sprintf(", %s rows", count(m.Rows))
	}
	fmt.Fprintf(w, "  %s %-*s  %s\n", sign, width, m.Model, what)
	detail := slices.Clone(m.Reasons)
	if m.Change == transforms.ChangeData || m.Change == transforms.ChangeIndirect {
		detail = []string{shortReasons(m.Reasons)}
	}
	for _, c := range m.Columns {
		detail = append(detail, "column "+c.String())
	}
	if len(m.Views) > 0 {
		detail = append(detail, "views to drop: "+strings.Join(m.Views, ", "))
	}
	for _, d := range detail {
		if d != "" {
			fmt.Fprintf(w, "        %s\n", d)
		}
	}
}

// shortReasons is one line for what moves on every run; --output json lists all.
func shortReasons(reasons []string) string {
	const most = 2
	if len(reasons) > most {
		return strings.Join(reasons[:most], "; ") + fmt.Sprintf("; and %d more", len(reasons)-most)
	}
	return strings.Join(reasons, "; ")
}

func (a *app) applyCommand() *cobra.Command {
	flags := &pipelineFlags{}
	var yes bool
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Show the plan, then do it: build, check, publish, drop views of removed models",
		Long: `Does what ripen plan shows. A plan that breaks readers (a column, type or key
changes, a model is removed) is asked about on a terminal and refused elsewhere,
unless --yes is given. Models are built from what is loaded; ripen run extracts
and loads before.`,
		Example: `  ripen apply -C demo --env dev_anna
  ripen apply -C demo --yes`,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.runHooked(c.Context(), "apply", flags, []string{stageTransform}, a.applying(yes), stagesOnly)
		},
	}
	flags.add(cmd)
	flags.addModels(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "go on without asking, even if readers break")
	return cmd
}

// applying shows the plan and asks about it; once all is built, views that no
// model has any more go: until then something may still read them.
func (a *app) applying(yes bool) hooks {
	var gone []warehouse.TableName
	return hooks{
		before: func(ctx context.Context, builder *transforms.Builder) error {
			env, asOf := builder.Instant()
			plan, err := newPlan(ctx, builder, env, asOf)
			if err != nil {
				return err
			}
			if a.output != "json" {
				if err := a.writePlan(plan, false, false); err != nil {
					return err
				}
			}
			if err := a.confirm(plan, yes); err != nil {
				return err
			}
			gone, err = builder.Removed(ctx)
			return err
		},
		after: func(ctx context.Context, builder *transforms.Builder) error { return builder.Withdraw(ctx, gone) },
	}
}

// confirm asks about a plan that breaks readers.
func (a *app) confirm(p *planText, yes bool) error {
	var broken []string
	for _, m := range p.Models {
		if m.Breaking {
			broken = append(broken, m.Model)
		}
	}
	if yes || len(broken) == 0 {
		return nil
	}
	in, isFile := a.stdin.(*os.File)
	if !isFile || !a.isTTY(in) {
		return &usageError{hint.New("the plan breaks readers of "+strings.Join(broken, ", "), "if that is meant, repeat it with --yes")}
	}
	fmt.Fprintf(a.stderr, "this breaks readers of %s; go on? [y/N] ", strings.Join(broken, ", "))
	answer, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return usagef("nothing was changed")
	}
	return nil
}
