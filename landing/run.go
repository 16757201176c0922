package landing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/sourcegraph/conc/pool"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
)

// Run lands one piece of one table: any number of Write, Reject, Extra and
// Checkpoint, then one Commit. Commit up to the last checkpoint is allowed after
// the extraction broke, also when the context of Begin has ended. Every run must
// end in Commit or Abort; Abort after Commit does nothing. A Run is used by one
// goroutine at a time; different runs are independent.
type Run struct {
	zone     *Zone
	table    schemas.Table
	manifest Manifest // what will be committed, without files
	began    time.Time
	cancel   context.CancelFunc
	data     *writer
	rejects  *writer
	extra    map[string]int64 // all so far; manifest.Extra is up to the checkpoint
	err      error            // the first failure, or errEnded
}

var errEnded = errors.New("run has ended")

// Begin starts a run of a table of a source behind the newest manifest.
func (z *Zone) Begin(ctx context.Context, source string, table schemas.Table) (*Run, error) {
	if err := errors.Join(checkSegment("source", source), checkSegment("table", table.ID())); err != nil {
		return nil, err
	}
	latest, _, err := z.Latest(ctx, source, table.ID())
	if err != nil {
		return nil, err
	}
	began := z.options.Clock().UTC()
	// A cancelled extraction may still commit what it has, so only the run's own
	// end cancels its writes.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	manifest := Manifest{
		Source: source, Table: table.ID(), Sequence: latest.Sequence + 1, SchemaHash: table.SchemaHash(),
		Before: latest.After, After: latest.After, Extra: map[string]int64{},
	}
	run := began.Format(startLayout) + "-" + rand.Text()[:12]
	newWriter := func(kind string, schema *arrow.Schema) *writer {
		return &writer{zone: z, ctx: ctx, key: manifest.Key(), run: run, kind: kind, schema: schema}
	}
	return &Run{
		zone: z, table: table, manifest: manifest, began: began, cancel: cancel,
		data: newWriter("", table.ArrowSchema()), rejects: newWriter("rejects-", deadLetterSchema()),
		extra: map[string]int64{},
	}, nil
}

// After is the cursor behind which this run resumes.
func (r *Run) After() Cursor { return r.manifest.Before }

// Write lands the rows of a batch: the contract's columns, then
// schemas.ExtraColumn. It retains rec while it needs it, but the smallest and
// largest values are referred to for longer: the memory of a record must not be
// written again before the run has ended. After an error the run can only be
// aborted.
func (r *Run) Write(rec arrow.Record) error {
	if r.err != nil {
		return r.err
	}
	err := checkRecord(r.data.schema, rec)
	if err == nil {
		err = r.data.write(rec)
	}
	return r.fail(err)
}

// Reject lands records that did not fit the contract as dead letters.
func (r *Run) Reject(rejects []Reject) error {
	if r.err != nil || len(rejects) == 0 {
		return r.err
	}
	letters := deadLetterRecord(r.rejects.schema, r.manifest.Source, r.manifest.Table, rejects, r.zone.options.Clock())
	defer letters.Release()
	return r.fail(r.rejects.write(letters))
}

// fail keeps the first error: what came before it is not known to be whole.
func (r *Run) fail(err error) error {
	if err != nil {
		r.err = fmt.Errorf("land %s of %s: %w", r.manifest.Table, r.manifest.Source, err)
	}
	return r.err
}

// Extra counts fields that the contract does not know.
func (r *Run) Extra(fields map[string]int64) {
	for name, n := range fields {
		r.extra[name] += n
	}
}

// Checkpoint allows to commit everything so far, to be resumed behind c.
func (r *Run) Checkpoint(c Cursor) {
	r.data.checkpoint()
	r.rejects.checkpoint()
	r.manifest.After = c
	r.manifest.Extra = maps.Clone(r.extra)
}

