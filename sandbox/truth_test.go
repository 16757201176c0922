package sandbox

import (
	"bytes"
	"context"
	"encoding/csv"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func truth(t *testing.T, c *Company) map[string][]map[string]string {
	t.Helper()
	dir := t.TempDir()
	if err := c.WriteTruth(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	tables := map[string][]map[string]string{}
	for name, text := range readDir(t, dir) {
		rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows[1:] {
			record := map[string]string{}
			for i, column := range rows[0] {
				record[column] = row[i]
			}
			tables[name] = append(tables[name], record)
		}
	}
	return tables
}

func TestTruth_NamesTheCompanyOfEveryServedRecord(t *testing.T) {
	c := newCompany(t, testConfig(600, 70*24*time.Hour))
	known := map[string]map[string]bool{} // source/object -> ids
	companies := map[string]string{}      // hubspot companies and stripe customers -> company
	for _, r := range truth(t, c)["records.csv"] {
		key := r["source"] + "/" + r["object"]
		if known[key] == nil {
			known[key] = map[string]bool{}
		}
		if known[key][r["record_id"]] && key != "product/users" {
			t.Errorf("%s %s is listed twice", key, r["record_id"])
		}
		known[key][r["record_id"]] = true
		companies[r["record_id"]] = r["company_id"]
	}
	need := func(key string, list []string) {
		t.Helper()
		if len(list) == 0 {
			t.Errorf("%s: nothing served", key)
		}
		for _, id := range list {
			if !known[key][id] {
				t.Errorf("%s: %s is not in the truth", key, id)
			}
		}
	}
	need("stripe/customers", ids(walkStripe(t, c, "/stripe/v1/customers", "100")))
	subs := walkStripe(t, c, "/stripe/v1/subscriptions?status=all", "100")
	need("stripe/subscriptions", ids(subs))
	need("stripe/invoices", ids(walkStripe(t, c, "/stripe/v1/invoices", "100")))
	for _, s := range subs {
		if companies[s["id"].(string)] != companies[s["customer"].(string)] {
			t.Errorf("%s and its customer belong to two companies", s["id"])
		}
	}
	served := 0
	for _, name := range objNames {
		path := "/hubspot/crm/v3/objects/" + name + "?limit=100&associations=companies&properties=hs_merged_object_ids"
		for _, archived := range []string{"false", "true"} {
			for _, o := range walkHubSpot(t, c, path+"&archived="+archived) {
				served++
				id := o["id"].(string)
				need("hubspot/"+name, []string{id})
				if old, _ := o["properties"].(object)["hs_merged_object_ids"].(string); old != "" {
					for _, part := range strings.Split(old, ";") {
						need("hubspot/"+name, []string{part})
						if companies[part] != companies[id] {
							t.Errorf("%s was merged into a record of another company", part)
						}
					}
				}
			}
		}
	}
	if served < 1000 {
		t.Errorf("only %d CRM records", served)
	}
	workspaces, users := map[string]bool{}, map[string]bool{}
	list, _ := calls(t, lines(t, writeEvents(t, c, t.TempDir())), c.cfg.Until)
	for _, k := range list {
		if k.UserID != "" {
			users[k.UserID] = true
		}
		if k.Type == "group" {
			workspaces[k.GroupID] = true
			if id, ok := k.Traits["legacy_id"].(string); ok {
				need("product/legacy_ids", []string{id})
			}
		}
	}
	need("product/workspaces", slices.Collect(maps.Keys(workspaces)))
	// Of today's people the truth tells tomorrow.
	missing := 0
	for id := range users {
		if !known["product/users"][id] {
			missing++
		}
	}
	if missing > 20 || len(users) < 800 {
		t.Errorf("%d of %d users are not in the truth", missing, len(users))
	}
}

func TestTruth_AgreesWithBilling(t *testing.T) {
	c := newCompany(t, testConfig(600, 70*24*time.Hour))
	subs := map[string]object{}
	for _, s := range walkStripe(t, c, "/stripe/v1/subscriptions?status=all", "100") {
		subs[s["id"].(string)] = s
	}
	paid := map[string]int64{}
	for _, v := range walkStripe(t, c, "/stripe/v1/invoices?status=paid", "100") {
		if v["amount_paid"].(float64) > 0 {
			id := v["parent"].(object)["subscription_details"].(object)["subscription"].(string)
			paid[id] = int64(v["status_transitions"].(object)["paid_at"].(float64)) // newest first: the first one stays
		}
	}
	trials, converted, extended, delayed := truth(t, c)["trials.csv"], 0, 0, 0
	for _, r := range trials {
		s := subs[r["trial_id"]]
		if s == nil {
			t.Fatalf("no subscription %s", r["trial_id"])
		}
		second := func(column string) int64 {
			if r[column] == "" {
				return 0
			}
			at, err := time.Parse(time.RFC3339, r[column])
			if err != nil {
				t.Fatal(err)
			}
			return at.Unix()
		}
		if int64(s["trial_start"].(float64)) != second("trial_start_at") {
			t.Errorf("%s starts at %v, in truth %s", r["trial_id"], s["trial_start"], r["trial_start_at"])
		}
		if r["outcome"] != "early" && int64(s["trial_end"].(float64)) != second("trial_end_at") {
			t.Errorf("%s ends at %v, in truth %s", r["trial_id"], s["trial_end"], r["trial_end_at"])
		}
		pays := second("first_paid_at")
		if pays > c.until {
			pays = 0
		}
		if paid[r["trial_id"]] != pays {
			t.Errorf("%s: first paid at %d, in truth %d (%s)", r["trial_id"], paid[r["trial_id"]], pays, r["outcome"])
		}
		if (r["is_over"] == "true") == (s["status"] == "trialing") {
			t.Errorf("%s is %v, over: %s", r["trial_id"], s["status"], r["is_over"])
		}
		if pays > 0 {
			converted++
		}
		if r["extension_count"] != "0" {
			extended++
			if r["original_trial_end_at"] >= r["trial_end_at"] {
				t.Errorf("%s was not extended", r["trial_id"])
			}
		}
		if r["start_delay_days"] != "0" {
			delayed++
		}
	}
	if len(trials) < 550 || converted < 40 || extended < 15 || delayed < 15 {
		t.Errorf("%d trials, %d converted, %d extended, %d delayed", len(trials), converted, extended, delayed)
	}
}

// The probability is one: of the trial-days at p, the share p converts.
func TestTruth_ProbabilitiesAreCalibrated(t *testing.T) {
	cfg := Config{Seed: 11, Accounts: 1200, Days: 60, Start: founding, Until: founding.AddDate(0, 0, 130)}
	c := newCompany(t, cfg)
	var sum, brier, base [2]float64 // early in the trial, late in the trial
	var n, won [2]float64
	for _, r := range truth(t, c)["trial_days.csv"] {
		at, err := time.Parse(time.RFC3339, r["snapshot_at"])
		if err != nil || at.After(c.cfg.Until) || at.Unix()%day != 0 {
			t.Fatalf("snapshot %s", r["snapshot_at"])
		}
		p, err := strconv.ParseFloat(r["conversion_prob"], 64)
		if err != nil || p < 0 || p > 1 {
			t.Fatalf("probability %s", r["conversion_prob"])
		}
		if spread, err := strconv.ParseFloat(r["standard_error"], 64); err != nil || spread > 0.06 {
			t.Fatalf("standard error %s", r["standard_error"])
		}
		part := 0
		switch {
		case r["trial_day"] == "3":
		case r["days_remaining"] == "1":
			part = 1
		default:
			continue
		}
		y := indicator(r["is_converted"] == "true")
		n[part]++
		won[part] += y
		sum[part] += p
		brier[part] += (p - y) * (p - y)
	}
	for part := range n {
		rate := won[part] / n[part]
		base[part] = rate * (1 - rate)
		// One row per trial and part: independent, so the binomial error holds.
		if limit := 3.5 * math.Sqrt(base[part]/n[part]); math.Abs(sum[part]/n[part]-rate) > limit {
			t.Errorf("part %d: mean probability %.4f, rate %.4f of %.0f, tolerance %.4f", part, sum[part]/n[part], rate, n[part], limit)
		}
		if skill := 1 - brier[part]/n[part]/base[part]; skill < 0.05 {
			t.Errorf("part %d: the truth is no better than the base rate: skill %.3f", part, skill)
		}
	}
	if brier[1]/n[1]/base[1] > brier[0]/n[0]/base[0] {
		t.Error("the truth knows less on the last day than on the third")
	}
}

func TestSummary_CountsWhatIsServed(t *testing.T) {
	c := newCompany(t, testConfig(300, 70*24*time.Hour))
	s := c.Summary()
	for name, want := range s.Stripe {
		path := "/stripe/v1/" + name
		if name == "subscriptions" {
			path += "?status=all"
		}
		if got := len(walkStripe(t, c, path, "100")); got != want || got == 0 {
			t.Errorf("%s: %d, served %d", name, want, got)
		}
	}
	for name, want := range s.HubSpot {
		if got := len(walkHubSpot(t, c, "/hubspot/crm/v3/objects/"+name+"?limit=100")); got != want || got == 0 {
			t.Errorf("%s: %d, served %d", name, want, got)
		}
	}
	trials := truth(t, c)["trials.csv"]
	over, paid := 0, 0
	for _, r := range trials {
		if r["is_over"] == "true" {
			over++
			if r["first_paid_at"] != "" && r["first_paid_at"] <= c.cfg.Until.Format(time.RFC3339) {
				paid++
			}
		}
	}
	if s.Trials != len(trials) || s.RunningTrials != len(trials)-over || s.ConvertedTrials != paid || s.Accounts < 300 || s.Workspaces < s.Trials {
		t.Errorf("%+v, in truth %d trials, %d over, %d paid", s, len(trials), over, paid)
	}
}
