package sql_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/sql"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/transformstest"
)

// TestModels analyses the shipped models once and then looks at them from all sides.
func TestModels(t *testing.T) {
	project, err := transforms.Load(sql.Models, nil)
	if err != nil {
		t.Fatal(err)
	}
	engine := transformstest.Engine("")
	graph, err := engine.Graph(project)
	if err != nil {
		t.Errorf("order:\n%v", err)
	}
	byModel, err := engine.Compile(graph, graph.Order)
	if err != nil {
		t.Errorf("compile:\n%v", err)
	}
	if len(byModel) != len(project.Models) || len(project.Models) < 30 {
		t.Errorf("%d of %d models compile", len(byModel), len(project.Models))
	}
	var compiled []*transforms.Compiled
	for _, m := range graph.Order {
		if byModel[m] != nil {
			compiled = append(compiled, byModel[m])
		}
	}
	t.Run("EveryColumnIsDescribed", func(t *testing.T) { everyColumnIsDescribed(t, compiled) })
	t.Run("EveryModelHasCasesAndTheyPass", func(t *testing.T) { everyModelHasCasesAndTheyPass(t, engine, compiled) })
	t.Run("AllBuildWithoutAnyData", func(t *testing.T) { allBuildWithoutAnyData(t, graph, byModel) })
}

func everyColumnIsDescribed(t *testing.T, models []*transforms.Compiled) {
	for _, c := range models {
		var missing []string
		for _, column := range c.Columns {
			if strings.TrimSpace(column.Description) == "" {
				missing = append(missing, column.Name)
			}
		}
		if len(missing) > 0 {
			t.Errorf("%s: columns without a description: %s", c.Model.Config.Name, strings.Join(missing, ", "))
		}
	}
}

func everyModelHasCasesAndTheyPass(t *testing.T, engine *transforms.Engine, models []*transforms.Compiled) {
	results, err := engine.RunCases(t.Context(), models, transforms.CaseOptions{Workers: 2, Open: transformstest.OpenCases(t.Context()), Clock: time.Now})
	if err != nil {
		t.Errorf("cases:\n%v", err)
	}
	without := map[string]bool{}
	for _, c := range models {
		without[c.Model.String()] = true
	}
	for _, r := range results {
		delete(without, r.Model)
		if r.Err != nil {
			t.Errorf("%s:%d: case %q: %v", r.File, r.Line, r.Case, r.Err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(without)) {
		t.Errorf("%s has no case that ran", name)
	}
}

// allBuildWithoutAnyData: raw tables always exist, maybe empty, so the models of
// sources that a company has not must build all the same.
func allBuildWithoutAnyData(t *testing.T, graph *transforms.Graph, compiled map[*transforms.Model]*transforms.Compiled) {
	db := transformstest.MustMemory(t)
	if err := db.Prepare(t.Context(), schemas.Contracts()); err != nil {
		t.Fatal(err)
	}
	var models []*transforms.Model
	for _, m := range graph.Order {
		if compiled[m] != nil {
			models = append(models, m)
		}
	}
	builder := transforms.NewBuilder(graph, compiled, models, db, transforms.Options{
		AsOf: time.Date(2026, 6, 30, 0, 0, 0, 0, time.UTC), Release: "test", Raw: transforms.NewRawTables(nil), Clock: time.Now,
	})
	for _, unchanged := range []bool{false, true} {
		results, err := builder.BuildAll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Unchanged != unchanged {
				t.Errorf("%s: unchanged is %v", r.Model, r.Unchanged)
			}
		}
	}
}
