package schemas

import (
	"strings"
	"testing"
	"testing/fstest"
)

func TestContracts_EveryTableHasEveryForm(t *testing.T) {
	tables, err := ReadContracts(contractFiles)
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) < 15 {
		t.Fatalf("read %d contracts", len(tables))
	}
	for _, table := range tables {
		duck, err := DuckDBCreate(table.RawDataset(), table.Name, table.RawColumns())
		if err != nil {
			t.Errorf("%s: %v", table.ID(), err)
		}
		big, err := BigQueryCreate(table.RawDataset(), table.Name, table.RawColumns())
		if err != nil {
			t.Errorf("%s: %v", table.ID(), err)
		}
		for _, c := range table.RawColumns() {
			if !strings.Contains(duck, `"`+c.Name+`" `) || !strings.Contains(big, "`"+c.Name+"` ") {
				t.Errorf("%s.%s is missing in a DDL", table.ID(), c.Name)
			}
		}
		if got := table.ArrowSchema().NumFields(); got != len(table.Columns)+1 {
			t.Errorf("%s: %d Arrow fields for %d columns", table.ID(), got, len(table.Columns))
		}
		if strings.Contains(big, "JSON") {
			t.Errorf("%s: a Parquet load job cannot fill a JSON column", table.ID())
		}
	}
}

func TestReadContracts_NamesFileAndFault(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"description: d\nkey: [id]\ndrift: evolve\ncolumns:\n  - {name: id, type: strin, description: x}", `unknown type "strin"`},
		{"description: d\nkey: [idd]\ndrift: evolve\ncolumns:\n  - {name: id, type: string, description: x}", "idd is not a column"},
		{"description: d\nkey: [id]\ndrift: maybe\ncolumns:\n  - {name: id, type: string, description: x}", `drift is "maybe"`},
		{"description: d\nkey: [id]\ndrift: evolve\ncolumns:\n  - {name: id, type: string}", "id has no description"},
		{"description: d\nkey: [id]\ndrift: evolve\ncolumns:\n  - {name: id, typ: string, description: x}", "typ"},
		{"description: d\nkey: [id]\ndrift: evolve\ncolumns:\n  - {name: id, type: 'array<string>', description: x}", "cannot be landed"},
	} {
		_, err := ReadContracts(fstest.MapFS{"contracts/a/b.yaml": {Data: []byte(test.text)}})
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "contracts/a/b.yaml") {
			t.Errorf("got %v, want the file and %q", err, test.want)
		}
	}
}

func TestParseType_ReadsWhatStringPrints(t *testing.T) {
	for _, text := range []string{
		"STRING", "ARRAY<INT64>", "STRUCT<a STRING, b ARRAY<STRUCT<k STRING, v FLOAT64>>>", "ARRAY<STRUCT<INT64, x DATE>>",
	} {
		typ, err := ParseType(text)
		if err != nil || typ.String() != text {
			t.Errorf("ParseType(%q) = %s, %v", text, typ, err)
		}
	}
	for _, text := range []string{"", "STRINGS", "ARRAY<INT64", "STRUCT<a INT64", "INT64>", "ARRAY"} {
		if typ, err := ParseType(text); err == nil {
			t.Errorf("ParseType(%q) = %s, want an error", text, typ)
		}
	}
}

func TestContracts_NameTheFieldBehindEveryColumn(t *testing.T) {
	for _, test := range []struct{ table, object, column, fields string }{
		{"stripe.subscriptions", "subscription", "trial_end", "trial_end"},
		{"stripe.subscriptions", "subscription", "customer_id", "customer customer.id"},
		{"stripe.invoices", "invoice", "paid_at", "status_transitions.paid_at"},
		{"hubspot.companies", "companies", "domain", "properties.domain"},
		{"hubspot.owners", "owners", "first_name", "firstName"},
		{"segment.events", "call", "user_id", "userId"},
		{"product.accounts", "accounts", "domain", "domain"}, // no vendor's: the contract's own names
	} {
		table, ok := Contract(test.table)
		if !ok {
			t.Fatalf("no contract %s", test.table)
		}
		column, ok := table.Column(test.column)
		if got := strings.Join(column.SourceFields(), " "); !ok || got != test.fields || table.SourceObject() != test.object {
			t.Errorf("%s.%s comes from %s %s, want %s %s", test.table, test.column, table.SourceObject(), got, test.object, test.fields)
		}
	}
	if got := (Column{Name: "plan_tier"}).SourceFields(); len(got) != 1 || got[0] != "plan_tier" {
		t.Errorf("a column that drift brought comes from %q, want its own name", got)
	}
	for _, c := range LoadColumns() {
		if got := c.SourceFields(); len(got) != 0 {
			t.Errorf("%s comes from %q, but ripen itself adds it", c.Name, got)
		}
	}
}

func TestContracts_OfVendorsNameTheirObject(t *testing.T) {
	for _, table := range Contracts() {
		if (table.Docs != "") != (table.Object != "") {
			t.Errorf("%s: docs %q and object %q: a contract of a vendor has both", table.ID(), table.Docs, table.Object)
		}
	}
}
