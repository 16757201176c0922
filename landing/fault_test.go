package landing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/ripen-data/ripen/schemas"
)

// faultyBucket breaks the n-th write to objects of its bucket, counted from 1
// over all of them. With n 0 it only counts.
type faultyBucket struct {
	Bucket
	n      int
	fault  func(w io.Writer, p []byte) (int, error)
	writes int
}

func (b *faultyBucket) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	return b.Bucket.Create(ctx, name, func(w io.Writer) error { return write(faultyWriter{b, w}) })
}

type faultyWriter struct {
	bucket *faultyBucket
	w      io.Writer
}

func (w faultyWriter) Write(p []byte) (int, error) {
	w.bucket.writes++
	if w.bucket.writes == w.bucket.n {
		return w.bucket.fault(w.w, p)
	}
	return w.w.Write(p)
}

// faults are what a file system can do to one write. The last four say that all
// is well, or half is, and only reading back can find them.
var faults = map[string]func(w io.Writer, p []byte) (int, error){
	"ErrorOnce":     func(w io.Writer, p []byte) (int, error) { return 0, errors.New("input/output error") },
	"DiskFull":      func(w io.Writer, p []byte) (int, error) { n, _ := w.Write(p[:len(p)/2]); return n, syscall.ENOSPC },
	"ShortWrite":    func(w io.Writer, p []byte) (int, error) { return w.Write(p[:len(p)-1]) },
	"Lost":          func(w io.Writer, p []byte) (int, error) { return len(p), nil },
	"HalfLost":      func(w io.Writer, p []byte) (int, error) { _, err := w.Write(p[:len(p)/2]); return len(p), err },
	"Doubled":       func(w io.Writer, p []byte) (int, error) { _, _ = w.Write(p); return w.Write(p) },
	"OneBitFlipped": func(w io.Writer, p []byte) (int, error) { return w.Write(flipped(p, len(p)/2)) },
}

func flipped(p []byte, at int) []byte {
	q := append([]byte(nil), p...)
	q[at] ^= 0x10
	return q
}

// landFaulty lands 220 rows in two files, the first of two row groups, and a dead
// letter. Few columns keep the number of writes, and so of faults, small.
func landFaulty(t *testing.T, bucket Bucket) (*Zone, Manifest, error) {
	t.Helper()
	table := allTypes()
	table.Columns = slices.DeleteFunc(table.Columns, func(c schemas.Column) bool {
		return !slices.Contains([]string{"id", "text", "amount", "at"}, c.Name)
	})
	z := Open(bucket, Options{Clock: testClock, MaxFileRows: 160, MemoryBytes: 12 << 10})
	run, err := z.Begin(t.Context(), "app", table)
	if err != nil {
		return z, Manifest{}, err
	}
	for n := int64(0); n < 220; n += 20 {
		record := testRecord(t, table, n, 20)
		err = errors.Join(err, run.Write(record))
		record.Release()
	}
	err = errors.Join(err, run.Reject([]Reject{{Location: "f.jsonl", Line: 7, Reason: Malformed, Payload: "{"}}))
	run.Checkpoint("220")
	m, ok, commitErr := run.Commit(t.Context())
	if ok == (commitErr != nil) {
		t.Fatalf("Commit = %v, %v", ok, commitErr)
	}
	if err != nil && commitErr == nil {
		t.Fatalf("Commit succeeded after %v", err)
	}
	return z, m, commitErr
}

func TestRun_CommitsNoDamageWhicheverWriteBreaks(t *testing.T) {
	counter := &faultyBucket{Bucket: newDir(t)}
	if _, m, err := landFaulty(t, counter); err != nil || len(m.Files) != 2 || len(m.Rejects) != 1 {
		t.Fatalf("without a fault: %v, %v", m, err)
	}
	const least = 3*5 + 10 + 3*2 + 1 // chunks of three row groups and of the dead letter, magic and footer, manifest
	if counter.writes < least {
		t.Fatalf("only %d writes: row groups are missing", counter.writes)
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := 1; n <= counter.writes; n++ {
				dir := newDir(t)
				_, _, err := landFaulty(t, &faultyBucket{Bucket: dir, n: n, fault: fault})
				manifest := n == counter.writes // the last write is the manifest's
				z := Open(dir, Options{Clock: testClock})
				switch {
				case err == nil && !manifest:
					t.Fatalf("write %d of %d broke, and Commit succeeded", n, counter.writes)
				case err != nil && !manifest:
					if names := listAll(t, dir); len(names) > 0 {
						t.Fatalf("write %d of %d broke, and %q stayed", n, counter.writes, names)
					}
				}
				m, found, err := z.Latest(t.Context(), "app", "test.rows")
				switch {
				case found && !manifest:
					t.Fatalf("write %d of %d broke, and the manifest is there", n, counter.writes)
				case found:
					t.Fatalf("the broken manifest %v is taken for whole", m)
				case err == nil && manifest && (name == "ErrorOnce" || name == "DiskFull" || name == "ShortWrite"):
				case err == nil && manifest:
					t.Fatal("the manifest is broken on disk, and reading it says nothing")
				}
			}
		})
	}
}

