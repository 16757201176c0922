package files

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

func clock() time.Time { return time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC) }

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func mappings(t *testing.T, text string) []Mapping {
	t.Helper()
	var list []Mapping
	if err := yaml.UnmarshalWithOptions([]byte(text), &list, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return list
}

// got is what an extraction of one table yielded.
type got struct {
	rows    []map[string]string // values as text; NULL is left out
	rejects []landing.Reject
	extra   map[string]int64
	cursor  landing.Cursor
	batches int
	landed  int // rows up to the last cursor
	err     error
}

func extract(t *testing.T, e *Extractor, table string, after landing.Cursor) got {
	t.Helper()
	for _, contract := range e.Tables() {
		if contract.ID() == table {
			return extractTable(t, e, contract, after)
		}
	}
	t.Fatalf("the source has no table %s", table)
	return got{}
}

func extractTable(t *testing.T, e *Extractor, table schemas.Table, after landing.Cursor) got {
	g := got{cursor: after, extra: map[string]int64{}}
	for b, err := range e.Extract(t.Context(), table, after) {
		if err != nil {
			g.err = err
			continue
		}
		g.batches++
		if b.Rows != nil {
			g.rows = append(g.rows, textRows(b.Rows)...)
			b.Rows.Release()
		}
		g.rejects = append(g.rejects, b.Rejects...)
		for name, n := range b.Extra {
			g.extra[name] += n
		}
		if b.Cursor != "" {
			g.cursor, g.landed = b.Cursor, len(g.rows)
		}
	}
	return g
}

func textRows(record arrow.Record) []map[string]string {
	var rows []map[string]string
	for r := range int(record.NumRows()) {
		row := map[string]string{}
		for c, field := range record.Schema().Fields() {
			if !record.Column(c).IsNull(r) {
				row[field.Name] = record.Column(c).ValueStr(r)
			}
		}
		rows = append(rows, row)
	}
	return rows
}

func newExtractor(t *testing.T, dir, text string) *Extractor {
	t.Helper()
	e, err := New(Config{Dir: dir, Mappings: mappings(t, text), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

const subscriptionsCSV = "subscription_id,account_id,start_date,end_date,plan_tier,seats,mrr_amount,is_trial,billing_frequency,note\n" +
	"S-1,A-1,2023-12-23,2024-04-12,Enterprise,14,2786,False,monthly,\n" +
	"S-2,A-2,2024-11-25,,Pro,62,0.50,True,annual,\"two\nlines, \"\"quoted\"\"\"\n"

const subscriptionsMapping = `
- path: subscriptions.csv
  table: billing.subscriptions
  columns:
    product_account_id: account_id
    plan_code: plan_tier
    seat_count: {from: seats}
    started_at: start_date
    ended_at: end_date
    currency_code: {value: usd}
    customer_id: {concat: [account_id, plan_tier], separator: "/"}
    billing_interval: {from: billing_frequency, map: {monthly: month, annual: year}}
    status: {from: is_trial, map: {true: trialing}, else: ""}
`

func TestExtract_MapsCSV(t *testing.T) {
	want := []map[string]string{
		{"subscription_id": "S-1", "product_account_id": "A-1", "customer_id": "A-1/Enterprise", "is_trial": "false", "plan_code": "Enterprise",
			"seat_count": "14", "mrr_amount": "2786", "currency_code": "usd", "billing_interval": "month",
			"started_at": "2023-12-23 00:00:00Z", "ended_at": "2024-04-12 00:00:00Z"},
		{"subscription_id": "S-2", "product_account_id": "A-2", "customer_id": "A-2/Pro", "is_trial": "true", "plan_code": "Pro", "status": "trialing",
			"seat_count": "62", "mrr_amount": "0.5", "currency_code": "usd", "billing_interval": "year",
			"started_at": "2024-11-25 00:00:00Z", "_extra": `{"note":"two\nlines, \"quoted\""}`},
	}
	for name, text := range map[string]string{
		"plain":     subscriptionsCSV,
		"BOM":       "\ufeff" + subscriptionsCSV,
		"CRLF":      strings.ReplaceAll(strings.ReplaceAll(subscriptionsCSV, "\n", "\r\n"), "two\r\n", "two\n"),
		"no end":    strings.TrimSuffix(subscriptionsCSV, "\n"),
		"gzip":      zip(t, subscriptionsCSV),
		"semicolon": strings.NewReplacer(",", ";", "lines,", "lines,").Replace(subscriptionsCSV),
	} {
		t.Run(name, func(t *testing.T) {
			dir, mapping := t.TempDir(), subscriptionsMapping
			if name == "semicolon" {
				mapping += "  delimiter: ;\n"
			}
			write(t, dir, "subscriptions.csv", text)
			g := extract(t, newExtractor(t, dir, mapping), "billing.subscriptions", "")
			if diff := cmp.Diff(want, g.rows); diff != "" || g.err != nil || len(g.rejects) > 0 || g.landed != 2 {
				t.Errorf("rows (-want +got):\n%s\nrejects %v, landed %d, error %v", diff, g.rejects, g.landed, g.err)
			}
			if g.extra["note"] != 2 || len(g.extra) != 1 {
				t.Errorf("unknown columns: %v", g.extra)
			}
			if again := extract(t, newExtractor(t, dir, mapping), "billing.subscriptions", g.cursor); again.batches > 0 || again.err != nil {
				t.Errorf("a run with nothing new: %+v", again)
			}
		})
	}
}

func zip(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestExtract_FillsSeveralContractsFromOneFile(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "accounts.csv", "account_id,account_name,seats,signup_date,kind\nA-1,One,3,2024-01-02,live\nA-2,Two,5,2024-01-03,test\nA-3,Three,,2024-01-04,live\n")
	e := newExtractor(t, dir, `
- path: accounts.csv
  table: product.accounts
  columns: {product_account_id: account_id, seat_count: seats, created_at: signup_date}
  where: {kind: live}
- path: ./accounts.csv
  table: billing.customers
  columns: {customer_id: account_id, name: account_name}
  where: {kind: [live, test]}
`)
	accounts := extract(t, e, "product.accounts", "")
	customers := extract(t, e, "billing.customers", "")
	if len(accounts.rows) != 2 || accounts.rows[1]["product_account_id"] != "A-3" || accounts.rows[0]["seat_count"] != "3" || accounts.err != nil {
		t.Errorf("accounts: %+v", accounts)
	}
	if len(customers.rows) != 3 || customers.rows[1]["name"] != "Two" || customers.err != nil {
		t.Errorf("customers: %+v", customers)
	}
	if len(accounts.extra)+len(customers.extra) > 0 {
		t.Errorf("columns that another mapping of the file uses are unknown: %v, %v", accounts.extra, customers.extra)
	}
}

func TestExtract_HashesRepeatedIdsOfDifferentRowsApart(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "usage.csv", "usage_id,day,feature\nU-1,2024-01-01,a\nU-1,2024-01-02,a\nU-1,2024-01-01,a\n")
	e := newExtractor(t, dir, `
- path: usage.csv
  table: product.events
  columns:
    event_id: {hash: [usage_id, day]}
    event_at: day
    event_name: feature
`)
	g := extract(t, e, "product.events", "")
	if len(g.rows) != 3 {
		t.Fatalf("rows: %+v", g)
	}
	ids := []string{g.rows[0]["event_id"], g.rows[1]["event_id"], g.rows[2]["event_id"]}
	if ids[0] == ids[1] || ids[0] != ids[2] || len(ids[0]) != 32 {
		t.Errorf("ids are %q", ids)
	}
}

func TestExtract_ReadsJSONLinesPlainAndMapped(t *testing.T) {
	lines := `{"id":"e1","at":"2026-03-01 10:00:00","what":{"name":"login"},"org":7,"new":{"a":1},"skip":1}` + "\n" +
		`{"id":"e2","at":"2026-03-01 11:00:00","what":{"name":"lo\u0067out"},"org":8}` + "\n{bad\n" +
		`{"id":"e3","at":"never","what":{"name":"x"}}` + "\n"
	for name, extra := range map[string]string{
		"plain":  "",
		"mapped": "    session_id: {hash: [id]}\n", // needs texts, so it takes the other way
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "events.jsonl", lines)
			g := extract(t, newExtractor(t, dir, `
- path: events.jsonl
  table: product.events
  zone: Europe/Berlin
  ignore: [skip]
  columns:
    event_id: id
    event_at: at
    event_name: what.name
    product_account_id: org
    received_at: {value: "2026-03-02"}
`+extra), "product.events", "")
			for _, row := range g.rows {
				delete(row, "session_id")
			}
			want := []map[string]string{
				{"event_id": "e1", "event_at": "2026-03-01 09:00:00Z", "event_name": "login", "product_account_id": "7", "received_at": "2026-03-01 23:00:00Z", "_extra": `{"new":{"a":1}}`},
				{"event_id": "e2", "event_at": "2026-03-01 10:00:00Z", "event_name": "logout", "product_account_id": "8", "received_at": "2026-03-01 23:00:00Z"},
			}
			if diff := cmp.Diff(want, g.rows); diff != "" || g.err != nil {
				t.Errorf("rows (-want +got):\n%s\nerror %v", diff, g.err)
			}
			if len(g.rejects) != 2 || g.rejects[0].Reason != landing.Malformed || g.rejects[1].Reason != landing.WrongType || g.rejects[1].Line != 4 {
				t.Errorf("rejects: %+v", g.rejects)
			}
			if g.extra["new"] != 1 || len(g.extra) != 1 {
				t.Errorf("unknown fields: %v", g.extra)
			}
		})
	}
}

