package hubspot

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/landing"
)

// portal fills a fake with companies of several ages, numbered from 101.
func portal(t *testing.T, companies int) *fake {
	f := newFake(t)
	for i := range companies {
		f.putAt("companies", 101+i, map[string]string{"name": "n0"}, f.now.Add(-time.Duration(200-i)*24*time.Hour))
	}
	return f
}

func wantIDs(from, n int) []string {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprint(from+i))
	}
	return ids
}

func TestExtractor_ListsEverythingOnceAndThenNothing(t *testing.T) {
	f := portal(t, 25)
	f.archive("companies", 103)
	f.archive("companies", 110)
	f.put("companies", 120, map[string]string{"name": "changed just before"})
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "hubspot.companies")
	if diff := cmp.Diff(wantIDs(101, 25), w.column("id")); diff != "" {
		t.Error(diff)
	}
	archived := slices.DeleteFunc(w.column("is_archived", "id"), func(s string) bool { return strings.HasPrefix(s, "false") })
	if diff := cmp.Diff([]string{"true/103", "true/110"}, archived); diff != "" {
		t.Error(diff)
	}
	if w.commits < 4 {
		t.Errorf("%d commits: the listing cannot be resumed", w.commits)
	}
	for range 3 {
		f.advance(20 * time.Minute)
		before := w
		w.mustPull(t, e, "hubspot.companies")
		if w.commits != before.commits || w.cursor != before.cursor {
			t.Fatal("nothing was new, yet something was committed")
		}
	}
	f.advance(25 * time.Hour)
	w.mustPull(t, e, "hubspot.companies")
	if len(w.rows) != 25 || !strings.Contains(string(w.cursor), fmt.Sprint(f.now.UnixMilli())) {
		t.Errorf("an old cursor did not move: %.200s, %d rows", w.cursor, len(w.rows))
	}
}

func TestExtractor_FindsChangesDeletionsAndMerges(t *testing.T) {
	f := portal(t, 12)
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "hubspot.companies")
	w.rows = nil
	f.advance(2 * time.Hour)
	f.put("companies", 102, map[string]string{"name": "n1"})
	f.archive("companies", 104) // its modification date stays months old
	f.merge("companies", 900, 105, 106)
	f.put("companies", 901, map[string]string{"name": "new"})
	f.advance(time.Minute)
	w.mustPull(t, e, "hubspot.companies")
	want := []string{"102/n1/false/-", "104/n0/true/-", "900/-/false/105;106", "901/new/false/-"}
	if diff := cmp.Diff(want, w.column("id", "name", "is_archived", "merged_object_ids")); diff != "" {
		t.Error(diff)
	}
	f.advance(time.Minute)
	f.put("companies", 102, map[string]string{"name": "n2"})
	f.advance(time.Minute)
	w.mustPull(t, e, "hubspot.companies")
	f.advance(30 * time.Minute)
	w.mustPull(t, e, "hubspot.companies")
	if diff := cmp.Diff(append(want, "102/n2/false/-"), w.column("id", "name", "is_archived", "merged_object_ids"), sorted); diff != "" {
		t.Error(diff)
	}
}

var sorted = cmp.Transformer("sorted", func(list []string) []string { return slices.Sorted(slices.Values(list)) })

func TestExtractor_FindsWhatSearchShowsLate(t *testing.T) {
	f := portal(t, 3)
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "hubspot.companies")
	w.rows = nil
	for i := range 12 {
		f.advance(15 * time.Minute)
		f.delay = time.Duration(i%3) * 20 * time.Minute
		f.put("companies", 500+i, nil)
		f.delay = 0
		f.put("companies", 600+i, nil)
		f.advance(time.Second)
		w.mustPull(t, e, "hubspot.companies")
	}
	f.advance(50 * time.Minute)
	w.mustPull(t, e, "hubspot.companies")
	if diff := cmp.Diff(append(wantIDs(500, 12), wantIDs(600, 12)...), w.column("id")); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_SplitsWindowsThatASearchCannotHold(t *testing.T) {
	for _, unsorted := range []bool{false, true} {
		f := portal(t, 3)
		f.cap = 12
		f.unsorted = unsorted
		e := f.extractor(t, nil)
		var w warehouse
		w.mustPull(t, e, "hubspot.companies")
		w.rows = nil
		for i := range 70 { // spread, some at the same instant
			f.advance(time.Duration(i%5) * time.Minute)
			f.put("companies", 1000+i, nil)
		}
		f.advance(time.Minute)
		for i := range 40 { // a bulk job stamps one millisecond
			f.put("companies", 2000+i, nil)
		}
		f.advance(time.Minute)
		w.mustPull(t, e, "hubspot.companies")
		if diff := cmp.Diff(append(wantIDs(1000, 70), wantIDs(2000, 40)...), w.column("id")); diff != "" {
			t.Errorf("unsorted %t: %s", unsorted, diff)
		}
		if w.commits < 5 {
			t.Errorf("%d commits: a long catch-up cannot be resumed", w.commits)
		}
		before := w.commits
		f.advance(10 * time.Minute)
		w.mustPull(t, e, "hubspot.companies")
		if w.commits != before {
			t.Errorf("unsorted %t: the overlap landed something twice: %d rows", unsorted, len(w.rows))
		}
	}
}

