package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/warehouse"
)

// ravenstackData is where the CSV files of examples/ravenstack lie; they have no
// licence that lets the project carry them. RIPEN_RAVENSTACK names another place.
const ravenstackData = "../../../shared/data/ravenstack"

// reconciliations compare what the models say with plain SQL on the CSV files;
// {name} is read_csv of a file.
var reconciliations = []struct{ name, models, files string }{
	{"accounts, one by one",
		"select product_account_id, account_name, created_at from staging.stg_product__account",
		"select account_id, account_name, cast(signup_date as timestamp) from {accounts}"},
	{"companies: no two accounts are joined, none is lost",
		"select count(distinct account_key), count(*) from core.dim_account",
		"select count(distinct account_id), count(*) from {accounts}"},
	{"trials, one by one, with their starts",
		"select subscription_id, product_account_id, trial_start_at from core.fct_trial",
		"select subscription_id, account_id, cast(start_date as timestamp) from {subscriptions} where is_trial"},
	{"number of trials", "select count(*) from core.fct_trial", "select 778"},
	{"conversions: the first paid subscription that began after the trial did",
		"select subscription_id, converted_at from core.fct_trial where converted_at is not null",
		"select t.subscription_id, cast(min(p.start_date) as timestamp) from {subscriptions} t join {subscriptions} p on p.account_id = t.account_id " +
			"where t.is_trial and not p.is_trial and p.mrr_amount > 0 and p.start_date > t.start_date group by 1"},
	{"trials that run at the end of 2024, with their seats: started within the policy's 14 days, neither ended nor paid",
		"select subscription_id, seat_count from report.rpt_sales_queue",
		"select t.subscription_id, t.seats from {subscriptions} t where t.is_trial and t.start_date + 14 > date '2025-01-01' " +
			"and (t.end_date is null or t.end_date >= date '2025-01-01') and not exists (select 1 from {subscriptions} p where p.account_id = t.account_id " +
			"and not p.is_trial and p.mrr_amount > 0 and p.start_date > t.start_date)"},
	{"usage: every row is one event, also the 21 ids that stand on two rows",
		"select count(*), count(distinct event_id), sum(event_count), sum(error_count), cast(sum(duration_value) as bigint) from staging.stg_product__event",
		"select 25000, 25000, sum(usage_count), sum(error_count), sum(usage_duration_secs) from {feature_usage}"},
	{"usage ids that stand on two rows", "select count(*) - 21 from staging.stg_product__event", "select count(distinct usage_id) from {feature_usage}"},
	{"usage of each account",
		"select product_account_id, sum(event_count) from core.fct_event group by 1",
		"select s.account_id, sum(u.usage_count) from {feature_usage} u join {subscriptions} s using (subscription_id) group by 1"},
	{"tickets, one by one",
		"select ticket_id, priority_code, opened_at, solved_at, csat_score from staging.stg_support__ticket",
		"select ticket_id, priority, cast(submitted_at as timestamp), cast(closed_at as timestamp), satisfaction_score from {support_tickets}"},
	{"number of tickets", "select count(*) from staging.stg_support__ticket", "select 2000"},
}

func TestRavenstack_ReconcilesWithPlainSQLOnTheFiles(t *testing.T) {
	data := os.Getenv("RIPEN_RAVENSTACK")
	if data == "" {
		data = ravenstackData
	}
	data, err := filepath.Abs(data)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(data, "accounts.csv")); err != nil {
		t.Skipf("the data of examples/ravenstack is not here (%v); its README says where to get it", err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../../examples/ravenstack")); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(data, filepath.Join(dir, "data", "csv")); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := runAt(context.Background(), time.Now, []string{"-C", dir, "run", "--as-of", "2025-01-01"}, strings.NewReader(""), &stdout, &stderr)
	if code != exitOK {
		t.Fatalf("exit code %d\n%s%s", code, &stdout, &stderr)
	}
	if !strings.Contains(stdout.String(), " because: ") {
		t.Errorf("no queue:\n%s", &stdout)
	}

	cfg, err := readConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	db, err := (&project{cfg: cfg}).openWarehouse(t.Context(), true, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	names := []string{}
	for _, name := range []string{"accounts", "subscriptions", "feature_usage", "support_tickets"} {
		names = append(names, "{"+name+"}", fmt.Sprintf("read_csv('%s')", filepath.Join(data, name+".csv")))
	}
	files := strings.NewReplacer(names...)
	for _, r := range reconciliations {
		t.Run(r.name, func(t *testing.T) {
			read := func(sql string) *rowSet {
				rows, err := readRows(t.Context(), db, warehouse.Statement{Name: r.name, SQL: "select * from (" + files.Replace(sql) + ") order by all"})
				if err != nil {
					t.Fatal(err)
				}
				return rows
			}
			got, want := read(r.models), read(r.files)
			if len(got.rows) != len(want.rows) || len(want.rows) == 0 {
				t.Fatalf("%d rows in the models, %d in the files", len(got.rows), len(want.rows))
			}
			for i := range want.rows {
				if fmt.Sprint(got.rows[i]...) != fmt.Sprint(want.rows[i]...) {
					t.Fatalf("row %d: %v in the models, %v in the files", i, got.rows[i], want.rows[i])
				}
			}
		})
	}
}