func TestExtract_TurnsBadCSVRecordsIntoRejects(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "e.csv", "event_id,event_at,event_name,event_count\n"+
		"e1,2026-03-01,a,1\n"+
		"e2,2026-03-01,a\n"+ // a field too few
		"e3,2026-03-01,\"a\"b,1\n"+ // a quote in the middle
		"e4,2026-03-01,a,many\n"+
		",2026-03-01,a,1\n"+
		"e6,2026-03-20,a,1\n"+ // after the clock
		"e7,2026-03-01,\xe9,1\n"+ // Latin-1
		"e8,2026-03-01,a,\n")
	g := extract(t, newExtractor(t, dir, "- {path: e.csv, table: product.events}"), "product.events", "")
	if g.err != nil || len(g.rows) != 2 || g.rows[1]["event_id"] != "e8" {
		t.Errorf("rows %v, error %v", g.rows, g.err)
	}
	want := []struct {
		line    int64
		reason  landing.Reason
		payload string
	}{
		{3, landing.Malformed, "e2,2026-03-01,a"},
		{4, landing.Malformed, "e3,2026-03-01,\"a\"b,1"},
		{5, landing.WrongType, "e4,2026-03-01,a,many"},
		{6, landing.MissingRequired, ",2026-03-01,a,1"},
		{7, landing.FutureTime, "e6,2026-03-20,a,1"},
		{8, landing.Malformed, "e7,2026-03-01,\ufffd,1"},
	}
	if len(g.rejects) != len(want) {
		t.Fatalf("rejects: %+v", g.rejects)
	}
	for i, r := range g.rejects {
		if r.Line != want[i].line || r.Reason != want[i].reason || r.Payload != want[i].payload {
			t.Errorf("reject %d is %+v, want %+v", i, r, want[i])
		}
	}
}