func TestExtractor_WalksAWindowAgainWhenRecordsMoveThroughIt(t *testing.T) {
	f := portal(t, 3)
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "hubspot.companies")
	w.rows = nil
	f.advance(2 * time.Hour)
	for i := range 9 {
		f.advance(time.Second)
		f.put("companies", 500+i, nil)
	}
	f.advance(time.Minute)
	searches := 0
	f.onSearch = func() {
		if searches++; searches == 2 { // between two pages the first record leaves the window
			f.putAt("companies", 500, map[string]string{"name": "later"}, f.now.Add(time.Second))
		}
	}
	w.mustPull(t, e, "hubspot.companies")
	if diff := cmp.Diff(wantIDs(500, 9), w.column("id")); diff != "" {
		t.Error(diff)
	}
	f.advance(time.Minute)
	w.mustPull(t, e, "hubspot.companies")
	if diff := cmp.Diff(append(wantIDs(500, 9), "500"), w.column("id"), sorted); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_LeavesARecordNewerThanItsBoundToTheNextRun(t *testing.T) {
	f := portal(t, 3)
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "hubspot.companies")
	w.rows = nil
	f.advance(2 * time.Hour)
	s := f.put("companies", 500, map[string]string{"name": "n1"})
	f.advance(time.Minute)
	// The index still has the record under its old date, but shows the new state.
	s.filed, s.modified = s.modified, f.now.Add(5*time.Second).UnixMilli()
	w.mustPull(t, e, "hubspot.companies")
	if len(w.rows) != 0 {
		t.Errorf("landed %v before its time", w.rows)
	}
	f.advance(time.Minute)
	s.filed = 0
	w.mustPull(t, e, "hubspot.companies")
	w.mustPull(t, e, "hubspot.companies")
	if diff := cmp.Diff([]string{"500"}, w.column("id")); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_ReadsAssociationsThatSearchLeavesOut(t *testing.T) {
	f := newFake(t)
	e := f.extractor(t, nil)
	for i := range 5 {
		s := f.putAt("deals", 100+i, map[string]string{"dealname": "d"}, f.now.Add(-48*time.Hour))
		s.companies = []int{900 + i, 800}
	}
	f.putAt("deals", 105, nil, f.now.Add(-48*time.Hour))
	var w warehouse
	w.mustPull(t, e, "hubspot.deals")
	listed := w.column("id", "company_id")
	if diff := cmp.Diff([]string{"100/900", "101/901", "102/902", "103/903", "104/904", "105/-"}, listed); diff != "" {
		t.Error(diff)
	}
	w.rows = nil
	f.advance(2 * time.Hour)
	for i := range 6 {
		f.put("deals", 100+i, map[string]string{"dealstage": "won"})
	}
	f.advance(time.Minute)
	w.mustPull(t, e, "hubspot.deals")
	if diff := cmp.Diff(listed, w.column("id", "company_id")); diff != "" {
		t.Errorf("search and listing differ: %s", diff)
	}
}

func TestExtractor_ReadsFiveCollectionsAsEngagements(t *testing.T) {
	f := newFake(t)
	e := f.extractor(t, nil)
	kinds := []string{"calls", "emails", "meetings", "notes", "tasks"}
	for i, kind := range kinds {
		s := f.putAt(kind, 10+i, nil, f.now.Add(-48*time.Hour))
		s.companies, s.contacts = []int{70 + i}, []int{80 + i}
	}
	var w warehouse
	w.mustPull(t, e, "hubspot.engagements")
	want := []string{"calls/10/70/80", "emails/11/71/81", "meetings/12/72/82", "notes/13/73/83", "tasks/14/74/84"}
	if diff := cmp.Diff(want, w.column("object_type", "id", "company_id", "contact_id")); diff != "" {
		t.Error(diff)
	}
	w.rows = nil
	f.advance(2 * time.Hour)
	f.put("meetings", 12, map[string]string{"hs_meeting_title": "Demo"})
	f.archive("tasks", 14)
	f.advance(time.Minute)
	before := w.commits
	w.mustPull(t, e, "hubspot.engagements")
	if diff := cmp.Diff([]string{"meetings/12/72/82/Demo", "tasks/14/-/-/-"}, w.column("object_type", "id", "company_id", "contact_id", "subject")); diff != "" {
		t.Error(diff)
	}
	if w.commits != before+2 {
		t.Errorf("%d commits for two collections with changes", w.commits-before)
	}
	w.mustPull(t, e, "hubspot.engagements")
	if w.commits != before+2 {
		t.Error("nothing was new, yet something was committed")
	}
	f.advance(25 * time.Hour)
	w.mustPull(t, e, "hubspot.engagements")
	if w.commits != before+3 || len(w.rows) != 2 {
		t.Errorf("%d commits and %d rows for cursors that only grew old", w.commits-before-2, len(w.rows))
	}
}

