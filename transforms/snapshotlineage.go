package transforms

import (
	"slices"

	"github.com/ripen-data/ripen/transforms/lineage"
)

// historyLineage is where the columns of a model come from: those of its query,
// and of a snapshot those of its history too. A version begins and ends when a
// column that is watched changes, at the instant that updated_at holds.
func (m *Model) historyLineage(query []lineage.Column) []lineage.Column {
	if m.Kind != Snapshot || len(query) == 0 {
		return query
	}
	uses := map[string][]lineage.How{}
	use := func(column string, how lineage.How) { uses[column] = append(uses[column], how) }
	for _, column := range m.Key {
		use(column, lineage.Window) // the versions of one key follow one another
	}
	if at := m.Snapshot.UpdatedAt; at != "" {
		use(at, lineage.Transformation)
	} else {
		for _, column := range query {
			watched := len(m.Snapshot.Check) == 0 || slices.Contains(m.Snapshot.Check, column.Name)
			if watched && !slices.Contains(m.Key, column.Name) {
				use(column.Name, lineage.Filter)
			}
		}
	}
	return append(slices.Clone(query),
		lineage.Computed(ValidFrom, query, uses), lineage.Computed(ValidTo, query, uses))
}