func TestExtract_StopsTableAtFileThatDoesNotFit(t *testing.T) {
	for name, test := range map[string]struct{ file, text, mapping, want, hint string }{
		"unknown column": {"a.csv", "acount_id,name\n1,x\n", "{table: billing.customers, path: a.csv, columns: {customer_id: account_id}}",
			`mapping to billing.customers: column customer_id: the file has no column "account_id"`, `did you mean "acount_id"?`},
		"unknown column in where": {"a.csv", "customer_id,name\n1,x\n", "{table: billing.customers, path: a.csv, where: {nam: x}}", `where: the file has no column "nam"`, `"name"`},
		"no required column":      {"a.csv", "costumer_id,name\n1,x\n", "{table: billing.customers, path: a.csv}", `column customer_id is required: the file has no column "customer_id"`, `did you mean "costumer_id"?`},
		"column twice":            {"a.csv", "customer_id,name,name\n1,x,y\n", "{table: billing.customers, path: a.csv}", `"name" twice`, "rename"},
		"no format":               {"a.txt", "x", "{table: billing.customers, path: a.txt}", "format", "set format"},
		"no file":                 {"a.csv", "", "{table: billing.customers, path: b*.csv}", "no file matches b*.csv", "relative"},
		"no parquet":              {"a.parquet", "PAR1 and then nothing of the kind PAR1", "{table: billing.customers, path: a.parquet}", "not a whole Parquet file", "copy the file again"},
		"truncated gzip":          {"a.csv.gz", zip(t, "customer_id\n"+strings.Repeat("123456789\n", 1000))[:60], "{table: billing.customers, path: a.csv.gz}", "cut off", "copy the file again"},
		"open quote":              {"a.csv", "customer_id,name\n1,\"" + strings.Repeat("x\n", 5<<20), "{table: billing.customers, path: a.csv}", "longer than", "quote"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, test.file, test.text)
			g := extract(t, newExtractor(t, dir, "- "+test.mapping), "billing.customers", "")
			if g.err == nil || !strings.Contains(g.err.Error(), test.want) || !strings.Contains(strings.Join(hint.Of(g.err), "; "), test.hint) {
				t.Errorf("error %v with hints %q, want %q and %q", g.err, hint.Of(g.err), test.want, test.hint)
			}
			if name != "no file" && (g.err == nil || !strings.Contains(g.err.Error(), filepath.Join(dir, test.file))) {
				t.Errorf("%v does not name the file", g.err)
			}
			if g.landed > 0 || g.cursor != "" {
				t.Errorf("%d rows of it may be committed", g.landed)
			}
		})
	}
}

