package lineage

import "github.com/ripen-data/ripen/transforms/syntax"

// Computed returns a column that is computed, outside the statement, from columns
// of its result: uses says how each of them is used.
func Computed(name string, from []Column, uses map[string][]How) Column {
	found := map[syntax.ColumnRef]map[How]bool{}
	for _, column := range from {
		for _, use := range uses[column.Name] {
			for _, source := range column.Sources {
				key := syntax.ColumnRef{Table: source.Table, Name: source.Column}
				if found[key] == nil {
					found[key] = map[How]bool{}
				}
				for _, how := range source.How {
					found[key][use.Then(how)] = true
				}
			}
		}
	}
	return Column{Name: name, Sources: ordered(found)}
}
