package warehousetest

import (
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// Zone is a landing zone in a folder of the test.
func Zone(t testing.TB) *landing.Zone {
	t.Helper()
	bucket, err := landing.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	committed := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	return landing.Open(bucket, landing.Options{Clock: func() time.Time { return committed }})
}

// Landing is what Land lands.
type Landing struct {
	Source  string // default src
	Table   schemas.Table
	Rows    string // a JSON array of objects, one per row; columns that are left out are NULL
	Extra   map[string]int64
	Rejects []landing.Reject
}

// Land commits one run and returns it as the Loader would pass it on.
func Land(t testing.TB, zone *landing.Zone, in Landing) warehouse.Run {
	t.Helper()
	if in.Source == "" {
		in.Source = "src"
	}
	run, err := zone.Begin(t.Context(), in.Source, in.Table)
	if err != nil {
		t.Fatal(err)
	}
	if in.Rows != "" {
		record, _, err := array.RecordFromJSON(memory.DefaultAllocator, in.Table.ArrowSchema(), strings.NewReader(in.Rows))
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Write(record); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.Reject(in.Rejects); err != nil {
		t.Fatal(err)
	}
	run.Extra(in.Extra)
	run.Checkpoint(run.After() + "x")
	m, ok, err := run.Commit(t.Context())
	if err != nil || !ok {
		t.Fatalf("commit: %v, %v", ok, err)
	}
	return RunOf(zone, m)
}

// RunOf is the manifest with the addresses of its files.
func RunOf(zone *landing.Zone, m landing.Manifest) warehouse.Run {
	run := warehouse.Run{Manifest: m, LoadID: landing.LoadID(m)}
	for _, f := range m.Files {
		run.Files = append(run.Files, zone.URI(f.Name))
	}
	for _, f := range m.Rejects {
		run.Rejects = append(run.Rejects, zone.URI(f.Name))
	}
	return run
}
