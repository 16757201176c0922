package landing

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestRun_CommitsExactlyUpToTheLastCheckpoint lands batches of random sizes with
// checkpoints at random places and breaks off, over and over, until every row of
// a series is committed; what is committed is read back with both readers.
func TestRun_CommitsExactlyUpToTheLastCheckpoint(t *testing.T) {
	for seed := range uint64(16) {
		t.Run(fmt.Sprintf("Seed%d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 11))
			z := Open(newDir(t), Options{
				Clock:       testClock,
				MaxFileRows: 1 + random.Int64N(400),
				MemoryBytes: 16<<10 + random.Int64N(1<<20),
			})
			const total = 1500
			for committed := int64(0); committed < total; {
				run, err := z.Begin(t.Context(), "app", allTypes())
				if err != nil {
					t.Fatal(err)
				}
				next, marked := committed, committed
				for next < total && random.IntN(12) > 0 {
					rows := min(1+random.Int64N(1+random.Int64N(300)), total-next)
					record := testRecord(t, allTypes(), next, rows)
					if err := run.Write(record); err != nil {
						t.Fatal(err)
					}
					record.Release()
					next += rows
					if random.IntN(3) == 0 {
						run.Checkpoint(Cursor(fmt.Sprint(next)))
						marked = next
					}
				}
				m, ok, err := run.Commit(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if ok != (marked > committed) {
					t.Fatalf("Commit = %v with checkpoint %d after %d", ok, marked, committed)
				}
				if ok {
					if m.Before != cursorOf(committed) || m.After != cursorOf(marked) || m.Rows() != marked-committed {
						t.Fatalf("%d rows from %q to %q are committed, want %d to %d", m.Rows(), m.Before, m.After, committed, marked)
					}
					checkRows(t, readBack(t, z, m.Files, allTypes().ArrowSchema()), committed, marked-committed)
					checkRowsIndependently(t, z, m.Files, committed)
				}
				committed = marked
			}
			if n := z.buffered.Load(); n != 0 {
				t.Errorf("%d bytes are still charged after all runs have ended", n)
			}
			files := 0
			for m, err := range z.Manifests(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				files += 1 + len(m.Files)
			}
			if names := listAll(t, z.bucket); len(names) != files {
				t.Errorf("%d objects are left, want %d", len(names), files)
			}
		})
	}
}

func cursorOf(rows int64) Cursor {
	if rows == 0 {
		return ""
	}
	return Cursor(fmt.Sprint(rows))
}

func TestRun_CutsOffDeadLettersAndCountsAfterTheCheckpoint(t *testing.T) {
	z := Open(newDir(t), Options{Clock: testClock})
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	reject := func(line int64) {
		t.Helper()
		if err := run.Reject([]Reject{{Location: "f", Line: line, Reason: Malformed}}); err != nil {
			t.Fatal(err)
		}
		run.Extra(map[string]int64{"utm": 2})
	}
	reject(1)
	reject(2)
	run.Checkpoint("2")
	reject(3)
	m, ok, err := run.Commit(t.Context())
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if m.Rows() != 0 || m.RejectedRows() != 2 || m.Extra["utm"] != 4 {
		t.Errorf("%d rows, %d dead letters and %v are committed, want 0, 2 and 4 of utm", m.Rows(), m.RejectedRows(), m.Extra)
	}
}
