package transforms

import (
	"bufio"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/transforms/lineage"
)

// source is a source of a column as the analyzer would find it.
func source(table, column string, how ...lineage.How) lineage.Source {
	return lineage.Source{Table: table, Column: column, Kind: how[0].Kind(), How: how}
}

// lineageFixture is raw_shop.orders -> shop.order (two versions) -> shop.total ->
// a CRM. The stand-in has no resolved trees, so the sources are stated here.
func lineageFixture(t *testing.T) (*Graph, map[*Model]*Compiled) {
	t.Helper()
	project := loadProject(t, map[string]modelText{
		"shop/order_v1": {query: "select id, amount from raw_shop.orders"},
		"shop/order_v2": {query: "select id, amount, ordered_at from raw_shop.orders where payload is not null"},
		"shop/total_v1": {
			query:  "select max(o.id) as id, sum(o.amount) as total from shop.order_v2 as o where o.ordered_at <= @as_of",
			config: "description: Totals.\nkey: [id]\nsync: {object: hubspot.companies, fields: {total: order_total}}\n",
		},
	}, nil)
	e := newStandIn(t).engine("")
	g := graphOf(t, e, project)
	compiled, err := e.Compile(g, project.Models)
	if err != nil {
		t.Fatal(err)
	}
	for name, columns := range map[string][]lineage.Column{
		"shop.order_v1": {
			{Name: "id", Sources: []lineage.Source{source("raw_shop.orders", "id", lineage.Identity)}},
			{Name: "amount", Sources: []lineage.Source{source("raw_shop.orders", "amount", lineage.Identity)}},
		},
		"shop.order": {
			{Name: "id", Sources: []lineage.Source{source("raw_shop.orders", "id", lineage.Identity), source("raw_shop.orders", "payload", lineage.Filter)}},
			{Name: "amount", Sources: []lineage.Source{source("raw_shop.orders", "amount", lineage.Identity), source("raw_shop.orders", "payload", lineage.Filter)}},
			{Name: "ordered_at", Sources: []lineage.Source{source("raw_shop.orders", "ordered_at", lineage.Identity), source("raw_shop.orders", "payload", lineage.Filter)}},
		},
		"shop.total": {
			{Name: "id", Sources: []lineage.Source{source("shop.order_v2", "id", lineage.Aggregation), source("shop.order_v2", "ordered_at", lineage.Filter)}},
			{Name: "total", Sources: []lineage.Source{source("shop.order_v2", "amount", lineage.Aggregation), source("shop.order_v2", "ordered_at", lineage.Filter)}},
		},
	} {
		m, ok := project.Model(name)
		if !ok {
			t.Fatalf("no model %s", name)
		}
		compiled[m].Lineage = columns
	}
	return g, compiled
}

