package transformstest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// project is two models in GoogleSQL that DuckDB does not run as it stands.
func project(t *testing.T, changes ...string) *transforms.Project {
	t.Helper()
	files := map[string]string{
		"staging/stg_invoice_v1/query.sql": `-- One row per invoice, as it was last seen.
with

versions as (
    select *
    from ` + "`raw_stripe.invoices`" + `
    where true
    qualify row_number() over (partition by id order by _ripen_loaded_at desc) = 1
),

final as (
    select
        id as invoice_id,
        customer_id,
        amount_paid as paid_minor,
        _ripen_loaded_at <= @as_of as is_known, # a comment of the other kind
    from versions
)

select * from final
`,
		"staging/stg_invoice_v1/model.yaml": "description: Invoices.\nkey: [invoice_id]\ncolumns:\n  paid_minor: What was paid, in cents.\n",
		"staging/stg_invoice_v1/cases.txtar": `The newest version wins.
-- as_of --
2026-02-01T00:00:00Z
-- twice/raw_stripe.invoices.csv --
id,customer_id,amount_paid,_ripen_loaded_at
in_1,cus_1,100,2026-01-01T00:00:00Z
in_1,cus_1,250,2026-01-02T00:00:00Z
in_2,cus_2,,2026-03-01T00:00:00Z
-- twice/want.csv --
invoice_id,paid_minor,is_known
in_2,NULL,false
in_1,250,true
`,
		"core/fct_customer_v1/query.sql": `-- One row per customer with an invoice.
select
    customer_id,
    safe_divide(sum(paid_minor), countif(is_known)) as mean_minor,
    array_agg(struct(invoice_id as id, paid_minor as paid) order by invoice_id limit 2) as invoices,
from staging.stg_invoice
group by customer_id
`,
		"core/fct_customer_v1/model.yaml": "description: Customers.\nkey: [customer_id]\n",
		"core/fct_customer_v1/cases.txtar": `-- staging.stg_invoice.csv --
invoice_id,customer_id,paid_minor,is_known
a,c1,1,true
b,c1,1,true
c,c1,8,true
d,c2,1,false
-- want.csv --
customer_id,mean_minor,invoices
c1,3.3333333333,"[{""id"": ""a"", ""paid"": 1}, {""id"": ""b"", ""paid"": 1}]"
c2,NULL,"[{""id"": ""d"", ""paid"": 1}]"
`,
	}
	for i := 0; i < len(changes); i += 2 {
		files[changes[i]] = changes[i+1]
	}
	models := fstest.MapFS{}
	for name, text := range files {
		models[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := transforms.Load(models, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func compile(t *testing.T, e *transforms.Engine, p *transforms.Project) (*transforms.Graph, map[*transforms.Model]*transforms.Compiled) {
	t.Helper()
	g, err := e.Graph(p)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := e.Compile(g, g.Order)
	if err != nil {
		t.Fatal(err)
	}
	return g, compiled
}

func TestProject_CompilesPassesItsCasesAndBuilds(t *testing.T) {
	engine := Engine("")
	g, compiled := compile(t, engine, project(t))
	var list []*transforms.Compiled
	for _, m := range g.Order {
		list = append(list, compiled[m])
	}
	results, err := engine.RunCases(t.Context(), list, transforms.CaseOptions{Workers: 1, Open: OpenCases(t.Context()), Clock: time.Now})
	if err != nil || len(results) != 2 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for _, r := range results {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}

	db := MustMemory(t)
	if err := db.Prepare(t.Context(), schemas.Contracts()); err != nil {
		t.Fatal(err)
	}
	b := transforms.NewBuilder(g, compiled, g.Order, db, transforms.Options{
		AsOf: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Release: "test", Raw: transforms.NewRawTables(nil), Clock: time.Now,
	})
	for _, unchanged := range []bool{false, true} {
		built, err := b.BuildAll(t.Context())
		if err != nil || len(built) != 2 || built[0].Unchanged != unchanged || built[1].Unchanged != unchanged {
			t.Fatalf("built %+v, %v", built, err)
		}
	}
}

func TestProject_SecondStartNeedsNoAnalyzer(t *testing.T) {
	dir := t.TempDir()
	_, first := compile(t, Engine(dir), project(t))
	closed := func() (transforms.Analyzer, error) { return nil, errors.New("the analyzer was asked for") }
	_, again := compile(t, transforms.NewEngine(closed, Compile, "test", dir), project(t))
	text := func(compiled map[*transforms.Model]*transforms.Compiled) string {
		lines := make([]string, 0, len(compiled))
		for _, name := range []string{"core.fct_customer", "staging.stg_invoice"} {
			for m, c := range compiled {
				if m.String() == name {
					lines = append(lines, fmt.Sprint(c.SQL, c.Columns, c.Params))
				}
			}
		}
		return strings.Join(lines, "\n")
	}
	if text(first) != text(again) || len(again) != 2 {
		t.Errorf("first\n%s\nagain\n%s", text(first), text(again))
	}
}

func TestProject_FaultsAreAtTheirPlaces(t *testing.T) {
	p := project(t,
		"core/bad_column_v1/query.sql", "-- One row per customer.\nselect\n\tcustomer_id,\n\tpaid_mniro\nfrom staging.stg_invoice",
		"core/bad_column_v1/model.yaml", "description: d\nkey: [customer_id]\n",
		"core/bad_syntax_v1/query.sql", "-- One row per customer.\nselect customer_id\nfrm staging.stg_invoice",
		"core/bad_syntax_v1/model.yaml", "description: d\nkey: [customer_id]\n",
		"core/bad_table_v1/query.sql", "-- One row per customer.\nselect customer_id\nfrom staging.stg_invocie",
		"core/bad_table_v1/model.yaml", "description: d\nkey: [customer_id]\n",
		"core/below_v1/query.sql", "-- One row per customer.\nselect customer_id\nfrom core.bad_column",
		"core/below_v1/model.yaml", "description: d\nkey: [customer_id]\n",
	)
	e := Engine("")
	g, err := e.Graph(p)
	faults := flatten(err)
	_, err = e.Compile(g, g.Order)
	faults = append(faults, flatten(err)...)
	want := []string{
		"sql/core/bad_syntax_v1/query.sql:3:",
		"sql/core/bad_table_v1/query.sql:3:6: unknown table staging.stg_invocie; did you mean \"staging.stg_invoice\"?",
		"sql/core/bad_column_v1/query.sql:4:2: ",
	}
	if len(faults) != len(want) {
		t.Fatalf("faults are\n%v", faults)
	}
	for i, fault := range faults {
		var diagnostic *syntax.Diagnostic
		if !errors.As(fault, &diagnostic) || !strings.HasPrefix(fault.Error(), want[i]) {
			t.Errorf("fault %d is %v, want %s", i, fault, want[i])
		}
	}
}

func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, flatten(e)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}
