package hubspot

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

// source is what fills one contract.
type source struct {
	contract     string
	objects      []string // collections of the object API
	modified     string   // property with the modification date
	associations []string // collections whose ids are asked for
	typed        bool     // object_type is added to each record
}

const ownersContract = "hubspot.owners"

var sources = []source{
	{contract: "hubspot.companies", objects: []string{"companies"}, modified: "hs_lastmodifieddate"},
	{contract: "hubspot.contacts", objects: []string{"contacts"}, modified: "lastmodifieddate", associations: []string{"companies"}},
	{contract: "hubspot.deals", objects: []string{"deals"}, modified: "hs_lastmodifieddate", associations: []string{"companies"}},
	{
		contract: "hubspot.engagements", objects: []string{"calls", "emails", "meetings", "notes", "tasks"},
		modified: "hs_lastmodifieddate", associations: []string{"companies", "contacts"}, typed: true,
	},
}

const propertyPrefix = "properties."

// withProperties renames the properties that the portal calls otherwise. The
// landed schema stays the same.
func withProperties(table schemas.Table, names map[string]string) schemas.Table {
	table.Columns = slices.Clone(table.Columns)
	for i, c := range table.Columns {
		fields := slices.Clone(c.Fields)
		for j, field := range fields {
			property, ok := strings.CutPrefix(field, propertyPrefix)
			if !ok {
				continue
			}
			for _, key := range []string{property, field} {
				if name := names[key]; name != "" {
					fields[j] = propertyPrefix + name
				}
			}
		}
		table.Columns[i].Fields = fields
	}
	return table
}

// propertiesOf lists what to ask for: every property that a column reads.
func propertiesOf(table schemas.Table, s source) []string {
	asked := map[string]bool{s.modified: true, "hs_object_id": true}
	for _, c := range table.Columns {
		for _, field := range c.Fields {
			if property, ok := strings.CutPrefix(field, propertyPrefix); ok {
				asked[property] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(asked))
}

// checkProperties refuses a name that no contract reads, which is a slip of the pen.
func checkProperties(names map[string]string) error {
	known := map[string]bool{}
	for _, s := range sources {
		for _, property := range propertiesOf(contract(s.contract), source{}) {
			known[property] = property != ""
		}
	}
	for _, key := range slices.Sorted(maps.Keys(names)) {
		if !known[strings.TrimPrefix(key, propertyPrefix)] {
			return hint.New(fmt.Sprintf("hubspot: properties: no contract reads a property %q", key),
				"the left side is a name of the contracts, such as product_account_id, the right side the portal's own")
		}
		if name := names[key]; name == "" || strings.ContainsAny(name, ".,& ") {
			return hint.New(fmt.Sprintf("hubspot: properties: %s: %q is not the internal name of a property", key, name),
				"internal names are lower case with underscores; HubSpot shows them under Settings, Properties, </>")
		}
	}
	return nil
}
