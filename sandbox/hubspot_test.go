package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestHubSpot_ListAndSearchAgree(t *testing.T) {
	c := newCompany(t, testConfig(500, someDays))
	for obj, name := range objNames {
		listed := ids(walkHubSpot(t, c, "/hubspot/crm/v3/objects/"+name+"?limit=100"))
		distinct(t, name, listed)
		if len(listed) == 0 || !slices.IsSortedFunc(listed, func(a, b string) int { return strings.Compare(a, b) }) {
			t.Errorf("%s: %d records, or not in the order of their ids", name, len(listed))
		}
		if small := ids(walkHubSpot(t, c, "/hubspot/crm/v3/objects/"+name+"?limit=13")); !slices.Equal(small, listed) {
			t.Errorf("%s: pages of 13 give another list", name)
		}
		if dated := ids(walkHubSpot(t, c, "/hubspot/crm/objects/2026-03/"+name+"?limit=100")); !slices.Equal(dated, listed) {
			t.Errorf("%s: the dated path gives another list", name)
		}
		found := walkSearch(t, c, obj, fmt.Sprintf(`{"propertyName":%q,"operator":"GTE","value":"0"}`, modifiedProperty(obj)))
		last := ""
		for _, o := range found {
			updated := o["updatedAt"].(string)
			if updated < last {
				t.Fatalf("%s: %s after %s", name, updated, last)
			}
			last = updated
		}
		got := ids(found)
		distinct(t, name, got)
		slices.Sort(got)
		if !slices.Equal(got, listed) {
			t.Errorf("%s: search finds %d, the list has %d", name, len(got), len(listed))
		}
	}
}

// walkSearch reads all that a filter finds, by modification date.
func walkSearch(t *testing.T, c *Company, obj int, filters string) []object {
	t.Helper()
	var all []object
	for after := "0"; after != ""; {
		page := decode[hubspotPage](t, ask(c, "POST", "/hubspot/crm/v3/objects/"+objNames[obj]+"/search", fmt.Sprintf(
			`{"limit":150,"after":%q,"sorts":[{"propertyName":%q,"direction":"ASCENDING"}],"properties":["hs_object_id"],"filterGroups":[{"filters":[%s]}]}`,
			after, modifiedProperty(obj), filters)))
		all = append(all, page.Results...)
		if after = page.Paging.Next.After; after == "" && len(all) != page.Total {
			t.Errorf("total is %d, read %d", page.Total, len(all))
		}
	}
	return all
}

func TestHubSpot_SearchFilters(t *testing.T) {
	c := newCompany(t, testConfig(500, someDays))
	all := walkHubSpot(t, c, "/hubspot/crm/v3/objects/companies?limit=100&properties=numberofemployees,lifecyclestage")
	property := func(o object, name string) string { s, _ := o["properties"].(object)[name].(string); return s }
	count := func(keep func(object) bool) (n int) {
		for _, o := range all {
			if keep(o) {
				n++
			}
		}
		return n
	}
	instant := func(o object) int64 {
		at, err := time.Parse(time.RFC3339, o["updatedAt"].(string))
		if err != nil {
			t.Fatal(err)
		}
		return at.UnixMilli()
	}
	middle := all[len(all)/2]
	at, id := instant(middle), middle["id"].(string)
	for filter, keep := range map[string]func(object) bool{
		fmt.Sprintf(`{"propertyName":"hs_lastmodifieddate","operator":"GTE","value":"%d"}`, at): func(o object) bool { return instant(o) >= at },
		fmt.Sprintf(`{"propertyName":"hs_lastmodifieddate","operator":"LT","value":"%d"}`, at):  func(o object) bool { return instant(o) < at },
		fmt.Sprintf(`{"propertyName":"hs_lastmodifieddate","operator":"GT","value":%q},{"propertyName":"hs_object_id","operator":"GT","value":%q}`, middle["updatedAt"], id): func(o object) bool {
			return instant(o) > at && o["id"].(string) > id
		},
		fmt.Sprintf(`{"propertyName":"hs_object_id","operator":"IN","values":[%q,"5"]}`, id):      func(o object) bool { return o["id"] == id },
		`{"propertyName":"lifecyclestage","operator":"EQ","value":"CUSTOMER"}`:                    func(o object) bool { return property(o, "lifecyclestage") == "customer" },
		`{"propertyName":"numberofemployees","operator":"NOT_HAS_PROPERTY"}`:                      func(o object) bool { return property(o, "numberofemployees") == "" },
		`{"propertyName":"numberofemployees","operator":"BETWEEN","value":"9","highValue":"100"}`: func(o object) bool { n, _ := strconv.Atoi(property(o, "numberofemployees")); return n >= 9 && n <= 100 },
		`{"propertyName":"lifecyclestage","operator":"NOT_IN","values":["lead","customer"]}`:      func(o object) bool { s := property(o, "lifecyclestage"); return s != "lead" && s != "customer" },
	} {
		want := count(keep)
		if got := walkSearch(t, c, objCompanies, filter); len(got) != want || want == 0 || want == len(all) {
			t.Errorf("%s: %d of %d, want %d", filter, len(got), len(all), want)
		}
	}
	page := decode[hubspotPage](t, ask(c, "POST", "/hubspot/crm/v3/objects/companies/search",
		`{"limit":200,"sorts":[{"propertyName":"hs_object_id","direction":"DESCENDING"}],"filterGroups":[]}`))
	if page.Total != len(all) || page.Results[0]["id"] != all[len(all)-1]["id"] {
		t.Errorf("by id, descending: %d, first %v", page.Total, page.Results[0]["id"])
	}
}

