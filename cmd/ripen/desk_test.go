package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/ripen-data/ripen/warehouse"
)

// desk is a project on CSV, Parquet, JSON Lines and gzip files, one trial per account.
type desk struct {
	t   *testing.T
	dir string
}

const deskConfig = `name: desk
sources:
  app:
    type: files
    files:
      - {path: in/accounts.csv, table: product.accounts}
      - {path: in/subscriptions.parquet, table: billing.subscriptions}
      - {path: "in/events-*", table: product.events, format: jsonl}
`

// What a desk holds.
const (
	deskAccounts = 8
	deskEvents   = 40 // in each of two files
)

var (
	accountColumns      = []string{"product_account_id", "account_name", "domain", "seat_count", "created_at"}
	subscriptionColumns = []string{"subscription_id", "product_account_id", "is_trial", "started_at", "trial_end_at", "seat_count"}
)

func accountRows() (rows [][]string) {
	for i := range deskAccounts {
		rows = append(rows, []string{fmt.Sprintf("a%d", i), fmt.Sprintf("Company %d, Inc.", i), fmt.Sprintf("c%d.example", i), "5", "2026-02-20T00:00:00Z"})
	}
	return rows
}

func subscriptionRows() (rows [][]string) {
	for i := range deskAccounts {
		rows = append(rows, []string{fmt.Sprintf("s%d", i), fmt.Sprintf("a%d", i), "true", "2026-02-20T00:00:00Z", "2026-03-06T00:00:00Z", "5"})
	}
	return rows
}

func eventLine(file, n int) string {
	return fmt.Sprintf(`{"event_id":"e%d-%d","event_at":"2026-02-2%dT10:00:00Z","event_name":"Logged In","user_id":"u%d","product_account_id":"a%d"}`,
		file, n, n%8, n%11, n%deskAccounts)
}

func eventLines(file int) (lines []string) {
	for n := range deskEvents {
		lines = append(lines, eventLine(file, n))
	}
	return lines
}

func lines(list ...string) string { return strings.Join(list, "\n") + "\n" }

