package transforms

import (
	"slices"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/internal/hint"
)

// selectorProject is
//
//	raw_shop.orders -> staging.stg_order -> core.dim_day -----> core.fct_order -> report.rpt_sales
//	raw_shop.items  -> staging.stg_item  ----------------------/                 /
//	                                     core.fct_order_v1 (old)  report.rpt_item
func selectorGraph(t *testing.T) *Graph {
	project := loadProject(t, map[string]modelText{
		"staging/stg_order_v1": {query: "select id from raw_shop.orders", config: "description: d\nkey: [id]\ntags: [hourly]\n"},
		"staging/stg_item_v1":  {query: "select id from raw_shop.items"},
		"core/dim_day_v1":      {query: "select id from staging.stg_order"},
		"core/fct_order_v1":    {query: "select id from staging.stg_order"},
		"core/fct_order_v2":    {query: "select id from core.dim_day join staging.stg_item", config: "description: d\nkey: [id]\ntags: [hourly, money]\n"},
		"report/rpt_sales_v1":  {query: "select id from core.fct_order", config: "description: d\nkey: [id]\ntags: [money]\n"},
		"report/rpt_item_v1":   {query: "select id from staging.stg_item"},
	}, nil)
	return graphOf(t, newStandIn(t).engine(""), project)
}

func TestSelect_FollowsTheGrammar(t *testing.T) {
	g := selectorGraph(t)
	const all = "core.dim_day core.fct_order core.fct_order_v1 report.rpt_item report.rpt_sales staging.stg_item staging.stg_order"
	for _, test := range []struct{ selectors, exclude, want string }{
		{"", "", all},
		{"*", "", all},
		// names
		{"rpt_sales", "", "report.rpt_sales"},
		{"report.rpt_sales", "", "report.rpt_sales"},
		{"fqn:rpt_sales", "", "report.rpt_sales"},
		{"rpt_sales_v1", "", "report.rpt_sales"},
		{"fct_order", "", "core.fct_order core.fct_order_v1"},
		{"core.fct_order", "", "core.fct_order core.fct_order_v1"},
		{"fct_order_v1", "", "core.fct_order_v1"},
		{"fct_order.v2", "", "core.fct_order"},
		{"core.fct_order_v2", "", "core.fct_order"},
		// datasets and wildcards
		{"staging", "", "staging.stg_item staging.stg_order"},
		{"staging.*", "", "staging.stg_item staging.stg_order"},
		{"*.stg_*", "", "staging.stg_item staging.stg_order"},
		{"stg_*", "", "staging.stg_item staging.stg_order"},
		{"rpt_?ales", "", "report.rpt_sales"},
		{"rpt_[a-i]*", "", "report.rpt_item"},
		{"rpt_[!a-i]*", "", "report.rpt_sales"},
		// the graph
		{"+core.dim_day", "", "core.dim_day staging.stg_order"},
		{"dim_day+", "", "core.dim_day core.fct_order report.rpt_sales"},
		{"1+rpt_sales", "", "core.fct_order report.rpt_sales"},
		{"2+rpt_sales", "", "core.dim_day core.fct_order report.rpt_sales staging.stg_item"},
		{"0+rpt_sales", "", "report.rpt_sales"},
		{"stg_order+1", "", "core.dim_day core.fct_order_v1 staging.stg_order"},
		{"1+dim_day+1", "", "core.dim_day core.fct_order staging.stg_order"},
		{"+dim_day+", "", "core.dim_day core.fct_order report.rpt_sales staging.stg_order"},
		{"2+fct_order_v2+1", "", "core.dim_day core.fct_order report.rpt_sales staging.stg_item staging.stg_order"},
		{"@dim_day", "", "core.dim_day core.fct_order report.rpt_sales staging.stg_item staging.stg_order"},
		{"@stg_item", "", "core.dim_day core.fct_order report.rpt_item report.rpt_sales staging.stg_item staging.stg_order"},
		// methods
		{"tag:money", "", "core.fct_order report.rpt_sales"},
		{"tag:h*", "", "core.fct_order staging.stg_order"},
		{"+tag:money", "rpt_*", "core.dim_day core.fct_order staging.stg_item staging.stg_order"},
		{"path:sql/report", "", "report.rpt_item report.rpt_sales"},
		{"path:sql/report/", "", "report.rpt_item report.rpt_sales"},
		{"path:./sql/report/rpt_item_v1/query.sql", "", "report.rpt_item"},
		{"path:sql/*/rpt_i*", "", "report.rpt_item"},
		{"sql/report", "", "report.rpt_item report.rpt_sales"},
		{"sql/staging/stg_item_v1/query.sql", "", "staging.stg_item"},
		{"file:query.sql", "", all},
		{"query.sql", "", all},
		{"source:raw_shop.items+", "", "core.fct_order report.rpt_item report.rpt_sales staging.stg_item"},
		{"source:raw_shop.items+1", "", "staging.stg_item"},
		{"source:raw_shop.items+2", "", "core.fct_order report.rpt_item staging.stg_item"},
		{"source:raw_shop+1", "", "staging.stg_item staging.stg_order"},
		{"source:*.ord*+1", "", "staging.stg_order"},
		{"@source:raw_shop.items", "", "core.dim_day core.fct_order report.rpt_item report.rpt_sales staging.stg_item staging.stg_order"},
		// sets
		{"rpt_item dim_day", "", "core.dim_day report.rpt_item"},
		{"tag:hourly,tag:money", "", "core.fct_order"},
		{"tag:hourly,core.* rpt_item", "", "core.fct_order report.rpt_item"},
		{"+rpt_sales,staging.*", "", "staging.stg_item staging.stg_order"},
		{"rpt_item|dim_day", "", "core.dim_day report.rpt_item"}, // | stands for two --select
		{"", "staging.* core.*", "report.rpt_item report.rpt_sales"},
		{"", "staging.*|core.*", "report.rpt_item report.rpt_sales"},
		{"+rpt_sales", "tag:hourly,staging.*", "core.dim_day core.fct_order report.rpt_sales staging.stg_item"},
	} {
		models, err := g.Select(list(test.selectors), list(test.exclude))
		if err != nil {
			t.Errorf("--select %q --exclude %q: %v", test.selectors, test.exclude, err)
			continue
		}
		if got := sorted(names(models)); got != test.want {
			t.Errorf("--select %q --exclude %q\n got %s\nwant %s", test.selectors, test.exclude, got, test.want)
		}
	}
}

