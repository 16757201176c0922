package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/orchestrate"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// Stages of a run.
const (
	stageExtract   = "extract"
	stageLoad      = "load"
	stageTransform = "transform"
)

// pipelineFlags are the flags of every command that moves data.
type pipelineFlags struct {
	asOf    string
	workers int
	tables  []string // source or source.contract
	models  []string
	exclude []string
	env     string
	refresh bool
	start   string // of a backfill
	end     string
}

func (f *pipelineFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.asOf, "as-of", "", "the instant the tables describe, RFC 3339 or YYYY-MM-DD (default: the start of this hour)")
	cmd.Flags().IntVar(&f.workers, "threads", 2, "tables and models at once")
}

func (f *pipelineFlags) addModels(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&f.models, "select", "s", nil, "models, in dbt's selector grammar, e.g. +fct_trial or staging.*")
	cmd.Flags().StringArrayVar(&f.exclude, "exclude", nil, "models to leave out, in the same grammar")
	cmd.Flags().StringVar(&f.env, "env", "", "environment whose views are published, e.g. dev_anna (default: production)")
	cmd.Flags().BoolVar(&f.refresh, "full-refresh", false, "build the chosen models again, whatever is there")
}

// pipeline is one run of some stages.
type pipeline struct {
	*project
	app          *app
	flags        *pipelineFlags
	runID        string
	wanted       []string // stages
	asOf         time.Time
	env          transforms.Environment
	backfill     *transforms.Window
	command      string
	begunAt      time.Time
	begun        bool // the run is in the ledger
	hooks        hooks
	clock        func() time.Time // when things happen: the company's now in a simulated project
	meter        *meter
	steps        []orchestrate.StepRecord
	reject       int64
	rejectLanded int64 // dead letters that the extraction committed
	queued       bool  // the queue's model was brought up to date by this run
	db           *duckdb.DB
}

// summary is what a run reports at its end.
type summary struct {
	RunID    string          `json:"run_id"`
	AsOf     time.Time       `json:"as_of"`
	Status   string          `json:"status"`
	Rejects  int64           `json:"rejected_records"`
	Stages   []stageTotals   `json:"stages"`
	Landing  string          `json:"landing"`
	Database string          `json:"database"`
	Queue    json.RawMessage `json:"queue,omitempty"`
}

// hooks are what a command does around the building of models; each may be nil.
type hooks struct {
	before func(context.Context, *transforms.Builder) error // an error of it refuses the run: nothing has happened
	after  func(context.Context, *transforms.Builder) error // once every model is built
}

// runPipeline runs the stages under the project's lease, writes the run's record,
// and calls finish with the open warehouse for what the command prints.
func (a *app) runPipeline(ctx context.Context, command string, flags *pipelineFlags, stages []string, finish func(*pipeline, *summary) error) (err error) {
	return a.runHooked(ctx, command, flags, stages, hooks{}, finish)
}

// runHooked is runPipeline with hooks. A run that is refused, for its flags or for
// its models, is neither recorded nor summed up: nothing has run.
func (a *app) runHooked(ctx context.Context, command string, flags *pipelineFlags, stages []string,
	hooks hooks, finish func(*pipeline, *summary) error) (err error) {
	p, err := a.openProject()
	if err != nil {
		return err
	}
	begin := a.clock()
	if flags.workers < 1 {
		return usagef("--threads must be above 0")
	}
	env, asOf, err := p.instant(flags, begin)
	if err != nil {
		return err
	}
	run := &pipeline{
		project: p, app: a, flags: flags, command: command, begunAt: begin, hooks: hooks,
		env: env, asOf: asOf, wanted: stages, clock: a.clock, runID: newRunID(begin),
	}
	if run.backfill, err = flags.window(); err != nil {
		return err
	}
	if p.cfg.readsSandbox() {
		run.clock = func() time.Time { return asOf }
	}
	lease, err := acquire(p, command, begin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lease.Release()) }()

	run.meter = newMeter(a.stderr, a.isTTY(a.stderr), a.clock)
	err = adviseOnFullDisk(run.stages(ctx, stages), p)
	run.meter.stop()
	if run.db != nil {
		defer func() { err = errors.Join(err, run.db.Close()) }()
	}
	if !run.begun {
		return err
	}
	s := summary{
		RunID: run.runID, AsOf: asOf, Status: string(orchestrate.Done), Rejects: max(run.reject, run.rejectLanded),
		Stages: run.meter.stages(), Landing: p.landingPath(), Database: p.warehousePath(),
	}
	if err == nil && s.Rejects > 0 {
		err = errRejects
	}
	switch {
	case ctx.Err() != nil:
		s.Status = string(orchestrate.Interrupted)
	case err != nil && !errors.Is(err, errRejects):
		s.Status = string(orchestrate.Failed)
	}
	if finish != nil && ctx.Err() == nil {
		err = errors.Join(err, finish(run, &s))
	}
	return errors.Join(err, run.record(s, err))
}

