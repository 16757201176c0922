package lineage

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestComputed_UsesOnTopOfWhatTheStatementDoes(t *testing.T) {
	source := func(column string, how ...How) Source {
		return Source{Table: "shop.order", Column: column, Kind: how[0].Kind(), How: how}
	}
	result := []Column{
		{Name: "id", Sources: []Source{source("id", Identity), source("is_test", Filter)}},
		{Name: "total", Sources: []Source{source("amount", Aggregation), source("is_test", Filter)}},
		{Name: "changed_at", Sources: []Source{source("changed_at", Identity), source("is_test", Filter)}},
	}
	got := Computed("valid_from_at", result, map[string][]How{
		"id": {Window}, "total": {Filter}, "changed_at": {Transformation, Filter},
	})
	want := Column{Name: "valid_from_at", Sources: []Source{
		source("changed_at", Transformation),
		source("amount", Filter),
		source("changed_at", Filter),
		source("id", Window),
		source("is_test", Filter, Window),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