func traceText(t *testing.T, name string, options TraceOptions) string {
	t.Helper()
	g, compiled := lineageFixture(t)
	l := g.Lineage(compiled)
	columns, err := l.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := l.Trace(columns, options).WriteText(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestTrace_FollowsAColumnAsFarAndByWhatIsAsked(t *testing.T) {
	for _, test := range []struct {
		name    string
		column  string
		options TraceOptions
		want    string
	}{
		{"values to both ends", "total.total", TraceOptions{Up: true, Down: true, Kind: lineage.Value}, `
shop.total.total  NUMERIC
  comes from
  └ shop.order.amount (aggregation)
    └ raw_shop.orders.amount
      └ shop:orders.amount
  goes to
  └ hubspot:companies.order_total
`},
		{"everything, two steps", "shop.total_v1.total", TraceOptions{Up: true, Depth: 2}, `
shop.total.total  NUMERIC
  comes from
  ├ shop.order.amount (aggregation)
  │ ├ raw_shop.orders.amount
  │ └ ~ raw_shop.orders.payload (filter)
  └ ~ shop.order.ordered_at (filter)
    ├ raw_shop.orders.ordered_at
    └ ~ raw_shop.orders.payload (filter)
`},
		{"influences only, also behind values", "total.total", TraceOptions{Up: true, Kind: lineage.Influence}, `
shop.total.total  NUMERIC
  comes from
  ├ shop.order.amount (aggregation)
  │ └ ~ raw_shop.orders.payload (filter)
  │   └ shop:orders.payload
  └ ~ shop.order.ordered_at (filter)
    ├ raw_shop.orders.ordered_at
    │ └ shop:orders.ordered_at
    └ ~ raw_shop.orders.payload (filter, see above)
`},
		{"an old version is a table of its own", "shop.order_v1.amount", TraceOptions{Up: true, Down: true, Depth: 1, Kind: lineage.Value}, `
shop.order_v1.amount  NUMERIC
  comes from
  └ raw_shop.orders.amount
  goes to no column
`},
		{"down from a field", "shop:orders.ordered_at", TraceOptions{Down: true, Kind: lineage.Value}, `
shop:orders.ordered_at
  goes to
  └ raw_shop.orders.ordered_at
    └ shop.order.ordered_at
`},
		{"only the other kind", "order.ordered_at", TraceOptions{Down: true, Kind: lineage.Value}, `
shop.order.ordered_at  TIMESTAMP
  goes to no column by value; 2 columns by influence: --kind all
`},
		{"what a load adds has no source", "raw_shop.orders._ripen_load_id", TraceOptions{Up: true, Kind: lineage.Value}, `
raw_shop.orders._ripen_load_id  STRING
  comes from no column
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), traceText(t, test.column, test.options)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTrace_KeepsLinesShortByMovingNotes(t *testing.T) {
	w := &strings.Builder{}
	tree := treeWriter{out: bufio.NewWriter(w)}
	tree.entry("├ ", "│ ", strings.Repeat("a", 65), "transformation")
	tree.entry("└ ", "  ", strings.Repeat("b", 60), "transformation")
	if err := tree.out.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "├ " + strings.Repeat("a", 65) + "\n│     (transformation)\n└ " + strings.Repeat("b", 60) + " (transformation)\n"
	if diff := cmp.Diff(want, w.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// errText is an error with its advice.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error() + "; " + strings.Join(hint.Of(err), "; ")
}

func TestFind_NamesTheSlip(t *testing.T) {
	g, compiled := lineageFixture(t)
	l := g.Lineage(compiled)
	for name, want := range map[string]string{
		"shop.totl":              `named "shop.totl"; did you mean "shop.total"?`,
		"totl.total":             `named "totl"; did you mean "total"?`,
		"shop.totl.total":        `named "shop.totl"; did you mean "shop.total"?`,
		"shop.total.totl":        `shop.total has no column "totl"; did you mean "total"?`,
		"raw_shop.orders.amonut": `raw_shop.orders has no column "amonut"; did you mean "amount"?`,
		"shop:orders.amonut":     `shop:orders has no column "amonut"; did you mean "amount"?`,
	} {
		_, err := l.Find(name)
		if err == nil || !strings.Contains(errText(err), want) {
			t.Errorf("Find(%q) = %v, want %s", name, errText(err), want)
		}
	}
	all, err := l.Find("")
	if err != nil || len(all) != len(l.Columns) {
		t.Errorf("an empty name finds %d columns, %v; want all", len(all), err)
	}
}

func TestTrace_AsJSONHoldsEachColumnAndEdgeOnce(t *testing.T) {
	g, compiled := lineageFixture(t)
	l := g.Lineage(compiled)
	trace := l.Trace(l.Columns, TraceOptions{Up: true, Down: true})
	text, err := json.Marshal(trace)
	if err != nil {
		t.Fatal(err)
	}
	var back Trace
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Columns) != len(l.Columns) {
		t.Errorf("%d columns of %d", len(back.Columns), len(l.Columns))
	}
	edges := 0
	for _, c := range l.Columns {
		edges += len(c.Up)
	}
	if len(back.Edges) != edges {
		t.Errorf("%d edges of %d", len(back.Edges), edges)
	}
}

func TestTrace_AsDOTQuotesNamesAndDashesInfluences(t *testing.T) {
	g, compiled := lineageFixture(t)
	l := g.Lineage(compiled)
	columns, err := l.Find("total.total")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := l.Trace(columns, TraceOptions{Up: true, Depth: 1}).WriteDOT(&text); err != nil {
		t.Fatal(err)
	}
	want := `digraph lineage {
  rankdir=LR;
  node [shape=box, fontname="sans-serif", fontsize=10];
  subgraph "cluster_model shop.order" {
    label="shop.order";
    "model shop.order.amount" [label="amount"];
    "model shop.order.ordered_at" [label="ordered_at"];
  }
  subgraph "cluster_model shop.total" {
    label="shop.total";
    "model shop.total.total" [label="total"];
  }
  "model shop.order.amount" -> "model shop.total.total";
  "model shop.order.ordered_at" -> "model shop.total.total" [style=dashed];
}
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