// Commit reads every file back, compares it with what was written and then
// writes the manifest. Rows and dead letters after the last checkpoint are not
// part of it. It returns false when there is nothing to commit: no rows, no dead
// letters and the cursor unmoved. ErrConflict says that another run was first.
// After any error nothing of the run is committed, but for one case that the
// error names: the bucket failed while it took the manifest.
func (r *Run) Commit(ctx context.Context) (Manifest, bool, error) {
	if cause := r.err; cause != nil { // which Abort changes
		return Manifest{}, false, errors.Join(cause, r.Abort(ctx))
	}
	m, err := r.prepare(ctx)
	if err != nil {
		cause := r.fail(err)
		return Manifest{}, false, errors.Join(cause, r.Abort(ctx))
	}
	if len(m.Files) == 0 && len(m.Rejects) == 0 && m.Before == m.After {
		return Manifest{}, false, r.Abort(ctx)
	}
	if err := r.publish(ctx, m); err != nil {
		cause := r.fail(err)
		if !errors.Is(err, ErrConflict) {
			// The manifest may exist in spite of the error, so its files stay. If it
			// does not, Sweep removes them.
			r.end()
			return Manifest{}, false, cause
		}
		return Manifest{}, false, errors.Join(cause, r.Abort(ctx))
	}
	r.end()
	return m, true, nil
}

// prepare finishes the files and verifies them.
func (r *Run) prepare(ctx context.Context) (Manifest, error) {
	for _, w := range []*writer{r.data, r.rejects} {
		if err := w.cut(ctx); err != nil {
			return Manifest{}, err
		}
		if err := w.finish(); err != nil {
			return Manifest{}, err
		}
	}
	m := r.manifest
	m.Files, m.Rejects = r.data.manifestFiles(), r.rejects.manifestFiles()
	// A run that lost may have lost its files to Sweep as well: say so instead of
	// complaining about them.
	if err := r.conflict(ctx); err != nil {
		return Manifest{}, err
	}
	checks := pool.New().WithMaxGoroutines(runtime.GOMAXPROCS(0)).WithContext(ctx).WithFirstError()
	for _, w := range []*writer{r.data, r.rejects} {
		for _, f := range w.files {
			checks.Go(func(ctx context.Context) error { return verify(ctx, r.zone.bucket, f.Name, f.shape) })
		}
	}
	if err := checks.Wait(); err != nil {
		return Manifest{}, errors.Join(r.conflict(ctx), err)
	}
	m.CommittedAt = r.zone.options.Clock().UTC().Truncate(time.Microsecond)
	if age := m.CommittedAt.Sub(r.began); age > r.zone.options.Lease {
		return Manifest{}, hint.New(fmt.Sprintf("the run is %s old and may no longer commit", age.Round(time.Second)),
			"set a longer lease, or let the source commit more often")
	}
	return m, nil
}

// conflict is ErrConflict when the manifest of this run's number exists.
func (r *Run) conflict(ctx context.Context) error {
	object, err := r.zone.bucket.Open(ctx, r.manifest.Key().object())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return errors.Join(ErrConflict, object.Close())
}

// publish writes the manifest, the one effect that counts.
func (r *Run) publish(ctx context.Context, m Manifest) error {
	err := writeManifest(ctx, r.zone.bucket, m)
	switch {
	case errors.Is(err, ErrExists):
		// A bucket that retries may meet its own first attempt.
		if found, readErr := r.zone.Read(ctx, m.Key()); readErr != nil {
			return fmt.Errorf("the manifest exists, but whose it is cannot be read: %w", readErr)
		} else if sameFiles(found, m) {
			return nil
		}
		return ErrConflict
	case err != nil:
		return fmt.Errorf("whether the manifest was written is not known, the next run will see: %w", err)
	}
	return nil
}

// sameFiles reports whether a manifest found is the one that was to be written:
// file names are unique to a run.
func sameFiles(found, m Manifest) bool {
	if LoadID(found) != LoadID(m) || !found.CommittedAt.Equal(m.CommittedAt) {
		return false
	}
	for i, f := range m.Files {
		if found.Files[i] != f {
			return false
		}
	}
	for i, f := range m.Rejects {
		if found.Rejects[i] != f {
			return false
		}
	}
	return true
}

// Abort ends the run and removes its files; after Commit it does nothing. It
// works with an ended context too.
func (r *Run) Abort(ctx context.Context) error {
	if errors.Is(r.err, errEnded) {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	err := errors.Join(r.data.abort(ctx), r.rejects.abort(ctx))
	r.end()
	if err != nil {
		return fmt.Errorf("remove files of an aborted run: %w", err)
	}
	return nil
}

func (r *Run) end() {
	if r.err == nil {
		r.err = errEnded
	} else {
		r.err = fmt.Errorf("%w: %w", errEnded, r.err)
	}
	r.cancel()
}