func TestExtractor_LandsOwnersOnlyWhenTheyDiffer(t *testing.T) {
	f := newFake(t)
	owner := func(id, name string, archived bool) map[string]any {
		return map[string]any{"id": id, "email": name + "@example.com", "firstName": name, "createdAt": stamp(1e12), "updatedAt": stamp(1.7e12), "archived": archived, "teams": []any{map[string]any{"name": "North"}}}
	}
	f.owners = []map[string]any{owner("1", "ann", false), owner("2", "bob", false), owner("3", "cy", true)}
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "hubspot.owners")
	w.mustPull(t, e, "hubspot.owners")
	if w.commits != 1 {
		t.Errorf("%d commits", w.commits)
	}
	f.owners[1] = owner("2", "bob", true)
	w.mustPull(t, e, "hubspot.owners")
	w.mustPull(t, e, "hubspot.owners")
	want := []string{"1/ann/North/false", "2/bob/North/false", "2/bob/North/true", "3/cy/North/true"}
	if diff := cmp.Diff(want, w.column("id", "first_name", "team", "is_archived")); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_ReadsThePortalsOwnPropertyAndListsAgainWhenItChanges(t *testing.T) {
	f := portal(t, 4)
	f.putAt("companies", 102, map[string]string{"workspace_id": "ws-2"}, f.now.Add(-48*time.Hour))
	var w warehouse
	w.mustPull(t, f.extractor(t, nil), "hubspot.companies")
	if got := w.column("product_account_id"); !slices.Equal(got, []string{"-", "-", "-", "-"}) {
		t.Errorf("%v", got)
	}
	w.rows = nil
	f.advance(time.Hour)
	var notes []string
	e := f.extractor(t, func(c *Config) {
		c.Properties = map[string]string{"product_account_id": "workspace_id"}
		c.Note = func(table, note string) { notes = append(notes, table+": "+note) }
	})
	w.mustPull(t, e, "hubspot.companies")
	if diff := cmp.Diff([]string{"101/-", "102/ws-2", "103/-", "104/-"}, w.column("id", "product_account_id")); diff != "" {
		t.Error(diff)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "listed again") {
		t.Errorf("notes %q", notes)
	}
	for _, wrong := range []map[string]string{{"produkt": "x"}, {"product_account_id": ""}, {"product_account_id": "a.b"}} {
		if _, err := New(Config{Token: testToken, Properties: wrong}); err == nil || len(hint.Of(err)) == 0 {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

func TestExtractor_LandsADeadLetterOnce(t *testing.T) {
	f := portal(t, 3)
	e := f.extractor(t, nil)
	var w warehouse
	w.mustPull(t, e, "hubspot.companies")
	f.advance(2 * time.Hour)
	f.put("companies", 666, map[string]string{"numberofemployees": "many"})
	f.advance(time.Minute)
	w.mustPull(t, e, "hubspot.companies")
	f.advance(time.Minute)
	w.mustPull(t, e, "hubspot.companies")
	if len(w.rejects) != 1 || w.rejects[0].Location != "companies/666" || w.rejects[0].Reason != landing.WrongType {
		t.Errorf("rejects %+v", w.rejects)
	}
}

func TestExtractor_RefusesAForeignCursor(t *testing.T) {
	f := portal(t, 1)
	for _, text := range []string{"yesterday", `{"v":9}`} {
		w := warehouse{cursor: landing.Cursor(text)}
		if err := w.pull(t, f.extractor(t, nil), "hubspot.companies"); err == nil {
			t.Errorf("took cursor %q", text)
		}
	}
}

func TestExtractor_UsesTheDatedPathsWhenAsked(t *testing.T) {
	f := portal(t, 1)
	f.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/crm/objects/2026-09/companies" {
			writeError(w, 404, "NOT_FOUND", r.URL.Path)
			return true
		}
		return false
	}
	var w warehouse
	w.mustPull(t, f.extractor(t, func(c *Config) { c.Version = "2026-09" }), "hubspot.companies")
	if len(w.rows) != 1 {
		t.Errorf("%d rows", len(w.rows))
	}
}

func TestNew_NeedsAToken(t *testing.T) {
	_, err := New(Config{})
	if err == nil || !strings.Contains(strings.Join(hint.Of(err), ""), "HUBSPOT_TOKEN") {
		t.Errorf("%v, %q", err, hint.Of(err))
	}
}
