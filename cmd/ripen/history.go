package main

import (
	"context"
	"time"

	"github.com/ripen-data/ripen/orchestrate"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/warehouse"
)

// history answers the selectors state: and result:. deployed is the open warehouse;
// nil opens it for reading when it is asked for.
func (p *project) history(ctx context.Context, engine *transforms.Engine, graph *transforms.Graph, env transforms.Environment,
	deployed warehouse.Models, clock func() time.Time) transforms.History {
	return transforms.History{
		States: func() (states map[*transforms.Model]transforms.Change, err error) {
			if deployed == nil {
				db, err := p.openDeployed(ctx, clock)
				if err != nil {
					return nil, err
				}
				defer db.Close() //nolint:errcheck // opened for reading
				return engine.States(ctx, graph, db, env)
			}
			return engine.States(ctx, graph, deployed, env)
		},
		Results: func() (map[string]string, error) {
			records, err := orchestrate.NewLedger(p.state("runs")).Last(lastRuns)
			if err != nil {
				return nil, err
			}
			results := map[string]string{}
			for _, r := range records {
				if r.Environment != string(env) || !buildsModels(r.Command) {
					continue
				}
				for _, step := range r.Steps {
					results[step.Name] = resultWords[step.Status]
				}
				return results, nil
			}
			return results, nil
		},
	}
}

// lastRuns is how far back a run is looked for.
const lastRuns = 100

// buildsModels reports whether a command brings models up to date.
func buildsModels(command string) bool {
	switch command {
	case "run", "transform", "apply", "backfill", "retry":
		return true
	}
	return false
}

// resultWords are dbt's words for how a model ended.
var resultWords = map[orchestrate.Status]string{
	orchestrate.Done: "success", orchestrate.Failed: "error", orchestrate.Skipped: "skipped", orchestrate.Interrupted: "error",
}
