package transforms

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/transforms/lineage"
)

func TestModel_TellsWhereTheHistoryOfASnapshotComesFrom(t *testing.T) {
	query := []lineage.Column{
		{Name: "id", Sources: []lineage.Source{source("raw_shop.orders", "id", lineage.Identity)}},
		{Name: "stage", Sources: []lineage.Source{source("raw_shop.orders", "stage", lineage.Identity)}},
		{Name: "note", Sources: []lineage.Source{source("raw_shop.orders", "note", lineage.Identity)}},
		{Name: "seen_at", Sources: []lineage.Source{source("raw_shop.orders", "received_at", lineage.Transformation)}},
	}
	key := source("raw_shop.orders", "id", lineage.Window)
	for name, test := range map[string]struct {
		settings SnapshotSettings
		want     []lineage.Source
	}{
		"at the instant of a column": {
			SnapshotSettings{UpdatedAt: "seen_at"},
			[]lineage.Source{source("raw_shop.orders", "received_at", lineage.Transformation), key},
		},
		"when one of some columns changes": {
			SnapshotSettings{Check: []string{"stage"}},
			[]lineage.Source{key, source("raw_shop.orders", "stage", lineage.Filter)},
		},
		"when any column changes": {
			SnapshotSettings{},
			[]lineage.Source{
				key, source("raw_shop.orders", "note", lineage.Filter),
				source("raw_shop.orders", "received_at", lineage.Filter), source("raw_shop.orders", "stage", lineage.Filter),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := &Model{Kind: Snapshot, Key: []string{"id"}, Snapshot: test.settings}
			want := append(query[:len(query):len(query)],
				lineage.Column{Name: ValidFrom, Sources: test.want}, lineage.Column{Name: ValidTo, Sources: test.want})
			if diff := cmp.Diff(want, m.historyLineage(query)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := (&Model{Kind: Table}).historyLineage(query); len(got) != len(query) {
		t.Errorf("a table has the lineage of its query, not %d columns", len(got))
	}
}
