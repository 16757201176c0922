package schemas

import (
	"fmt"
	"strings"
)

// FieldNames are names for the fields of a STRUCT under which each can be stored
// and printed: a field without a name is _field_N, its position from 1, and a name
// that comes again, in whatever case, gets a number: a, a_1.
func (t Type) FieldNames() []string {
	taken := map[string]bool{}
	for _, f := range t.Fields {
		taken[strings.ToLower(f.Name)] = true
	}
	names := make([]string, len(t.Fields))
	seen := map[string]bool{}
	for i, f := range t.Fields {
		base := f.Name
		if base == "" {
			base = fmt.Sprintf("_field_%d", i+1)
		}
		name := base
		for n := 1; seen[strings.ToLower(name)] || name != f.Name && taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		seen[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}