// acquire takes the project's lease.
func acquire(p *project, command string, now time.Time) (*orchestrate.Lease, error) {
	lease, err := orchestrate.Acquire(p.state("lease"), "ripen "+command, now)
	if errors.Is(err, orchestrate.ErrHeld) {
		return nil, hint.Wrap(err, "wait until it ends, or stop it: the project takes one writer at a time")
	}
	return lease, adviseOnFullDisk(err, p)
}

// newRunID names a run; ids sort by time.
func newRunID(begin time.Time) string { return begin.UTC().Format("20060102T150405.000000Z") }

// request is what a run was asked for besides its instant, for ripen retry.
type request struct {
	Stages      []string `json:"stages"`
	Tables      []string `json:"tables,omitempty"`
	Select      []string `json:"select,omitempty"`
	Exclude     []string `json:"exclude,omitempty"`
	FullRefresh bool     `json:"full_refresh,omitempty"`
	Start       string   `json:"start,omitempty"`
	End         string   `json:"end,omitempty"`
}

// begin writes that the run is under way, so that one that is killed can be seen
// and taken up again.
func (p *pipeline) begin() error {
	p.begun = true
	return orchestrate.NewLedger(p.state("runs")).Add(orchestrate.RunRecord{
		RunID: p.runID, Command: p.command, Environment: string(p.env), AsOf: p.asOf, StartedAt: p.begunAt.UTC(),
		Status: orchestrate.Running, Steps: []orchestrate.StepRecord{}, Request: p.requested(),
	})
}

func (p *pipeline) requested() json.RawMessage {
	text, err := json.Marshal(request{
		Stages: p.wanted, Tables: p.flags.tables, Select: p.flags.models, Exclude: p.flags.exclude,
		FullRefresh: p.flags.refresh, Start: p.flags.start, End: p.flags.end,
	})
	if err != nil {
		panic(err) // lists of strings
	}
	return text
}

// record writes the run into the ledger.
func (p *pipeline) record(s summary, err error) error {
	stages, marshalErr := json.Marshal(s.Stages)
	if marshalErr != nil {
		return marshalErr
	}
	r := orchestrate.RunRecord{
		RunID: s.RunID, Command: p.command, Environment: string(p.env), AsOf: s.AsOf, StartedAt: p.begunAt.UTC(), FinishedAt: p.app.clock().UTC(),
		Status: orchestrate.Status(s.Status), PeakMemory: peakMemory(), Rejects: s.Rejects, Stages: stages, Steps: p.steps, Request: p.requested(),
	}
	if s.Status == string(orchestrate.Failed) {
		r.Error = err.Error()
	}
	return orchestrate.NewLedger(p.state("runs")).Add(r)
}

// stages runs the chosen stages in order. A source that cannot be read does not
// hold up the others: what was landed is loaded, and the models are built of it.
func (p *pipeline) stages(ctx context.Context, stages []string) error {
	if slices.Contains(stages, stageTransform) { // before a row moves
		v, err := p.app.validation(ctx, p.project, p.env, p.flags.models, p.flags.exclude, slices.Contains(stages, stageLoad))
		if err == nil {
			err = v.Err()
		}
		if err != nil {
			return &usageError{err}
		}
	}
	if p.hooks.before == nil {
		if err := p.begin(); err != nil {
			return err
		}
	}
	zone, err := p.openZone(p.clock)
	if err != nil {
		return err
	}
	var errs []error
	if slices.Contains(stages, stageExtract) {
		errs = append(errs, p.meter.stage(stageExtract, func() error { return p.extract(ctx, zone) }))
	}
	if ctx.Err() != nil {
		return errors.Join(errs...)
	}
	if !slices.Contains(stages, stageLoad) && !slices.Contains(stages, stageTransform) {
		return errors.Join(errs...)
	}
	p.db, err = p.openWarehouse(ctx, false, p.clock)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if slices.Contains(stages, stageLoad) {
		errs = append(errs, p.meter.stage(stageLoad, func() error { return p.load(ctx, zone) }))
	}
	if ctx.Err() == nil && slices.Contains(stages, stageTransform) {
		errs = append(errs, p.meter.stage(stageTransform, func() error { return p.transform(ctx) }))
	}
	return errors.Join(errs...)
}

