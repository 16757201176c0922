package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/warehouse"
)

func (a *app) runCommand() *cobra.Command {
	flags := &pipelineFlags{}
	limit := 15
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Do what is due: extract, load, transform; then print today's queue",
		Example: `  ripen run -C demo
  ripen run -C demo --output json | jq '.queue[0].reason_text'`,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--limit must not be negative")
			}
			return a.runPipeline(c.Context(), "run", flags, []string{stageExtract, stageLoad, stageTransform},
				func(p *pipeline, s *summary) error {
					queue, live, err := p.queue(c, limit)
					if err != nil {
						return err
					}
					switch {
					case queue == nil:
					case a.output == "json":
						s.Queue = queue.json()
					case limit > 0:
						fmt.Fprintln(a.stdout)
						writeQueue(a.stdout, queue, live, p.asOf, a.reasonWidth())
					}
					return a.writeSummary(s)
				})
		},
	}
	flags.add(cmd)
	flags.addModels(cmd)
	cmd.Flags().IntVar(&limit, "limit", limit, "trials of the queue to print")
	return cmd
}

// queue reads the head of the queue and the number of trials in it; nil when this
// run did not bring the queue up to date: an older one must not pass for today's.
func (p *pipeline) queue(c *cobra.Command, limit int) (queue *rowSet, live int64, err error) {
	if !p.queued {
		p.app.talk("no queue: this run did not build %s; the last one is in `ripen show -s rpt_sales_queue`", queueModel)
		return nil, 0, nil
	}
	total, err := readRows(c.Context(), p.db, warehouse.Statement{Name: queueModel, SQL: "select count(*) as trials from " + queueModel})
	if err != nil {
		return nil, 0, err
	}
	queue, err = readRows(c.Context(), p.db, warehouse.Statement{Name: queueModel, SQL: queueSQL(limit)})
	return queue, total.rows[0][0].(int64), err
}

// writeSummary ends a run: what each stage did and where things lie.
func (a *app) writeSummary(s *summary) error {
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(s)
	}
	fmt.Fprintln(a.stdout)
	writeStages(a.stdout, s.Stages)
	fmt.Fprintf(a.stdout, "\nfiles     %s\ndatabase  %s\n", s.Landing, s.Database)
	if s.Rejects > 0 {
		fmt.Fprintf(a.stdout, "\n%s records did not fit their contract: see raw_ripen.dead_letters (ripen status)\n", count(s.Rejects))
	}
	return nil
}

func (a *app) extractCommand() *cobra.Command {
	flags := &pipelineFlags{}
	cmd := &cobra.Command{
		Use:   "extract",
		Short: "Read what is new in the sources into the landing zone",
		Example: `  ripen extract -C demo
  ripen extract -C demo --table billing --table crm.hubspot.owners`,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.runPipeline(c.Context(), "extract", flags, []string{stageExtract}, stagesOnly)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringArrayVarP(&flags.tables, "table", "t", nil, "a source, or source.contract, e.g. billing.stripe.invoices (default: all)")
	return cmd
}

func (a *app) loadCommand() *cobra.Command {
	flags := &pipelineFlags{}
	cmd := &cobra.Command{
		Use:     "load",
		Short:   "Load landed files into the raw tables",
		Long:    "Loads every committed run that the warehouse does not hold yet. Repeating it does nothing.",
		Example: "  ripen load -C demo",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.runPipeline(c.Context(), "load", flags, []string{stageLoad}, stagesOnly)
		},
	}
	flags.add(cmd)
	return cmd
}

func (a *app) transformCommand() *cobra.Command {
	flags := &pipelineFlags{}
	cmd := &cobra.Command{
		Use:   "transform",
		Short: "Build the models whose inputs changed, check them, publish them",
		Example: `  ripen transform -C demo
  ripen transform -C demo -s +fct_trial --exclude 'staging.*'`,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.runPipeline(c.Context(), "transform", flags, []string{stageTransform}, stagesOnly)
		},
	}
	flags.add(cmd)
	flags.addModels(cmd)
	return cmd
}

func stagesOnly(p *pipeline, s *summary) error { return p.app.writeSummary(s) }
