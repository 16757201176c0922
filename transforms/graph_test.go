package transforms

import (
	"errors"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/transforms/syntax"
)

func TestGraph_OrdersParentsFirstThenByName(t *testing.T) {
	project := loadProject(t, map[string]modelText{
		"a/last_v1":      {query: "select id from b.middle join staging.two"},
		"b/middle_v1":    {query: "select id from staging.one join staging.two_v1"},
		"staging/one_v1": {query: "select id from raw_shop.orders"},
		"staging/two_v1": {query: "select id from raw_shop.items join raw_shop.orders"},
	}, nil)
	g := graphOf(t, newStandIn(t).engine(""), project)
	if got := names(g.Order); got != "staging.one staging.two b.middle a.last" {
		t.Errorf("order is %s", got)
	}
	last, _ := project.Model("a.last")
	two, _ := project.Model("staging.two")
	if got := names(g.Parents(last)); got != "staging.two b.middle" {
		t.Errorf("parents are %s", got)
	}
	if got := names(g.Children(two)); got != "b.middle a.last" {
		t.Errorf("children are %s", got)
	}
	if got := strings.Join(g.RawTables(two), " "); got != "raw_shop.items raw_shop.orders" {
		t.Errorf("raw tables are %s", got)
	}
}

func TestGraph_UnknownTableIsNamedWithItsPlaceAndALikelyName(t *testing.T) {
	for query, want := range map[string]string{
		"select id\nfrom staging.ordres":    `query.sql:3:6: unknown table staging.ordres; did you mean "staging.orders"?`,
		"select id\nfrom raw_shop.order":    `query.sql:3:6: unknown table raw_shop.order; did you mean "raw_shop.orders"?`,
		"select id\nfrom staging.off":       `unknown table staging.off; it is switched off by ` + "`enabled: false`" + ` in sql/staging/off_v1/model.yaml`,
		"select id\nfrom staging.orders_v2": `unknown table staging.orders_v2; did you mean "staging.orders_v1"?`,
	} {
		project := loadProject(t, map[string]modelText{
			"core/a_v1":         {query: query},
			"staging/orders_v1": {query: "select id from raw_shop.orders"},
			"staging/off_v1":    {config: "enabled: false"},
		}, nil)
		_, err := newStandIn(t).engine("").Graph(project)
		wantError(t, err, want)
	}
}

func TestGraph_TableWithoutDatasetIsExplained(t *testing.T) {
	project := loadProject(t, map[string]modelText{
		"core/a_v1":       {query: "select id from lost"},
		"staging/lost_v1": {query: "select id from raw_shop.orders"},
	}, nil)
	_, err := newStandIn(t).engine("").Graph(project)
	wantError(t, err, "unknown table lost; tables are named with their dataset: staging.lost")
}

func TestGraph_NamesEveryCycleOnceAndLeavesTheRest(t *testing.T) {
	project := loadProject(t, map[string]modelText{
		"core/a_v1":    {query: "select id from core.b"},
		"core/b_v1":    {query: "select id from core.free join core.c"},
		"core/c_v1":    {query: "select id from core.a"},
		"core/self_v1": {query: "select id\nfrom core.self"},
		"core/free_v1": {query: "select 1 as id"},
		"core/leaf_v1": {query: "select id from core.a"},
	}, nil)
	g, err := newStandIn(t).engine("").Graph(project)
	wantError(t, err,
		"sql/core/a_v1/query.sql:2:16: models read each other in a circle: core.a -> core.b -> core.c -> core.a",
		"sql/core/self_v1/query.sql:3:6: models read each other in a circle: core.self -> core.self")
	if n := strings.Count(err.Error(), "circle"); n != 2 {
		t.Errorf("%d cycles in\n%v", n, err)
	}
	if got := names(g.Order); got != "core.free" {
		t.Errorf("order is %s", got)
	}
}

func TestGraph_CollectsAllFaultsAndKeepsTheModelsWithoutOne(t *testing.T) {
	project := loadProject(t, map[string]modelText{
		"core/a_v1":     {query: "selct id"},
		"core/b_v1":     {query: "select id from core.nothing join core.nowhere join core.nothing"},
		"core/child_v1": {query: "select id from core.a"},
		"core/good_v1":  {query: "select id from raw_shop.items"},
	}, nil)
	g, err := newStandIn(t).engine("").Graph(project)
	wantError(t, err, "a_v1/query.sql:2:1", "core.nothing", "core.nowhere")
	if n := len(strings.Split(err.Error(), "\n")); n != 3 {
		t.Errorf("%d faults in\n%v", n, err)
	}
	var diagnostic *syntax.Diagnostic
	if !errors.As(err, &diagnostic) || diagnostic.Line != 2 {
		t.Errorf("the first fault is no Diagnostic: %v", err)
	}
	if got := names(g.Order); got != "core.good" {
		t.Errorf("order is %s", got)
	}
}
