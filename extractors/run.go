package extractors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/progress"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// Defaults of RunOptions.
const (
	DefaultWorkers     = 4
	DefaultCommitRows  = 8 * landing.RowGroupRows
	DefaultCommitEvery = 5 * time.Minute
)

// RunOptions say what Run extracts and how. Source, Extractor and Zone are required.
type RunOptions struct {
	Source    string // name in ripen.yaml
	Extractor Extractor
	Zone      *landing.Zone
	Progress  progress.Func            // nil: nobody watches
	Tables    func(schemas.Table) bool // nil: every table of the source
	Drift     map[string]schemas.Drift // by contract ID, in place of the contract's own policy; nil: none
	Workers   int                      // tables read at the same time; 0: DefaultWorkers
	// A table is committed at its end, and on the way at the first checkpoint
	// after so many rows or so much time, so that a first extraction of hours
	// resumes where it was stopped. 0: the defaults.
	CommitRows  int64
	CommitEvery time.Duration
	Clock       func() time.Time // nil: time.Now
}

// TableResult is what Run did with one table.
type TableResult struct {
	Source    string
	Table     string             // contract ID
	Manifests []landing.Manifest // committed, in order; none when nothing was new
	Bytes     int64              // read at the source
	Err       error              // also part of Run's error
}

// RejectedRows is the number of dead letters committed.
func (r TableResult) RejectedRows() (n int64) {
	for _, m := range r.Manifests {
		n += m.RejectedRows()
	}
	return n
}

// Rows is the number of rows committed.
func (r TableResult) Rows() (n int64) {
	for _, m := range r.Manifests {
		n += m.Rows()
	}
	return n
}

// Rejected is the number of dead letters committed.
func (r TableResult) Rejected() (n int64) {
	for _, m := range r.Manifests {
		n += m.RejectedRows()
	}
	return n
}

// Run extracts the tables of a source side by side and commits what is new to
// the landing zone. A table that fails does not stop the others, and what it
// yielded up to its last checkpoint is committed. The results, in the order of
// Extractor.Tables, are complete also when there is an error, which joins the
// errors of the tables. The end of ctx stops every table at its last checkpoint.
func Run(ctx context.Context, opts RunOptions) ([]TableResult, error) {
	opts.Workers = cmp.Or(opts.Workers, DefaultWorkers)
	opts.CommitRows = cmp.Or(opts.CommitRows, DefaultCommitRows)
	opts.CommitEvery = cmp.Or(opts.CommitEvery, DefaultCommitEvery)
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	var tables []schemas.Table
	for _, table := range opts.Extractor.Tables() {
		if opts.Tables == nil || opts.Tables(table) {
			table.Drift = cmp.Or(opts.Drift[table.ID()], table.Drift)
			tables = append(tables, table)
		}
	}
	results := make([]TableResult, len(tables))
	workers := pool.New().WithMaxGoroutines(opts.Workers)
	for i, table := range tables {
		workers.Go(func() {
			c := carrier{RunOptions: opts, table: table}
			results[i] = c.carry(ctx)
		})
	}
	workers.Wait()
	var errs []error
	for _, r := range results {
		errs = append(errs, r.Err)
	}
	return results, errors.Join(errs...)
}

// label names a table of a source: stripe.subscriptions, or
// warehouse_export.product.events where the source has another name than the dataset.
func label(source string, table schemas.Table) string {
	if source == table.Dataset {
		return table.ID()
	}
	return source + "." + table.ID()
}

// carrier takes the batches of one table to the landing zone.
type carrier struct {
	RunOptions
	table  schemas.Table
	run    *landing.Run
	rows   int64     // of run
	since  time.Time // run began
	result TableResult
}

func (c *carrier) carry(ctx context.Context) TableResult {
	c.result = TableResult{Source: c.Source, Table: c.table.ID()}
	item := label(c.Source, c.table)
	c.Progress.Send(progress.Event{Stage: "extract", Item: item, State: progress.Started})
	last := progress.Event{Stage: "extract", Item: item, State: progress.Done}
	err := c.extract(ctx, item)
	switch {
	case err != nil:
		c.result.Err = fmt.Errorf("extract %s: %w", item, err)
		last.State, last.Err = progress.Failed, c.result.Err
	case len(c.result.Manifests) == 0:
		last.State, last.Note = progress.Skipped, "nothing new"
	}
	c.Progress.Send(last)
	return c.result
}

func (c *carrier) extract(ctx context.Context, item string) (err error) {
	if err := c.begin(ctx); err != nil {
		return err
	}
	// Whatever happens, even a panic, files that nobody committed are removed.
	defer func() { err = errors.Join(err, c.run.Abort(ctx)) }()
	for batch, err := range c.Extractor.Extract(ctx, c.table, c.run.After()) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			release(batch)
			return errors.Join(err, c.commit(ctx, item))
		}
		rows, err := c.land(batch)
		if err != nil {
			return err
		}
		c.rows += rows
		c.result.Bytes += batch.Bytes
		c.Progress.Send(progress.Event{Stage: "extract", Item: item, State: progress.Moved, Rows: rows, Bytes: batch.Bytes})
		due := c.rows >= c.CommitRows || c.rows > 0 && c.Clock().Sub(c.since) >= c.CommitEvery
		if batch.Cursor == "" || !due {
			continue
		}
		if err := c.commit(ctx, item); err != nil {
			return err
		}
		if err := c.begin(ctx); err != nil {
			return err
		}
		if c.run.After() != batch.Cursor {
			return conflict(landing.ErrConflict)
		}
	}
	return errors.Join(ctx.Err(), c.commit(ctx, item))
}

func (c *carrier) begin(ctx context.Context) error {
	run, err := c.Zone.Begin(ctx, c.Source, c.table)
	if err != nil {
		return err
	}
	c.run, c.rows, c.since = run, 0, c.Clock()
	return nil
}

// land hands one batch over and returns the number of its rows.
func (c *carrier) land(batch Batch) (rows int64, err error) {
	defer release(batch)
	if batch.Rows != nil {
		rows = batch.Rows.NumRows()
		if err := c.run.Write(batch.Rows); err != nil {
			return 0, err
		}
	}
	if err := c.run.Reject(batch.Rejects); err != nil {
		return 0, err
	}
	c.run.Extra(batch.Extra)
	if batch.Cursor != "" {
		c.run.Checkpoint(batch.Cursor)
	}
	return rows, nil
}

// commit ends the run at its last checkpoint. The end of ctx does not stop it:
// what was read and may be committed is not read again next time.
func (c *carrier) commit(ctx context.Context, item string) error {
	manifest, committed, err := c.run.Commit(context.WithoutCancel(ctx))
	if err != nil {
		return conflict(err)
	}
	if committed {
		c.result.Manifests = append(c.result.Manifests, manifest)
		c.Progress.Send(progress.Event{Stage: "extract", Item: item, State: progress.Moved, Files: int64(len(manifest.Files))})
	}
	return nil
}

func release(batch Batch) {
	if batch.Rows != nil {
		batch.Rows.Release()
	}
}

func conflict(err error) error {
	if errors.Is(err, landing.ErrConflict) {
		return hint.Wrap(err, "nothing of this run was landed twice; run it again when the other one has ended")
	}
	return err
}
