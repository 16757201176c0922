package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/orchestrate"
	"github.com/ripen-data/ripen/transforms"
)

func (a *app) retryCommand() *cobra.Command {
	workers := 2
	cmd := &cobra.Command{
		Use:   "retry",
		Short: "Take the last run up again where it failed, for the instant that it described",
		Long: `Repeats what failed in the last run, and what was skipped for it, with the
--as-of, environment and window of that run. A run that was killed is repeated
whole: what it had finished is found unchanged. A retry can be retried.`,
		Example: "  ripen retry -C demo",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := a.openProject()
			if err != nil {
				return err
			}
			flags, stages, err := p.unfinished(a)
			if err != nil || flags == nil {
				return err
			}
			flags.workers = workers
			return a.runPipeline(c.Context(), "retry", flags, stages, stagesOnly)
		},
	}
	cmd.Flags().IntVar(&workers, "threads", workers, "tables and models at once")
	return cmd
}

// unfinished is what the last run left to do; nil when it left nothing.
func (p *project) unfinished(a *app) (*pipelineFlags, []string, error) {
	records, err := orchestrate.NewLedger(p.state("runs")).Last(1)
	if err != nil {
		return nil, nil, err
	}
	if len(records) == 0 {
		return nil, nil, &usageError{hint.New("nothing has run here", "start with `ripen run`")}
	}
	last := records[0]
	if last.Status == orchestrate.Running {
		if held, err := orchestrate.Held(p.state("lease")); err != nil || held {
			return nil, nil, errors.Join(err, hint.Wrap(fmt.Errorf("run %s is under way: %w", last.RunID, orchestrate.ErrHeld), "wait until it ends: ripen status"))
		}
	}
	var asked request
	if len(last.Request) == 0 || json.Unmarshal(last.Request, &asked) != nil {
		return nil, nil, &usageError{hint.New(fmt.Sprintf("run %s did not record what it was asked for", last.RunID), "repeat its command: ripen %s", last.Command)}
	}
	flags := &pipelineFlags{
		asOf: last.AsOf.Format(time.RFC3339Nano), env: last.Environment, tables: asked.Tables,
		models: asked.Select, exclude: asked.Exclude, refresh: asked.FullRefresh, start: asked.Start, end: asked.End,
	}
	if last.Status == orchestrate.Running {
		a.talk("run %s was killed: all of it again, as of %s", last.RunID, flags.asOf)
		return flags, asked.Stages, nil
	}
	var open []string
	for _, step := range last.Steps {
		if step.Status != orchestrate.Done {
			open = append(open, step.Name)
		}
	}
	if len(open) == 0 && last.Status == orchestrate.Done {
		a.talk("run %s failed nowhere: there is nothing to retry", last.RunID)
		return nil, nil, nil
	}
	if len(open) == 0 || last.Status == orchestrate.Interrupted { // steps that never began are not recorded
		a.talk("all of run %s again, as of %s: it ended before its steps did", last.RunID, flags.asOf)
		return flags, asked.Stages, nil
	}
	a.talk("run %s again, as of %s: %s", last.RunID, flags.asOf, strings.Join(open, ", "))
	onlyModels := len(open) > 0 && !slices.ContainsFunc(open, func(name string) bool { return name == stageLoad || strings.HasPrefix(name, stageExtract+" ") })
	if onlyModels {
		flags.models, flags.exclude = open, nil
		return flags, []string{stageTransform}, nil
	}
	return flags, asked.Stages, nil
}

func (a *app) backfillCommand() *cobra.Command {
	flags := &pipelineFlags{}
	cmd := &cobra.Command{
		Use:   "backfill",
		Short: "Build intervals of models again, and nothing else of them",
		Long: `Computes the intervals from --start until before --end again, of the chosen
models that are built by interval, batch by batch, each checked before it
replaces what is there. Other intervals stay as they are. docs/models.md shows
such a model, core.fct_event_day.`,
		Example: "  ripen backfill -C demo -s fct_event_day --start 2026-01-01 --end 2026-02-01",
		RunE: func(c *cobra.Command, _ []string) error {
			if len(flags.models) == 0 {
				return usagef("name the models: ripen backfill -s fct_event_day --start 2026-01-01 --end 2026-02-01")
			}
			window, err := flags.window()
			if err != nil {
				return err
			}
			if window == nil {
				return usagef("give --start and --end: the first day to build again, and the first that is left as it is")
			}
			return a.runHooked(c.Context(), "backfill", flags, []string{stageTransform}, hooks{before: byInterval}, stagesOnly)
		},
	}
	flags.add(cmd)
	flags.addModels(cmd)
	cmd.Flags().StringVar(&flags.start, "start", "", "first instant to build again, YYYY-MM-DD or RFC 3339")
	cmd.Flags().StringVar(&flags.end, "end", "", "first instant that is left as it is")
	return cmd
}

// byInterval refuses a backfill of models that have no intervals.
func byInterval(_ context.Context, builder *transforms.Builder) error {
	for _, m := range builder.Models() {
		if !m.ByInterval() {
			return &usageError{hint.New(fmt.Sprintf("%s is not built by interval", m),
				"leave it out with --exclude, or build it whole: ripen transform --full-refresh -s %s", m)}
		}
	}
	return nil
}