func csvText(t *testing.T, header []string, rows [][]string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(append([][]string{header}, rows...)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gzipText(t *testing.T, text string) string {
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

// parquetText has text columns only; an empty text is NULL.
func parquetText(t *testing.T, header []string, rows [][]string) string {
	var fields []arrow.Field
	for _, name := range header {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	schema := arrow.NewSchema(fields, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, row := range rows {
		for i, text := range row {
			if text == "" {
				builder.Field(i).AppendNull()
			} else {
				builder.Field(i).(*array.StringBuilder).Append(text)
			}
		}
	}
	record := builder.NewRecord()
	defer record.Release()
	var b bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &b, parquet.NewWriterProperties(), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(record); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func newDesk(t *testing.T) *desk {
	d := &desk{t, t.TempDir()}
	calmDesk.once.Do(d.makeCalm)
	for name, text := range calmDesk.cache {
		d.write(name, text)
	}
	d.write("ripen.yaml", deskConfig)
	d.good()
	return d
}

// good writes every file as it should be.
func (d *desk) good() {
	d.write("in/accounts.csv", csvText(d.t, accountColumns, accountRows()))
	d.write("in/subscriptions.parquet", parquetText(d.t, subscriptionColumns, subscriptionRows()))
	d.write("in/events-1.jsonl", lines(eventLines(1)...))
	d.write("in/events-2.jsonl.gz", gzipText(d.t, lines(eventLines(2)...)))
}

func (d *desk) write(name, text string) {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
	// As if copied with its time: a cured file is no younger than the broken one.
	at := testNow.Add(-48 * time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		d.t.Fatal(err)
	}
}

// surprise adds a column to the accounts that their contract does not know.
func (d *desk) surprise() {
	text := strings.Replace(d.read("in/accounts.csv"), "\n", ",surprise\n", 1)
	d.write("in/accounts.csv", strings.ReplaceAll(text, "Z\n", "Z,new\n"))
}

func (d *desk) read(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

func (d *desk) remove(name string) {
	d.t.Helper()
	if err := os.Remove(filepath.Join(d.dir, name)); err != nil {
		d.t.Fatal(err)
	}
}

// outcome is what a run of the program left behind.
type outcome struct {
	code           int
	stdout, stderr string
}

func (d *desk) runAt(now time.Time, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	code := runAt(context.Background(), func() time.Time { return now }, append([]string{"-C", d.dir}, args...), strings.NewReader(""), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

// run does the main job and expects its exit code, a queue, and texts in what it says.
func (d *desk) run(code int, texts ...string) outcome {
	d.t.Helper()
	o := d.runAt(testNow, "run", "--as-of", crashAsOf)
	o.want(d.t, code, append(texts, "Today's queue, as of 2026-03-02 10:00 UTC")...)
	return o
}

// move extracts and loads, and expects the exit code of the extraction and texts in what it says.
func (d *desk) move(code int, texts ...string) {
	d.t.Helper()
	d.runAt(testNow, "extract").want(d.t, code, texts...)
	d.runAt(testNow, "load").want(d.t, exitOK)
}

func (o outcome) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d", o.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(o.stdout+o.stderr, text) {
			t.Errorf("it does not say %q", text)
		}
	}
	if t.Failed() {
		t.Fatalf("stdout:\n%s\nstderr:\n%s", o.stdout, o.stderr)
	}
}

// query returns each row as one text.
func (d *desk) query(sql string) (rows []string) {
	d.t.Helper()
	cfg, err := readConfig(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	db, err := (&project{cfg: cfg}).openWarehouse(d.t.Context(), true, time.Now)
	if err != nil {
		d.t.Fatal(err)
	}
	defer db.Close()
	result, err := readRows(d.t.Context(), db, warehouse.Statement{Name: "test", SQL: sql})
	if err != nil {
		d.t.Fatal(err)
	}
	for _, row := range result.rows {
		rows = append(rows, strings.TrimSpace(fmt.Sprintln(row...)))
	}
	return rows
}

// raw expects the numbers of rows in the raw tables of accounts, subscriptions, events and dead letters.
func (d *desk) raw(accounts, subscriptions, events, letters int) {
	d.t.Helper()
	got := d.query("select (select count(*) from raw_product.accounts), (select count(*) from raw_billing.subscriptions), " +
		"(select count(*) from raw_product.events), (select count(*) from raw_ripen.dead_letters)")
	if want := fmt.Sprint(accounts, subscriptions, events, letters); got[0] != want {
		d.t.Errorf("rows in raw tables: %s, want %s", got[0], want)
	}
}

// calmDesk is a desk that never met a fault: its tables, and the cache of its
// models' SQL, which spares the other desks the analysis.
var calmDesk struct {
	once   sync.Once
	tables map[string]string
	cache  map[string]string
}

func (d *desk) makeCalm() {
	calm := &desk{d.t, d.t.TempDir()}
	calm.write("ripen.yaml", deskConfig)
	calm.good()
	calm.run(exitOK, " because: ")
	calm.raw(deskAccounts, deskAccounts, 2*deskEvents, 0)
	calmDesk.tables, calmDesk.cache = tables(d.t, calm.dir), map[string]string{}
	err := fs.WalkDir(os.DirFS(calm.dir), ".ripen/cache", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			calmDesk.cache[name] = calm.read(name)
		}
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// sameAsCalm compares with a desk that never met a fault; tables whose name starts
// with one of but are left out.
func (d *desk) sameAsCalm(but ...string) {
	d.t.Helper()
	if len(calmDesk.tables) < 30 {
		d.t.Fatalf("only %d tables", len(calmDesk.tables))
	}
	compareTables(d.t, without(tables(d.t, d.dir), but), without(calmDesk.tables, but))
}

// sameRawAsCalm compares the raw tables only.
func (d *desk) sameRawAsCalm(but ...string) {
	d.t.Helper()
	compareTables(d.t, rawOnly(without(tables(d.t, d.dir), but)), rawOnly(without(calmDesk.tables, but)))
}

func rawOnly(tables map[string]string) map[string]string {
	tables = maps.Clone(tables)
	maps.DeleteFunc(tables, func(name, _ string) bool { return !strings.HasPrefix(name, "raw_") })
	return tables
}

func without(tables map[string]string, prefixes []string) map[string]string {
	tables = maps.Clone(tables)
	maps.DeleteFunc(tables, func(name, _ string) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
	return tables
}