func TestSelect_ReturnsParentsFirst(t *testing.T) {
	models, err := selectorGraph(t).Select([]string{"rpt_sales dim_day staging.*"}, nil)
	if err != nil || names(models) != "staging.stg_item staging.stg_order core.dim_day report.rpt_sales" {
		t.Errorf("got %s, %v", names(models), err)
	}
}

func TestSelect_RefusesWhatSelectsNothingOrCannotBeMeant(t *testing.T) {
	g := selectorGraph(t)
	for _, test := range []struct{ selectors, exclude, want, advice string }{
		{"rpt_slaes", "", `"rpt_slaes" matches nothing`, `did you mean "rpt_sales"?`},
		{"stagin.*", "", "matches nothing", "staging"},
		{"tag:mony", "", `"tag:mony" matches nothing`, `did you mean "money"?`},
		{"path:sql/reprot", "", "matches nothing", `did you mean "sql/report"?`},
		{"path:staging", "", "matches nothing", "sql/staging"},
		{"source:raw_shp+", "", "matches nothing", `did you mean "raw_shop"?`},
		{"source:raw_shop.items", "", "raw tables, which are not built", "source:raw_shop.items+"},
		{"source:raw_shop.items+0", "", "no model reads it", ""},
		{"rpt_item,dim_day", "", `no model matches all of "rpt_item,dim_day"`, "a comma means and"},
		{"rpt_item nothing", "", `"nothing" matches nothing`, ""},
		{"rpt_item,nothing", "", `"nothing" matches nothing`, ""},
		{"rpt_item,", "", "names no model", ""},
		{"", "nothing", `"nothing" matches nothing`, ""},
		{"rpt_item", "report", "leaves nothing", ""},
		{" ", "", "the selector is empty", "leave --select out"},
		{"+", "", `"+" names no model`, ""},
		{"@", "", `"@" names no model`, ""},
		{"tag:", "", `"tag:" names no model`, ""},
		{"@dim_day+", "", "combines @ with +", "@dim_day already takes"},
		{"@+dim_day", "", "combines @ with +", ""},
		{"state:modified+", "", "nothing is deployed here", "select by name"},
		{"result:error", "", "there is no run here", ""},
		{"tgs:money", "", `unknown method "tgs"`, `did you mean "tag"?`},
		{"99999999999999999999+dim_day", "", "out of range", ""},
		{"rpt_[", "", "matches nothing", ""},
	} {
		models, err := g.Select(list(test.selectors), list(test.exclude))
		if err == nil {
			t.Errorf("--select %q selected %s", test.selectors, names(models))
			continue
		}
		if !strings.Contains(err.Error(), test.want) {
			t.Errorf("--select %q: error is %v, want %q", test.selectors, err, test.want)
		}
		if advice := strings.Join(hint.Of(err), " "); !strings.Contains(advice, test.advice) {
			t.Errorf("--select %q: advice is %q, want %q", test.selectors, advice, test.advice)
		}
	}
}

func list(flags string) []string {
	if flags == "" {
		return nil
	}
	return strings.Split(flags, "|")
}

func sorted(text string) string {
	words := strings.Fields(text)
	slices.Sort(words)
	return strings.Join(words, " ")
}