// extract reads every source into the landing zone.
func (p *pipeline) extract(ctx context.Context, zone *landing.Zone) error {
	var server *sandboxServer
	if p.cfg.readsSandbox() {
		var err error
		if server, err = openSandbox(ctx, p.cfg, p.asOf); err != nil {
			return err
		}
		defer server.close() //nolint:errcheck // a loopback server of our own; nothing is lost
	}
	if _, err := zone.Sweep(ctx, 0); err != nil {
		return err
	}
	sources, err := openSources(p.cfg, server, p.clock, func(source, table, text string) {
		p.app.talk("note: %s.%s: %s", source, table, text)
	})
	if err != nil {
		return err
	}
	chosen, err := chooseTables(sources, p.flags.tables)
	if err != nil {
		return err
	}
	var landed atomic.Int64 // dead letters
	defer func() { p.rejectLanded = landed.Load() }()
	var steps []orchestrate.Step
	for _, s := range sources {
		if len(chosen[s.name]) == 0 {
			continue
		}
		steps = append(steps, orchestrate.Step{Name: "extract " + s.name, Run: func(ctx context.Context) error {
			results, err := extractors.Run(ctx, extractors.RunOptions{
				Source: s.name, Extractor: s.extractor, Zone: zone, Clock: p.clock,
				Tables:  func(t schemas.Table) bool { return slices.Contains(chosen[s.name], t.ID()) },
				Drift:   p.cfg.Drift,
				Workers: p.flags.workers, Progress: p.meter.event,
			})
			for _, r := range results {
				landed.Add(r.RejectedRows())
			}
			return err
		}})
	}
	return p.orchestrate(ctx, steps, len(steps)) // sources wait for the network, so all of them at once
}

// chooseTables maps each source to the contracts to extract. A choice is a source
// or source.contract; none means all.
func chooseTables(sources []source, choices []string) (map[string][]string, error) {
	all := map[string][]string{}
	var known []string
	for _, s := range sources {
		known = append(known, s.name)
		for _, t := range s.extractor.Tables() {
			all[s.name] = append(all[s.name], t.ID())
			known = append(known, s.name+"."+t.ID())
		}
	}
	if len(choices) == 0 {
		return all, nil
	}
	chosen := map[string][]string{}
	for _, choice := range choices {
		if !slices.Contains(known, choice) {
			return nil, &usageError{hint.New(fmt.Sprintf("no table %q", choice), "%s", hint.DidYouMean(choice, known))}
		}
		name, table, one := strings.Cut(choice, ".")
		tables := all[name]
		if one {
			tables = []string{table}
		}
		for _, t := range tables {
			if !slices.Contains(chosen[name], t) {
				chosen[name] = append(chosen[name], t)
			}
		}
	}
	return chosen, nil
}

// load brings committed runs into the raw tables.
func (p *pipeline) load(ctx context.Context, zone *landing.Zone) error {
	loader := warehouse.NewLoader(p.db, zone, warehouse.LoaderOptions{Contracts: p.cfg.contracts(), Workers: p.flags.workers, Progress: p.meter.event})
	loads, err := loader.Run(ctx)
	for _, l := range loads {
		p.reject += l.Rejects
	}
	step := orchestrate.StepRecord{Name: "load", Status: orchestrate.Done}
	if err != nil {
		step.Status, step.Error = orchestrate.Failed, err.Error()
	}
	p.steps = append(p.steps, step)
	return err
}

// transform builds the chosen models, those that depend on nothing first.
func (p *pipeline) transform(ctx context.Context) error {
	builder, err := p.builder(ctx, p.db, p.flags, transforms.Options{
		AsOf: p.asOf, Environment: p.env, Release: p.runID, Backfill: p.backfill, FullRefresh: p.flags.refresh,
		Progress: p.meter.event, Clock: p.app.clock,
	})
	if err != nil {
		return err
	}
	if p.hooks.before != nil {
		if err := p.hooks.before(ctx, builder); err != nil {
			return err
		}
		if err := p.begin(); err != nil {
			return err
		}
	}
	if err := builder.Share(ctx); err != nil {
		return err
	}
	var steps []orchestrate.Step
	for _, m := range builder.Models() {
		steps = append(steps, orchestrate.Step{Name: m.String(), Needs: builder.Needs(m), Run: func(ctx context.Context) error {
			result, err := builder.Build(ctx, m)
			for _, w := range result.Warnings {
				p.app.talk("warning: %s: %s", m, w)
			}
			if m.String() == queueModel && err == nil {
				p.queued = true
			}
			return err
		}})
	}
	if err := p.orchestrate(ctx, steps, p.flags.workers); err != nil || p.hooks.after == nil {
		return err
	}
	return p.hooks.after(ctx, builder)
}

// orchestrate runs steps and keeps their ends for the record.
func (p *pipeline) orchestrate(ctx context.Context, steps []orchestrate.Step, workers int) error {
	_, err := orchestrate.Run(ctx, steps, orchestrate.Options{Workers: workers, Clock: p.app.clock, OnEnd: func(r orchestrate.Result) {
		step := orchestrate.StepRecord{Name: r.Name, Status: r.Status, Seconds: r.Duration.Seconds()}
		if r.Err != nil {
			step.Error = r.Err.Error()
		}
		if r.Status == orchestrate.Skipped {
			p.app.talk("%-48s %v", r.Name, r.Err)
		}
		p.steps = append(p.steps, step)
	}})
	return err
}
