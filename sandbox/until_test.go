package sandbox

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"
)

func TestWriteEvents_AddsOnlyNewFilesWhenUntilMoves(t *testing.T) {
	dir := t.TempDir()
	early := newCompany(t, testConfig(300, 40*24*time.Hour+13*time.Hour+20*time.Minute))
	late := newCompany(t, testConfig(300, 41*24*time.Hour+15*time.Hour))
	before := writeEvents(t, early, dir)
	if before["events-2026-02-14T13.jsonl.gz"] != nil {
		t.Error("the hour that is not over has a file")
	}
	after := writeEvents(t, late, dir)
	if len(after) <= len(before) {
		t.Fatalf("%d files, then %d", len(before), len(after))
	}
	for name := range before {
		if !bytes.Equal(before[name], after[name]) {
			t.Errorf("%s changed", name)
		}
	}
	for name := range after {
		if strings.HasPrefix(name, ".") {
			t.Errorf("%s was left behind", name)
		}
	}
	// A day begun in hours is finished in hours: no call is in two files.
	if after["events-2026-02-14.jsonl.gz"] != nil {
		t.Error("a day has hours and a day file")
	}
	fresh := writeEvents(t, late, t.TempDir())
	if fresh["events-2026-02-14.jsonl.gz"] == nil {
		t.Error("a closed day has no file")
	}
	grown, direct := lines(t, after), lines(t, fresh)
	if strings.Join(grown, "\n") != strings.Join(direct, "\n") {
		t.Errorf("growing gives other lines (%d) than writing at once (%d)", len(grown), len(direct))
	}
	if again := writeEvents(t, late, dir); !maps.EqualFunc(after, again, bytes.Equal) {
		t.Error("writing again changed something")
	}
}

func TestWriteEvents_ShowsNothingAfterUntil(t *testing.T) {
	c := newCompany(t, testConfig(400, 30*24*time.Hour+11*time.Hour+30*time.Minute))
	list, bad := calls(t, lines(t, writeEvents(t, c, t.TempDir())), c.cfg.Until)
	if bad != defaultBad {
		t.Errorf("%d bad lines in 30 days, want %d", bad, defaultBad)
	}
	last := time.Time{}
	for _, k := range list {
		if k.ReceivedAt.Before(last) {
			t.Fatalf("received %s after %s", k.ReceivedAt, last)
		}
		last = k.ReceivedAt
		if k.Timestamp.After(k.ReceivedAt) {
			t.Fatalf("received before it happened: %s", k.line)
		}
		if k.ReceivedAt.Sub(k.SentAt) != k.Timestamp.Sub(k.OriginalTimestamp) {
			t.Fatalf("the clock is not corrected: %s", k.line)
		}
	}
	if edge := c.cfg.Until.Truncate(time.Hour); !last.Before(edge) || last.Before(edge.Add(-3*time.Hour)) {
		t.Errorf("the last call came at %s, until is %s", last, c.cfg.Until)
	}
}

// Everything that an earlier now showed is there later, and what cannot change is the same.
func TestHandler_OnlyAddsWhenUntilMoves(t *testing.T) {
	early := newCompany(t, testConfig(300, 45*24*time.Hour))
	late := newCompany(t, testConfig(300, 47*24*time.Hour))
	events := map[string]object{}
	for _, e := range walkStripe(t, late, "/stripe/v1/events", "100") {
		events[e["id"].(string)] = e
	}
	dirty := map[string]bool{}
	for _, e := range events {
		if int64(e["created"].(float64)) > early.until {
			dirty[e["data"].(object)["object"].(object)["id"].(string)] = true
		}
	}
	kept := 0
	for _, e := range walkStripe(t, early, "/stripe/v1/events", "100") {
		if int64(e["created"].(float64)) <= late.until-eventDays*day {
			continue // Stripe forgets after 30 days
		}
		kept++
		a, _ := json.Marshal(e)
		b, _ := json.Marshal(events[e["id"].(string)])
		if !bytes.Equal(a, b) {
			t.Fatalf("event %s changed:\n%s\n%s", e["id"], a, b)
		}
	}
	if kept < 100 {
		t.Fatalf("only %d events compared", kept)
	}
	// An object changes only if an event says so: that is how an extractor learns of it.
	changed := 0
	for _, path := range []string{"/stripe/v1/customers", "/stripe/v1/subscriptions?status=all", "/stripe/v1/invoices"} {
		now := map[string]object{}
		for _, o := range walkStripe(t, late, path, "100") {
			now[o["id"].(string)] = o
		}
		for _, o := range walkStripe(t, early, path, "100") {
			id := o["id"].(string)
			a, _ := json.Marshal(o)
			b, _ := json.Marshal(now[id])
			if bytes.Equal(a, b) {
				continue
			}
			changed++
			if !dirty[id] {
				t.Fatalf("%s changed without an event:\n%s\n%s", id, a, b)
			}
		}
		if len(now) == 0 {
			t.Errorf("%s: nothing", path)
		}
	}
	if changed < 10 {
		t.Errorf("only %d objects changed in two days", changed)
	}
}

func TestHubSpot_MovesTheModificationDateWhenARecordChanges(t *testing.T) {
	early := newCompany(t, testConfig(1500, 45*24*time.Hour))
	late := newCompany(t, testConfig(1500, 47*24*time.Hour))
	properties := map[int]string{
		objCompanies: "name,domain,industry,country,numberofemployees,annualrevenue,lifecyclestage,hubspot_owner_id,product_account_id,description,hs_merged_object_ids,notes_last_contacted",
		objContacts:  "email,firstname,lastname,jobtitle,associatedcompanyid,hubspot_owner_id,lifecyclestage,hs_merged_object_ids",
		objDeals:     "dealname,pipeline,dealstage,amount,hs_is_closed,hs_is_closed_won,hubspot_owner_id,closedate",
		objMeetings:  "hs_timestamp,hubspot_owner_id,hs_meeting_title,hs_meeting_outcome,hs_activity_type",
		objTasks:     "hs_timestamp,hubspot_owner_id,hs_task_subject,hs_task_status",
		objEmails:    "hs_timestamp,hubspot_owner_id,hs_email_subject,hs_email_text,hs_email_direction",
	}
	for obj, names := range properties {
		path := "/hubspot/crm/v3/objects/" + objNames[obj] + "?limit=100&properties=" + names
		now := map[string]object{}
		for _, o := range walkHubSpot(t, late, path) {
			now[o["id"].(string)] = o
			if updated := o["updatedAt"].(string); updated >= late.cfg.Until.Format("2006-01-02T15:04:05.000Z") {
				t.Fatalf("%s was updated at %s, after until", o["id"], updated)
			}
		}
		changed := 0
		for _, o := range walkHubSpot(t, early, path) {
			later, there := now[o["id"].(string)]
			if !there { // merged away or archived
				continue
			}
			a, _ := json.Marshal(o["properties"])
			b, _ := json.Marshal(later["properties"])
			if bytes.Equal(a, b) {
				continue
			}
			changed++
			if later["updatedAt"].(string) < early.cfg.Until.Format("2006-01-02T15:04:05.000Z") {
				t.Fatalf("%s %s changed, but was updated at %s:\n%s\n%s", objNames[obj], o["id"], later["updatedAt"], a, b)
			}
		}
		if changed == 0 && obj != objEmails {
			t.Errorf("%s: nothing changed in two days", objNames[obj])
		}
	}
}
