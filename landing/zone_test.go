package landing

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// countingBucket counts reads.
type countingBucket struct {
	Bucket
	opens int
}

func (b *countingBucket) Open(ctx context.Context, name string) (Object, error) {
	b.opens++
	return b.Bucket.Open(ctx, name)
}

func TestZone_LatestReadsOneOfMany(t *testing.T) {
	bucket := &countingBucket{Bucket: newDir(t)}
	z := Open(bucket, Options{Clock: testClock})
	if m, ok, err := z.Latest(t.Context(), "app", "test.rows"); ok || err != nil {
		t.Fatalf("empty zone: %v, %v, %v", m, ok, err)
	}
	// From 999,999 to 1,000,000 the order of names is not that of numbers.
	for _, sequence := range []int64{1, 2, 999_998, 999_999, 1_000_000, 1_000_001} {
		for _, table := range []string{"test.rows", "test.rows2"} {
			m := Manifest{Source: "app", Table: table, Sequence: sequence, After: Cursor(fmt.Sprint(sequence)), CommittedAt: testTime}
			if err := writeManifest(t.Context(), bucket, m); err != nil {
				t.Fatal(err)
			}
		}
	}
	bucket.opens = 0
	m, ok, err := z.Latest(t.Context(), "app", "test.rows")
	if err != nil || !ok || m.Sequence != 1_000_001 || m.After != "1000001" {
		t.Errorf("newest manifest %+v, %v, %v", m, ok, err)
	}
	if bucket.opens != 1 {
		t.Errorf("%d objects were read, want 1", bucket.opens)
	}
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil || run.After() != "1000001" {
		t.Fatalf("a new run resumes at %q, %v", run.After(), err)
	}
	if err := run.Abort(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestZone_KeysAreInOrderAndReadNothing(t *testing.T) {
	bucket := &countingBucket{Bucket: newDir(t)}
	z := Open(bucket, Options{Clock: testClock})
	var want []Key
	for _, source := range []string{"app", "app-2", "billing"} {
		for _, table := range []string{"a.x", "a.y"} {
			for _, sequence := range []int64{1, 2, 999_999, 1_000_000} {
				key := Key{source, table, sequence}
				want = append(want, key)
				if err := writeManifest(t.Context(), bucket, Manifest{Source: source, Table: table, Sequence: sequence}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	keys := func(sources ...string) (keys []Key) {
		for key, err := range z.Keys(t.Context(), sources...) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		return keys
	}
	// Names, and so tables, come in lexical order: "app-2/" before "app/".
	all := slices.Concat(want[8:16], want[:8], want[16:])
	if got := keys(); !slices.Equal(got, all) {
		t.Errorf("keys\n got %v\nwant %v", got, all)
	}
	if got := keys("billing", "app", "missing", "app"); !slices.Equal(got, slices.Concat(want[:8], want[16:])) {
		t.Errorf("keys of app and billing: %v", got)
	}
	if bucket.opens != 0 {
		t.Errorf("%d objects were read", bucket.opens)
	}
	n := 0
	for m, err := range z.Manifests(t.Context(), "app") {
		if err != nil || m.Key() != want[n] {
			t.Fatalf("manifest %d is %v, %v, want %v", n, m.Key(), err, want[n])
		}
		n++
	}
	if n != 8 {
		t.Errorf("%d manifests of app, want 8", n)
	}
	for range z.Keys(t.Context()) {
		break
	}
}

func TestZone_RefusesADamagedManifest(t *testing.T) {
	dir := newDir(t)
	z := Open(dir, Options{Clock: testClock})
	m, _, err := land(t, z, 0, 10, 10, "10")
	if err != nil {
		t.Fatal(err)
	}
	name := dir.URI(m.Key().object())
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for at := range content {
		if err := os.WriteFile(name, flipped(content, at), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := z.Read(t.Context(), m.Key())
		if err == nil && (LoadID(got) != LoadID(m) || got.Files[0].Name != m.Files[0].Name) {
			t.Fatalf("byte %d flipped: %+v passes for %+v", at, got, m)
		}
		if err == nil {
			same++
		} else if !strings.Contains(err.Error(), m.Key().object()) {
			t.Fatalf("byte %d flipped: %v does not name the manifest", at, err)
		}
	}
	if same > len(content)/10 {
		t.Errorf("%d of %d flips changed nothing", same, len(content))
	}
	if err := os.WriteFile(name, content[:len(content)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := z.Begin(t.Context(), "app", allTypes()); err == nil {
		t.Error("a run begins behind half a manifest")
	}
}

func TestZone_SweepDeletesWhatNoManifestNames(t *testing.T) {
	now := testTime
	clock := func() time.Time { return now }
	dir := newDir(t)
	z := Open(dir, Options{Clock: clock, MaxFileRows: 10, Lease: 24 * time.Hour})
	begin := func(rows int64) *Run {
		t.Helper()
		run, err := z.Begin(t.Context(), "app", allTypes())
		if err != nil {
			t.Fatal(err)
		}
		record := testRecord(t, allTypes(), 0, rows)
		defer record.Release()
		if err := run.Write(record); err != nil {
			t.Fatal(err)
		}
		run.Checkpoint("c")
		return run
	}
	sweep := func(olderThan time.Duration, want int) {
		t.Helper()
		if n, err := z.Sweep(t.Context(), olderThan); n != want || err != nil {
			t.Errorf("Sweep = %d, %v, want %d", n, err, want)
		}
	}
	begin(20) // killed with two files landed
	living := begin(20)
	sweep(0, 0) // both may still commit number 1
	if _, ok, err := living.Commit(t.Context()); !ok || err != nil {
		t.Fatal(ok, err)
	}
	sweep(time.Minute, 0) // too young
	now = now.Add(time.Minute)
	sweep(time.Minute, 2) // number 1 exists and does not name them
	begin(20)             // killed again, and nobody commits number 2
	now = now.Add(24 * time.Hour)
	sweep(0, 0) // within the lease and the slack of clocks
	now = now.Add(clockSlack)
	sweep(0, 2)
	m, ok, err := z.Latest(t.Context(), "app", "test.rows")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	checkRows(t, readBack(t, z, m.Files, allTypes().ArrowSchema()), 0, 20)
	if err := os.WriteFile(dir.URI("app/test.rows/data/of-somebody-else.parquet"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	sweep(0, 0)
	if names := listAll(t, dir); len(names) != 4 {
		t.Errorf("%q stayed, want two files, a manifest and a stranger", names)
	}
}

func TestLoadID_DependsOnContentOnly(t *testing.T) {
	var ids, sums []string
	for range 3 {
		z := Open(newDir(t), Options{Clock: testClock})
		m, ok, err := land(t, z, 0, 3000, 100, "3000")
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		read, err := z.Read(t.Context(), m.Key())
		if err != nil || LoadID(read) != LoadID(m) {
			t.Fatalf("read back %s, committed %s, %v", LoadID(read), LoadID(m), err)
		}
		ids, sums = append(ids, LoadID(m)), append(sums, m.Files[0].SHA256)
	}
	if ids[0] != ids[1] || ids[1] != ids[2] || sums[0] != sums[1] || sums[1] != sums[2] {
		t.Errorf("equal input has ids %q and files %q", ids, sums)
	}
}

func TestLoadID_IsTheSameInEveryProcess(t *testing.T) {
	m := Manifest{
		Source: "app", Table: "test.rows", Sequence: 7, SchemaHash: "abc", CommittedAt: testTime, Before: "a", After: "b",
		Files: []File{{Name: "x", Rows: 1, Bytes: 2, SHA256: "s"}}, Extra: map[string]int64{"b": 1, "a": 2},
	}
	// sha256sum of {"Source":"app","Table":"test.rows","Sequence":7,"SchemaHash":"abc","Before":"a","After":"b","Files":[{"Rows":1,"Bytes":2,"SHA256":"s"}],"Rejects":[],"Extra":{"a":2,"b":1}}
	const want = "477348363388fad51e51a9e17efd7fc2"
	if got := LoadID(m); got != want {
		t.Errorf("LoadID = %s, want %s: loads that were made under the old id would be repeated", got, want)
	}
	renamed := m
	renamed.Files = []File{{Name: "y", Rows: 1, Bytes: 2, SHA256: "s"}}
	renamed.CommittedAt = testTime.Add(time.Hour)
	renamed.Rejects = []File{}
	if LoadID(renamed) != want {
		t.Error("names, instants and nil slices must not matter")
	}
	for name, change := range map[string]func(*Manifest){
		"source": func(m *Manifest) { m.Source = "b" }, "table": func(m *Manifest) { m.Table = "b" },
		"sequence": func(m *Manifest) { m.Sequence++ }, "schema": func(m *Manifest) { m.SchemaHash = "b" },
		"before": func(m *Manifest) { m.Before = "c" }, "after": func(m *Manifest) { m.After = "c" },
		"file":   func(m *Manifest) { m.Files = []File{{Name: "x", Rows: 1, Bytes: 2, SHA256: "t"}} },
		"reject": func(m *Manifest) { m.Rejects = m.Files },
		"extra":  func(m *Manifest) { m.Extra = map[string]int64{"a": 2} },
	} {
		changed := m
		change(&changed)
		if LoadID(changed) == want {
			t.Errorf("another %s has the same id", name)
		}
	}
}