func listAll(t *testing.T, bucket Bucket) (names []string) {
	t.Helper()
	for name, err := range bucket.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func TestRun_NamesTheFileWhenTheDiskIsFull(t *testing.T) {
	for n := range 3 {
		_, _, err := landFaulty(t, &faultyBucket{Bucket: newDir(t), n: n + 1, fault: faults["DiskFull"]})
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(fmt.Sprint(err), "app/test.rows/data/000001-") {
			t.Errorf("write %d: %v, want ENOSPC and the file", n, err)
		}
	}
}

// dyingBucket is a process that is killed at its n-th effect on the bucket,
// before it or, for what becomes visible at once, just after it. From then on
// nothing of it reaches the bucket, which other processes see as it is.
type dyingBucket struct {
	Bucket
	n     int
	steps int
}

var errDead = errors.New("killed")

// step reports whether the process is still alive.
func (b *dyingBucket) step() error {
	if b.steps++; b.n > 0 && b.steps >= b.n {
		return errDead
	}
	return nil
}

func (b *dyingBucket) dead() bool { return b.n > 0 && b.steps >= b.n }

func (b *dyingBucket) Create(ctx context.Context, name string, write func(io.Writer) error) error {
	if err := b.step(); err != nil {
		return err
	}
	err := b.Bucket.Create(ctx, name, func(w io.Writer) error {
		if err := write(w); err != nil {
			return err
		}
		return b.step()
	})
	return errors.Join(err, b.step())
}

func (b *dyingBucket) Delete(ctx context.Context, name string) error {
	if err := b.step(); err != nil {
		return err
	}
	return errors.Join(b.Bucket.Delete(ctx, name), b.step())
}

func (b *dyingBucket) Open(ctx context.Context, name string) (Object, error) {
	if b.dead() {
		return nil, errDead
	}
	return b.Bucket.Open(ctx, name)
}

func (b *dyingBucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	if b.dead() {
		return func(yield func(string, error) bool) { yield("", errDead) }
	}
	return b.Bucket.List(ctx, prefix)
}

// extractSteps lands what is missing of 320 rows, whose cursor is the number of
// rows, in runs of at most 160. Each run breaks off behind its last checkpoint,
// so that the rows after it have to be cut off.
func extractSteps(ctx context.Context, t *testing.T, z *Zone) error {
	t.Helper()
	for {
		run, err := z.Begin(ctx, "app", allTypes())
		if err != nil {
			return err
		}
		next := int64(0)
		if run.After() != "" {
			if _, err := fmt.Sscan(string(run.After()), &next); err != nil {
				return err
			}
		}
		if next == 320 {
			return run.Abort(ctx)
		}
		end := min(next+160, 320)
		for ; next < end; next += 20 {
			record := testRecord(t, allTypes(), next, 20)
			err := run.Write(record)
			record.Release()
			if err != nil {
				return errors.Join(err, run.Abort(ctx))
			}
			if n := next + 20; n%40 == 0 {
				if err := run.Reject([]Reject{{Location: "api", Line: n, Reason: WrongType}}); err != nil {
					return errors.Join(err, run.Abort(ctx))
				}
				run.Checkpoint(Cursor(fmt.Sprint(n)))
			}
		}
		if end < 320 {
			record := testRecord(t, allTypes(), end, 37)
			err := errors.Join(run.Write(record), run.Reject([]Reject{{Location: "api", Line: end + 1, Reason: WrongType}}))
			record.Release()
			if err != nil {
				return errors.Join(err, run.Abort(ctx))
			}
		}
		if _, _, err := run.Commit(ctx); err != nil {
			return err
		}
	}
}

func TestZone_ConvergesWhereverAProcessIsKilled(t *testing.T) {
	options := Options{Clock: testClock, MaxFileRows: 60, MemoryBytes: 128 << 10}
	alive := &dyingBucket{Bucket: newDir(t)}
	if err := extractSteps(t.Context(), t, Open(alive, options)); err != nil {
		t.Fatal(err)
	}
	if alive.steps < 30 {
		t.Fatalf("only %d effects", alive.steps)
	}
	for n := 1; n <= alive.steps; n++ {
		t.Run(fmt.Sprintf("AtEffect%d", n), func(t *testing.T) {
			t.Parallel()
			dir := newDir(t)
			if err := extractSteps(t.Context(), t, Open(&dyingBucket{Bucket: dir, n: n}, options)); !errors.Is(err, errDead) {
				t.Fatalf("killed: %v", err)
			}
			z := Open(dir, options)
			if err := extractSteps(t.Context(), t, z); err != nil {
				t.Fatalf("after the kill: %v", err)
			}
			if _, err := z.Sweep(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			checkConverged(t, z)
		})
	}
}

// checkConverged fails unless rows 0 … 319 and eight dead letters are committed,
// each once, and no other file is left.
func checkConverged(t *testing.T, z *Zone) {
	t.Helper()
	rows, files, letters := int64(0), 0, int64(0)
	for m, err := range z.Manifests(t.Context()) {
		if err != nil {
			t.Fatalf("%v", err)
		}
		checkRows(t, readBack(t, z, m.Files, allTypes().ArrowSchema()), rows, m.Rows())
		rows += m.Rows()
		files += 1 + len(m.Files) + len(m.Rejects)
		letters += m.RejectedRows()
		if string(m.After) != fmt.Sprint(rows) {
			t.Fatalf("%d rows are committed with cursor %s", rows, m.After)
		}
	}
	if rows != 320 || letters != 8 {
		t.Fatalf("%d rows and %d dead letters are committed, want 320 and 8", rows, letters)
	}
	if names := listAll(t, z.bucket); len(names) != files {
		t.Fatalf("%d objects are left, want %d: %q", len(names), files, names)
	}
}
