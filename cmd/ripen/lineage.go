package main

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/lineage"
)

// lineageOutputs are the values of --output of this command.
var lineageOutputs = []string{"text", "json", "dot", "openlineage"}

// lineageOptions are the flags of `ripen lineage`.
type lineageOptions struct {
	up, down bool
	depth    int
	kind     string
}

// trace checks the flags. Without --up or --down it looks both ways, and from a
// whole table, whose columns are many, one step far.
func (o lineageOptions) trace(depthGiven, wholeTable bool) (transforms.TraceOptions, error) {
	kinds := map[string]lineage.Kind{"value": lineage.Value, "influence": lineage.Influence, "all": ""}
	kind, ok := kinds[o.kind]
	if !ok {
		return transforms.TraceOptions{}, &usageError{hint.New("--kind "+o.kind+": value, influence or all",
			"%s", hint.DidYouMean(o.kind, []string{"value", "influence", "all"}))}
	}
	if o.depth < 0 {
		return transforms.TraceOptions{}, usagef("--depth must not be negative; 0 follows lineage to its ends")
	}
	if wholeTable && !depthGiven {
		o.depth = 1
	}
	both := o.up == o.down
	return transforms.TraceOptions{Up: both || o.up, Down: both || o.down, Depth: o.depth, Kind: kind}, nil
}

func (a *app) lineageCommand() *cobra.Command {
	options := lineageOptions{kind: "value"}
	cmd := &cobra.Command{
		Use:   "lineage [TABLE[.COLUMN]]",
		Short: "Show where a column comes from and where it goes",
		Long: `Show where a column comes from, up to the field of the source's object, and where
it goes, down to the property of the CRM. It reads the models, not the warehouse.

TABLE is a model, a raw table (raw_stripe.subscriptions) or an object of a source
or a CRM (stripe:subscription, hubspot:companies). Without a column every column
of it is shown with its direct neighbours; --depth shows more. Without a table
the whole project is shown.

A column comes from another one by value, if it is computed from it, or by
influence, if the other one only decides which rows count or in which order:
filters, joins, groups, windows and sorting. In the text "~" marks influences.

--output openlineage prints one run event a model, as JSON lines, of the models
that the argument names.`,
		Example: `  ripen lineage fct_trial.trial_end_at
  ripen lineage stripe:subscription.trial_end --down --depth 3
  ripen lineage rpt_sales_queue.reason_text --up --kind all --output json
  ripen lineage fct_trial --output dot | dot -Tsvg > fct_trial.svg
  ripen lineage --output openlineage > events.jsonl`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("%s takes one table or column, got %q; see `%s --help`", c.CommandPath(), args, c.CommandPath())
			}
			return nil
		},
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if !slices.Contains(lineageOutputs, a.output) {
				return usagef("--output %q: %s", a.output, strings.Join(lineageOutputs, ", "))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			return a.lineage(c, strings.Join(args, ""), options)
		},
	}
	cmd.Flags().BoolVar(&options.up, "up", false, "only where it comes from")
	cmd.Flags().BoolVar(&options.down, "down", false, "only where it goes")
	cmd.Flags().IntVar(&options.depth, "depth", 0, "steps to follow; 0: to the ends (default for a whole table: 1)")
	cmd.Flags().StringVar(&options.kind, "kind", options.kind, "value, influence or all")
	return cmd
}

func (a *app) lineage(c *cobra.Command, name string, options lineageOptions) error {
	p, err := a.openProject()
	if err != nil {
		return err
	}
	raw, err := p.rawTables(c.Context(), a.clock)
	if err != nil {
		return err
	}
	engine, graph, err := p.openGraph(raw)
	if err != nil {
		return err
	}
	compiled, err := engine.Compile(graph, graph.Order)
	if err := p.leaveOut(err); err != nil {
		return err
	}
	all := graph.Lineage(compiled)
	found, err := all.Find(name)
	if err != nil {
		return &usageError{err}
	}
	trace, err := options.trace(c.Flags().Changed("depth"), len(found) > 1)
	if err != nil {
		return err
	}
	switch a.output {
	case "openlineage":
		return a.writeOpenLineage(p, graph, compiled, found)
	case "json":
		return json.NewEncoder(a.stdout).Encode(all.Trace(found, trace))
	case "dot":
		return all.Trace(found, trace).WriteDOT(a.stdout)
	default:
		return all.Trace(found, trace).WriteText(a.stdout)
	}
}

// writeOpenLineage prints a run event for each model among the columns.
func (a *app) writeOpenLineage(p *project, graph *transforms.Graph, compiled map[*transforms.Model]*transforms.Compiled, columns []*transforms.LineageColumn) error {
	asked := map[string]bool{}
	for _, c := range columns {
		if c.Stage == transforms.ModelStage {
			asked[c.Table] = true
		}
	}
	if len(asked) == 0 {
		return usagef("%s is no model: OpenLineage events are about models", columns[0].Table)
	}
	writer, err := p.openLineage()
	if err != nil {
		return err
	}
	now := a.clock().UTC()
	out := json.NewEncoder(a.stdout)
	for _, m := range graph.Order {
		if !asked[m.String()] {
			continue
		}
		id := transforms.RunID(writer.JobNamespace, m.Address(), compiled[m].SQL, now.Format(time.RFC3339Nano))
		if err := out.Encode(writer.Event(graph, compiled[m], transforms.ModelRun{ID: id, Type: "COMPLETE", At: now})); err != nil {
			return err
		}
	}
	return nil
}

// openLineage names the project and its warehouse in OpenLineage's terms.
func (p *project) openLineage() (transforms.OpenLineage, error) {
	path, err := filepath.Abs(p.warehousePath())
	if err != nil {
		return transforms.OpenLineage{}, err
	}
	return transforms.OpenLineage{
		Producer:         "https://github.com/ripen-data/ripen/tree/v" + url.PathEscape(currentVersion().Ripen),
		JobNamespace:     p.cfg.Name,
		DatasetNamespace: "duckdb://" + filepath.ToSlash(path),
	}, nil
}