func TestHubSpot_RefusesAsHubSpotDoes(t *testing.T) {
	c := newCompany(t, testConfig(200, someDays))
	for _, try := range []struct {
		method, path, body string
		want               int
		category           string
	}{
		{"GET", "/hubspot/crm/v3/objects/companies?limit=101", "", 400, "VALIDATION_ERROR"},
		{"GET", "/hubspot/crm/v3/objects/companies?after=x", "", 400, "VALIDATION_ERROR"},
		{"GET", "/hubspot/crm/v3/objects/horses", "", 400, "VALIDATION_ERROR"},
		{"GET", "/hubspot/crm/v3/objects/companies/1", "", 404, "OBJECT_NOT_FOUND"},
		{"GET", "/hubspot/crm/v3/pipelines/deals", "", 404, "OBJECT_NOT_FOUND"},
		{"POST", "/hubspot/crm/v3/objects/companies/search", `{"limit":201}`, 400, "VALIDATION_ERROR"},
		{"POST", "/hubspot/crm/v3/objects/companies/search", `{"limit":200,"after":"9801"}`, 400, "VALIDATION_ERROR"},
		{"POST", "/hubspot/crm/v3/objects/companies/search", `{"filterGroups":[{"filters":[{"propertyName":"name","operator":">>","value":"x"}]}]}`, 400, "VALIDATION_ERROR"},
		{"POST", "/hubspot/crm/v3/objects/companies/search", `{"sorts":["name"]}`, 400, "VALIDATION_ERROR"},
		{"POST", "/hubspot/crm/v3/objects/companies/search", `{`, 400, "VALIDATION_ERROR"},
		{"POST", "/hubspot/crm/v4/associations/contacts/companies/batch/read", `{"inputs":[]}`, 400, "VALIDATION_ERROR"},
	} {
		w := ask(c, try.method, try.path, try.body)
		body := decodeAny(t, w)
		if w.Code != try.want || body["category"] != try.category || body["status"] != "error" || body["correlationId"] == "" || body["message"] == "" {
			t.Errorf("%s %s %s: %d %v", try.method, try.path, try.body, w.Code, body)
		}
	}
	if w := ask(c, "POST", "/hubspot/crm/v3/objects/companies/search", `{"limit":200,"after":"9800"}`); w.Code != 200 {
		t.Errorf("the last page within the cap: %d", w.Code)
	}
}

func TestHubSpot_MergedRecordsHaveANewID(t *testing.T) {
	c := newCompany(t, testConfig(3000, 100*24*time.Hour))
	for _, name := range []string{"companies", "contacts"} {
		all := walkHubSpot(t, c, "/hubspot/crm/v3/objects/"+name+"?limit=100&properties=hs_merged_object_ids")
		live := ids(all)
		merges, chains := 0, 0
		for _, o := range all {
			old, _ := o["properties"].(object)["hs_merged_object_ids"].(string)
			if old == "" {
				continue
			}
			merges++
			parts := strings.Split(old, ";")
			if len(parts) > 2 {
				chains++
			}
			for _, id := range parts {
				if slices.Contains(live, id) {
					t.Errorf("%s was merged into %s and is still listed", id, o["id"])
				}
				if got := decode[object](t, ask(c, "GET", "/hubspot/crm/v3/objects/"+name+"/"+id, "")); got["id"] != o["id"] {
					t.Errorf("GET %s gives %s, want %s", id, got["id"], o["id"])
				}
			}
		}
		if merges == 0 || name == "companies" && chains == 0 {
			t.Errorf("%s: %d merges, %d of them chains", name, merges, chains)
		}
	}
}

