package warehousetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

func contracts(t *testing.T, tables ...schemas.Table) []schemas.Table {
	t.Helper()
	letters, ok := schemas.Contract("ripen.dead_letters")
	if !ok {
		t.Fatal("no contract of dead letters")
	}
	return append(tables, letters)
}

func loaderCatchesUp(t *testing.T, engine Engine) {
	w, zone := engine.Open(t), Zone(t)
	a, b := named(items(), "a"), named(items(), "b")
	for range 3 {
		Land(t, zone, Landing{Table: a, Rows: twoItems})
		Land(t, zone, Landing{Source: "other", Table: a, Rows: twoItems})
	}
	Land(t, zone, Landing{Table: b, Rows: `[{"id": "x"}]`, Rejects: []landing.Reject{{Reason: landing.Malformed}}})
	loader := warehouse.NewLoader(w, zone, warehouse.LoaderOptions{Contracts: contracts(t, a, b)})
	loads, err := loader.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, l := range loads {
		order = append(order, l.Source+" "+l.Table+" "+string(rune('0'+l.Sequence)))
	}
	same(t, "loads", strings.Join(order, ", "),
		"other suite.a 1, other suite.a 2, other suite.a 3, src suite.a 1, src suite.a 2, src suite.a 3, src suite.b 1")
	same(t, "rows", Rows(t, w, "SELECT (SELECT count(*) FROM raw_suite.a), (SELECT count(*) FROM raw_suite.b)"), []string{"12|1"})
	loads, err = loader.Run(t.Context())
	if err != nil || len(loads) > 0 {
		t.Errorf("second run: %v, %v", loads, err)
	}
	Land(t, zone, Landing{Table: b, Rows: `[{"id": "y"}]`})
	loads, err = loader.Run(t.Context())
	if err != nil || len(loads) != 1 || loads[0].Sequence != 2 {
		t.Errorf("third run: %v, %v", loads, err)
	}
}

func loaderGoesOn(t *testing.T, engine Engine) {
	w, zone := engine.Open(t), Zone(t)
	a, b := named(items(), "a"), named(items(), "b")
	var runs []warehouse.Run
	for range 4 {
		runs = append(runs, Land(t, zone, Landing{Table: a, Rows: twoItems}))
	}
	Land(t, zone, Landing{Table: b, Rows: twoItems})
	flip(t, runs[2].Files[0])
	loader := warehouse.NewLoader(w, zone, warehouse.LoaderOptions{Contracts: contracts(t, a, b)})
	loads, err := loader.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "suite.a") || !strings.Contains(err.Error(), "run 3") || strings.Contains(err.Error(), "suite.b") {
		t.Errorf("error %v names not the table and the run", err)
	}
	if !slices.ContainsFunc(loads, func(l warehouse.Load) bool { return l.Table == "suite.b" }) {
		t.Errorf("suite.b was not loaded: %v", loads)
	}
	// What comes before the broken run is loaded, what comes behind it waits.
	same(t, "rows", Rows(t, w, "SELECT count(*) FROM raw_suite.a"), []string{"4"})
	flip(t, runs[2].Files[0])
	if loads, err = loader.Run(t.Context()); err != nil || len(loads) != 2 {
		t.Errorf("after the repair: %v, %v", loads, err)
	}
	same(t, "rows", Rows(t, w, "SELECT count(*) FROM raw_suite.a"), []string{"8"})
}