func TestExtract_AppliesDriftPolicyToUnmappedColumns(t *testing.T) {
	for _, test := range []struct {
		drift schemas.Drift
		rows  int
		extra string
		count int64
		err   string
	}{
		{schemas.Evolve, 2, `{"surprise":"x"}`, 2, ""},
		{schemas.Discard, 2, "", 2, ""},
		{schemas.Freeze, 0, "", 0, `field "surprise" is not in contract product.users, which is frozen`},
	} {
		for name, text := range map[string]string{
			"u.csv":   "user_id,created_at,surprise\nu1,2026-01-01,x\nu2,2026-01-01,\n",
			"u.jsonl": `{"user_id":"u1","created_at":"2026-01-01","surprise":"x"}` + "\n" + `{"user_id":"u2","created_at":"2026-01-01","surprise":""}`,
		} {
			dir := t.TempDir()
			write(t, dir, name, text)
			e := newExtractor(t, dir, "- {path: "+name+", table: product.users}")
			e.tables[0].Drift, e.mappings[0].table.Drift = test.drift, test.drift
			g := extract(t, e, "product.users", "")
			if test.err != "" {
				if g.err == nil || !strings.Contains(g.err.Error(), test.err) || g.cursor != "" {
					t.Errorf("%s, %s: %+v", test.drift, name, g)
				}
				continue
			}
			if g.err != nil || len(g.rows) != test.rows || g.rows[0]["_extra"] != test.extra || g.extra["surprise"] != test.count {
				t.Errorf("%s, %s: %+v", test.drift, name, g)
			}
		}
	}
}

func TestExtract_ReadsOnGrownCSVAndRereadsReplacedOne(t *testing.T) {
	dir := t.TempDir()
	e := newExtractor(t, dir, "- {path: '*.csv', table: product.users}")
	at := clock().Add(-time.Hour)
	put := func(name, text string) {
		write(t, dir, name, text)
		at = at.Add(time.Minute)
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	ids := func(g got) string {
		var ids []string
		for _, row := range g.rows {
			ids = append(ids, row["user_id"])
		}
		return fmt.Sprint(strings.Join(ids, " "), len(g.rejects), g.err)
	}
	put("a.csv", "user_id,created_at\na1,2026-01-01\n")
	put("b.csv", "\ufeffuser_id,created_at\nb1,2026-01-01\n")
	first := extract(t, e, "product.users", "")
	if ids(first) != "a1 b10 <nil>" {
		t.Errorf("first run: %s", ids(first))
	}
	put("a.csv", "user_id,created_at\nA1,2026-01-01\n")
	put("b.csv", "\ufeffuser_id,created_at\nb1,2026-01-01\nb2,2026-01-01\nb3,x\n")
	second := extract(t, e, "product.users", first.cursor)
	if ids(second) != "A1 b21 <nil>" || second.rejects[0].Line != 4 {
		t.Errorf("second run: %s, %+v", ids(second), second.rejects)
	}
}

func TestNew_NamesFaultOfMapping(t *testing.T) {
	for text, want := range map[string]string{
		"- {table: product.events}":                                                            "no path",
		"- {path: a.csv, table: product.event}":                                                `did you mean "product.events"?`,
		"- {path: a.csv, table: product.events, columns: {event_ids: x}}":                      `did you mean "event_id"?`,
		"- {path: a.csv, table: product.events, columns: {event_id: {}}}":                      "exactly one of",
		"- {path: a.csv, table: product.events, columns: {event_id: {from: a, hash: [b]}}}":    "exactly one of",
		"- {path: a.csv, table: product.events, columns: {event_id: {from: a, else: b}}}":      "else goes with map",
		"- {path: a.csv, table: product.events, columns: {event_id: {from: a, separator: b}}}": "separator goes with concat",
		"- {path: a.csv, table: product.events, format: xml}":                                  "use csv, jsonl or parquet",
		"- {path: a.csv, table: product.events, zone: Europe/Atlantis}":                        "Europe/Berlin",
		"- {path: a.csv, table: product.events, delimiter: '||'}":                              "not one character",
		"- {path: 'a[.csv', table: product.events}":                                            "syntax error in pattern",
		"[]": "list the files",
	} {
		_, err := New(Config{Mappings: mappings(t, text)})
		if err == nil || !strings.Contains(err.Error()+strings.Join(hint.Of(err), ""), want) {
			t.Errorf("%s: %v with hints %q, want %q", text, err, hint.Of(err), want)
		}
	}
}