func TestHubSpot_AssociationsLeadToLiveRecords(t *testing.T) {
	c := newCompany(t, testConfig(1500, 80*24*time.Hour))
	companies := ids(walkHubSpot(t, c, "/hubspot/crm/v3/objects/companies?limit=100"))
	people := ids(walkHubSpot(t, c, "/hubspot/crm/v3/objects/contacts?limit=100"))
	links := 0
	for _, name := range []string{"contacts", "deals", "calls", "tasks"} {
		page := decode[hubspotPage](t, ask(c, "GET", "/hubspot/crm/v3/objects/"+name+"?limit=100&associations=companies,contacts", ""))
		inputs := []string{}
		listed := map[string]string{}
		for _, o := range page.Results {
			id := o["id"].(string)
			inputs = append(inputs, fmt.Sprintf(`{"id":%q}`, id))
			groups, _ := o["associations"].(object)
			for to, live := range map[string][]string{"companies": companies, "contacts": people} {
				group, ok := groups[to].(object)
				if !ok {
					continue
				}
				for i, r := range group["results"].([]any) {
					target := r.(object)["id"].(string)
					if !slices.Contains(live, target) {
						t.Errorf("%s %s leads to %s, which is not there", name, id, target)
					}
					if to == "companies" && i == 0 {
						listed[id] = target
					}
					links++
				}
			}
		}
		w := ask(c, "POST", "/hubspot/crm/v4/associations/"+name+"/companies/batch/read", `{"inputs":[`+strings.Join(inputs, ",")+`]}`)
		batch := decodeAny(t, w)
		failed, _ := batch["errors"].([]any)
		if (w.Code == 207) != (len(failed) > 0) || len(batch["results"].([]any))+len(failed) != len(inputs) {
			t.Errorf("%s: %d with %d errors", name, w.Code, len(failed))
		}
		for _, r := range batch["results"].([]any) {
			from := r.(object)["from"].(object)["id"].(string)
			to := r.(object)["to"].([]any)[0].(object)["toObjectId"].(float64)
			if got := strconv.FormatFloat(to, 'f', 0, 64); got != listed[from] {
				t.Errorf("%s %s: batch says %s, list says %s", name, from, got, listed[from])
			}
		}
	}
	if links < 300 {
		t.Errorf("only %d links", links)
	}
}

func TestHubSpot_OwnersLeave(t *testing.T) {
	for days, gone := range map[int]int{40: 0, 50: 1} {
		c := newCompany(t, testConfig(200, time.Duration(days)*24*time.Hour))
		here := decode[hubspotPage](t, ask(c, "GET", "/hubspot/crm/v3/owners?limit=100", "")).Results
		left := decode[hubspotPage](t, ask(c, "GET", "/hubspot/crm/v3/owners?limit=100&archived=true", "")).Results
		if len(left) != gone || len(here)+len(left) != len(owners) {
			t.Errorf("after %d days: %d owners, %d left", days, len(here), len(left))
		}
		distinct(t, "owners", slices.Concat(ids(here), ids(left)))
	}
	c := newCompany(t, testConfig(200, someDays))
	if got := walkHubSpot(t, c, "/hubspot/crm/v3/owners?limit=2"); len(got) != 5 {
		t.Errorf("in pages of two: %d", len(got))
	}
}

func TestHubSpot_ArchivedRecordsAreListedApart(t *testing.T) {
	c := newCompany(t, testConfig(2000, 100*24*time.Hour))
	live := ids(walkHubSpot(t, c, "/hubspot/crm/v3/objects/companies?limit=100"))
	archived := walkHubSpot(t, c, "/hubspot/crm/v3/objects/companies?limit=3&archived=true")
	if len(archived) < 4 {
		t.Fatalf("%d archived", len(archived))
	}
	distinct(t, "archived", ids(archived))
	for _, o := range archived {
		if o["archived"] != true || o["archivedAt"] == nil || slices.Contains(live, o["id"].(string)) {
			t.Errorf("%v", o)
		}
		if o["updatedAt"].(string) > o["archivedAt"].(string) {
			t.Errorf("archiving moved the modification date: %v", o)
		}
	}
}
