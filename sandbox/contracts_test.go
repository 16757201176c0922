package sandbox

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
)

// Fields of the contracts that this company has no use for.
var unusedFields = map[string]string{
	"segment.events.previous_id":      "nobody is renamed: there are no alias calls",
	"hubspot.companies.parent_id":     "no company has a parent",
	"hubspot.contacts.archived_at":    "only companies are archived",
	"hubspot.deals.archived_at":       "only companies are archived",
	"hubspot.engagements.archived_at": "only companies are archived",
}

// What the landed tables read is in what is served.
func TestPayloads_HoldTheFieldsOfTheContracts(t *testing.T) {
	c := newCompany(t, testConfig(1000, 80*24*time.Hour))
	events, _ := calls(t, lines(t, writeEvents(t, c, t.TempDir())), c.cfg.Until)
	for path, records := range map[string]func(properties string) []object{
		"segment/events": func(string) []object {
			var list []object
			for i, k := range events {
				if i%10 > 0 {
					continue
				}
				var o object
				if err := json.Unmarshal([]byte(k.line), &o); err != nil {
					t.Fatal(err)
				}
				list = append(list, o)
			}
			return list
		},
		"stripe/customers": func(string) []object {
			list := walkStripe(t, c, "/stripe/v1/customers", "100")
			for _, e := range walkStripe(t, c, "/stripe/v1/events?type=customer.deleted", "100") {
				id := e["data"].(object)["object"].(object)["id"].(string)
				list = append(list, decode[object](t, ask(c, "GET", "/stripe/v1/customers/"+id, "")))
			}
			return list
		},
		"stripe/subscriptions": func(string) []object { return walkStripe(t, c, "/stripe/v1/subscriptions?status=all", "100") },
		"stripe/invoices":      func(string) []object { return walkStripe(t, c, "/stripe/v1/invoices", "100") },
		"stripe/events":        func(string) []object { return walkStripe(t, c, "/stripe/v1/events", "100") },
		"hubspot/companies":    hubspotRecords(t, c, "companies"),
		"hubspot/contacts":     hubspotRecords(t, c, "contacts"),
		"hubspot/deals":        hubspotRecords(t, c, "deals"),
		"hubspot/engagements":  hubspotRecords(t, c, "calls", "emails", "meetings", "notes", "tasks"),
		"hubspot/owners": func(string) []object {
			return append(walkHubSpot(t, c, "/hubspot/crm/v3/owners?limit=100"), walkHubSpot(t, c, "/hubspot/crm/v3/owners?limit=100&archived=true")...)
		},
	} {
		columns := contractColumns(t, path)
		var properties []string
		for _, column := range columns {
			for _, field := range column.Fields {
				if name, ok := strings.CutPrefix(field, "properties."); ok {
					properties = append(properties, name)
				}
			}
		}
		list := records(strings.Join(properties, ","))
		if len(list) == 0 {
			t.Errorf("%s: no records", path)
		}
		for _, column := range columns {
			name := strings.ReplaceAll(path, "/", ".") + "." + column.Name
			if _, unused := unusedFields[name]; unused {
				continue
			}
			fields := column.Fields
			if len(fields) == 0 {
				fields = []string{column.Name}
			}
			has := func(o object) bool {
				return slices.ContainsFunc(fields, func(field string) bool { return valueAt(o, field) != nil })
			}
			if !slices.ContainsFunc(list, has) {
				t.Errorf("%s: none of %v in %d records", name, fields, len(list))
			}
			if column.Required && slices.ContainsFunc(list, func(o object) bool { return !has(o) }) {
				t.Errorf("%s is required and missing in some records", name)
			}
		}
	}
}

type contractColumn struct {
	Name     string   `yaml:"name"`
	Fields   []string `yaml:"fields"`
	Required bool     `yaml:"required"`
}

func contractColumns(t *testing.T, path string) []contractColumn {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "schemas", "contracts", filepath.FromSlash(path)+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Columns []contractColumn `yaml:"columns"`
	}
	if err := yaml.Unmarshal(text, &contract); err != nil || len(contract.Columns) == 0 {
		t.Fatalf("%s: %d columns, %v", path, len(contract.Columns), err)
	}
	return contract.Columns
}

// hubspotRecords reads collections whole, live and archived, with the
// properties asked for, and the collection's name as the extractor adds it.
func hubspotRecords(t *testing.T, c *Company, names ...string) func(string) []object {
	return func(properties string) []object {
		var list []object
		for _, name := range names {
			path := "/hubspot/crm/v3/objects/" + name + "?limit=100&associations=companies,contacts&properties=" + properties
			for _, o := range append(walkHubSpot(t, c, path), walkHubSpot(t, c, path+"&archived=true")...) {
				o["object_type"] = name
				list = append(list, o)
			}
		}
		return list
	}
}

// valueAt follows a path of names and numbers; "$" is the whole.
func valueAt(v any, path string) any {
	if path == "$" {
		return v
	}
	for part := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case object:
			v = node[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}
