package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/orchestrate"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/warehouse"
)

// history answers the selectors state: and result:. deployed is the open warehouse;
// nil opens it for reading when it is asked for. own is the run that asks, which is
// none of the last ones yet; empty for a command that only reads.
func (p *project) history(ctx context.Context, env transforms.Environment, deployed warehouse.Models,
	clock func() time.Time, own string) func(*transforms.Engine, *transforms.Graph) transforms.History {
	return func(engine *transforms.Engine, graph *transforms.Graph) transforms.History {
		return transforms.History{
			States: func() (map[*transforms.Model]transforms.Change, error) {
				if deployed != nil {
					return engine.States(ctx, graph, deployed, env)
				}
				db, err := p.openDeployed(ctx, clock)
				if err != nil {
					return nil, err
				}
				defer db.Close() //nolint:errcheck // opened for reading
				return engine.States(ctx, graph, db, env)
			},
			Results: func() (map[string]string, error) { return p.results(env, own) },
		}
	}
}

// results are how models ended in the last run that built any in the environment.
func (p *project) results(env transforms.Environment, own string) (map[string]string, error) {
	records, err := orchestrate.NewLedger(p.state("runs")).Last(lastRuns)
	if err != nil {
		return nil, err
	}
	results := map[string]string{}
	for i, r := range records {
		if r.RunID == own || r.Environment != string(env) || !buildsModels(r.Command) {
			continue
		}
		if r.Status == orchestrate.Running {
			if held, err := orchestrate.Held(p.state("lease")); err != nil || held && own == "" && i == 0 {
				return nil, &usageError{errors.Join(err, fmt.Errorf("run %s is still under way: how its models end is not known", r.RunID))}
			}
			return nil, &usageError{hint.New(fmt.Sprintf("run %s was killed: how its models ended is not known", r.RunID), "take it up again: ripen retry")}
		}
		for _, step := range r.Steps {
			results[step.Name] = resultWords[step.Status]
		}
		return results, nil
	}
	return results, nil
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
