package transformstest

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"strings"
	"testing/fstest"
)

// Generate makes the sql folder of a project of so many models: a third reads raw
// Stripe invoices, a third joins two of those, and a third aggregates the joined ones.
// Each has some 40 lines in steps, as people write them.
func Generate(models int) fs.FS {
	files := fstest.MapFS{}
	layer := (models + 2) / 3
	for i := range models {
		name, query := fmt.Sprintf("gen/stg_%04d_v1", i), stagingQuery(i)
		switch j := i % layer; {
		case i >= 2*layer:
			name, query = fmt.Sprintf("gen/agg_%04d_v1", i), aggregateQuery(layer+j)
		case i >= layer:
			name, query = fmt.Sprintf("gen/fct_%04d_v1", i), factQuery(j, (j+1)%layer)
		}
		files[name+"/query.sql"] = &fstest.MapFile{Data: []byte(query)}
		files[name+"/model.yaml"] = &fstest.MapFile{Data: []byte("description: Generated.\nkey: [invoice_id]\n")}
	}
	return files
}

// GenerateCases is Generate with so many unit cases beside every model: invoices of
// some months, of which the model's own rows are wanted by their keys.
func GenerateCases(models, cases int) fs.FS {
	files := Generate(models).(fstest.MapFS)
	for name := range maps.Clone(files) {
		folder, ok := strings.CutSuffix(name, "/query.sql")
		if !ok {
			continue
		}
		var text strings.Builder
		text.WriteString("-- as_of --\n2026-06-01T00:00:00Z\n")
		for i := range cases {
			for _, input := range caseInputs(string(files[name].Data)) {
				fmt.Fprintf(&text, "-- case%d/%s.csv --\n%s", i, input, caseRows(input, i))
			}
			fmt.Fprintf(&text, "-- case%d/want.csv --\ninvoice_id\n", i)
			for n := range 5 {
				fmt.Fprintf(&text, "in_%d_%d\n", i, n)
			}
		}
		files[folder+"/cases.txtar"] = &fstest.MapFile{Data: []byte(text.String())}
	}
	return files
}

var readTable = regexp.MustCompile(`select \* from ([a-z_]+\.[a-z_0-9]+)`)

// caseInputs are the tables that a generated query reads.
func caseInputs(query string) []string {
	var inputs []string
	for _, m := range readTable.FindAllStringSubmatch(query, -1) {
		inputs = append(inputs, m[1])
	}
	return inputs
}

// caseRows are five invoices, as a generated model reads them.
func caseRows(table string, number int) string {
	header := "id,customer_id,currency,status,amount_paid,amount_due,created"
	row := "in_%d_%d,cus_%d,USD,paid,%d,20000,2026-0%d-03T10:00:00Z"
	switch {
	case strings.HasPrefix(table, "gen.stg_"):
		header = "invoice_id,customer_id,created_on,month_on,paid_amount,due_amount,size_code,is_settled,invoice_number"
		row = "in_%d_%d,cus_%d,2026-02-03,2026-02-01,%d,200,small,true,%d"
	case strings.HasPrefix(table, "gen.fct_"):
		header = "invoice_id,customer_id,month_on,paid_amount,size_code,change_amount"
		row = "in_%d_%d,cus_%d,2026-02-01,%d,large,%d"
	}
	text := header + "\n"
	for n := range 5 {
		text += fmt.Sprintf(row, number, n, n, 1000*(n+1), n+1) + "\n"
	}
	return text
}

func stagingQuery(i int) string {
	return fmt.Sprintf(`-- One row per invoice.
-- Variant %d.
with

invoices as (
    select * from raw_stripe.invoices
),

typed as (
    select
        invoices.id as invoice_id,
        invoices.customer_id,
        invoices.subscription_id,
        lower(invoices.currency) as currency_code,
        invoices.status as invoice_status,
        cast(invoices.amount_paid as numeric) / 100 as paid_amount,
        cast(invoices.amount_due as numeric) / 100 as due_amount,
        invoices.created as created_at,
        date(invoices.created) as created_on,
        date_trunc(date(invoices.created), month) as month_on
    from invoices
    where invoices.created <= @as_of
),

marked as (
    select
        typed.*,
        typed.paid_amount >= typed.due_amount as is_settled,
        case
            when typed.paid_amount > %d then 'large'
            when typed.paid_amount > 0 then 'small'
            else 'none'
        end as size_code,
        row_number() over (partition by typed.customer_id order by typed.created_at, typed.invoice_id) as invoice_number
    from typed
),

final as (
    select * from marked
)

select * from final
`, i, 100+i)
}

func factQuery(left, right int) string {
	return fmt.Sprintf(`-- One row per invoice.
with

paid as (
    select * from gen.stg_%04d
),

others as (
    select * from gen.stg_%04d
),

joined as (
    select
        paid.invoice_id,
        paid.customer_id,
        paid.month_on,
        paid.paid_amount,
        paid.size_code,
        paid.is_settled,
        others.due_amount as other_due_amount,
        coalesce(others.invoice_number, 0) as other_number,
        safe_divide(paid.paid_amount, others.due_amount) as paid_ratio
    from paid
    left join others
        on paid.invoice_id = others.invoice_id
        and others.created_on >= date_sub(paid.created_on, interval 30 day)
),

ranked as (
    select
        joined.*,
        lag(joined.paid_amount) over (partition by joined.customer_id order by joined.month_on, joined.invoice_id) as previous_amount
    from joined
    where joined.is_settled or joined.paid_ratio is not null
),

final as (
    select ranked.*, ranked.paid_amount - coalesce(ranked.previous_amount, 0) as change_amount
    from ranked
)

select * from final
`, left, right)
}

func aggregateQuery(fact int) string {
	return fmt.Sprintf(`-- One row per invoice, customer by customer.
with

facts as (
    select * from gen.fct_%04d
),

months as (
    select
        facts.customer_id,
        facts.month_on,
        count(*) as invoice_count,
        countif(facts.size_code = 'large') as large_count,
        sum(facts.paid_amount) as paid_amount,
        max(facts.change_amount) as largest_change_amount,
        min(facts.invoice_id) as invoice_id
    from facts
    group by facts.customer_id, facts.month_on
),

shares as (
    select
        months.*,
        safe_divide(months.paid_amount, sum(months.paid_amount) over (partition by months.month_on)) as paid_share
    from months
),

final as (
    select
        shares.invoice_id,
        shares.customer_id,
        shares.month_on,
        shares.invoice_count,
        shares.large_count,
        shares.paid_amount,
        shares.largest_change_amount,
        round(shares.paid_share, 4) as paid_share
    from shares
    where shares.invoice_count > 0
)

select * from final
`, fact)
}
