package main

import (
	"context"
	"time"

	"github.com/ripen-data/ripen/orchestrate"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// instant is the environment that a command names and the instant it describes.
// An environment describes that of production's last run, so that what differs
// between them is not the time.
func (p *project) instant(flags *pipelineFlags, now time.Time) (transforms.Environment, time.Time, error) {
	env, err := transforms.ParseEnvironment(flags.env)
	if err != nil {
		return env, now, &usageError{err}
	}
	usual := now.UTC().Truncate(time.Hour)
	if env != transforms.Production {
		records, err := orchestrate.NewLedger(p.state("runs")).Last(lastRuns)
		if err != nil {
			return env, now, err
		}
		for _, r := range records {
			if r.Environment == "" && buildsModels(r.Command) {
				usual = r.AsOf
				break
			}
		}
	}
	asOf, err := parseInstant(flags.asOf, usual)
	if err != nil {
		return env, now, usagef("--as-of: %w", err)
	}
	return env, asOf, nil
}

// window is what --start and --end name; nil without them.
func (f *pipelineFlags) window() (*transforms.Window, error) {
	if f.start == "" && f.end == "" {
		return nil, nil
	}
	start, err := parseInstant(f.start, time.Time{})
	if err != nil || f.start == "" {
		return nil, usagef("--start %q: give the first day to build again, YYYY-MM-DD", f.start)
	}
	end, err := parseInstant(f.end, time.Time{})
	if err != nil || f.end == "" {
		return nil, usagef("--end %q: give the first day that is left as it is, YYYY-MM-DD", f.end)
	}
	if !start.Before(end) {
		return nil, usagef("--start must be before --end")
	}
	return &transforms.Window{Start: start, End: end}, nil
}

// builder analyses the models and readies those that the flags choose.
func (p *project) builder(ctx context.Context, db *duckdb.DB, flags *pipelineFlags, options transforms.Options) (*transforms.Builder, error) {
	raw, err := db.Evolved(ctx, schemas.Contracts())
	if err != nil {
		return nil, err
	}
	engine, graph, err := p.openGraph(raw)
	if err != nil {
		return nil, err
	}
	graph.History = p.history(ctx, options.Environment, db, options.Clock, options.Release)(engine, graph)
	models, err := graph.Select(flags.models, flags.exclude)
	if err != nil {
		return nil, &usageError{err}
	}
	analysed := models
	if options.Environment != transforms.Production {
		analysed = graph.Order // what is not chosen may be shared with production
	}
	compiled, err := engine.Compile(graph, analysed)
	if err != nil {
		return nil, err
	}
	loads, err := db.Loads(ctx)
	if err != nil {
		return nil, err
	}
	options.Raw, options.Macros = transforms.NewRawTables(loads), duck.Prelude
	return transforms.NewBuilder(graph, compiled, models, db, options), nil
}
