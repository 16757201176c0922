// Package extractorstest is the conformance suite of extractors.Extractor. Every
// adapter runs it over a source that does not change meanwhile.
package extractorstest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// errKilled is what a Killer ends with.
var errKilled = errors.New("killed")

// TestExtractor runs the suite. open returns an extractor of the same unchanged
// source each time, with at least one record.
func TestExtractor(t *testing.T, open func(t *testing.T) extractors.Extractor) {
	t.Run("NamesItsTablesInStableOrder", func(t *testing.T) { namesTables(t, open) })
	t.Run("YieldsRowsOfTheContract", func(t *testing.T) { yieldsContract(t, open) })
	t.Run("YieldsNothingTwice", func(t *testing.T) { yieldsNothingTwice(t, open) })
	t.Run("ResumesBehindEveryCursor", func(t *testing.T) { resumes(t, open) })
	t.Run("StopsWhenTheCallerStops", func(t *testing.T) { stops(t, open) })
	t.Run("HeedsItsContext", func(t *testing.T) { heedsContext(t, open) })
	t.Run("RefusesForeignCursor", func(t *testing.T) { refusesCursor(t, open) })
	t.Run("LandsEverythingOnceHoweverItIsKilled", func(t *testing.T) { survivesKills(t, open) })
}

// Landed is what an extraction yielded: how often each row came, by its text,
// and the cursors in order.
type Landed struct {
	Rows    map[string]int
	Rejects int
	Cursors []landing.Cursor
	Batches int
}

// Collect extracts a table to its end and fails the test on an error.
func Collect(t *testing.T, e extractors.Extractor, table schemas.Table, after landing.Cursor) Landed {
	t.Helper()
	out := Landed{Rows: map[string]int{}}
	for batch, err := range e.Extract(t.Context(), table, after) {
		if err != nil {
			t.Fatalf("%s: %v", table.ID(), err)
		}
		out.Batches++
		out.Rejects += len(batch.Rejects)
		if batch.Rows != nil {
			for _, row := range RowTexts(batch.Rows) {
				out.Rows[row]++
			}
			batch.Rows.Release()
		}
		if batch.Cursor != "" {
			out.Cursors = append(out.Cursors, batch.Cursor)
		}
	}
	return out
}

// RowTexts renders each row of a record as one text.
func RowTexts(record arrow.Record) []string {
	rows := make([]string, record.NumRows())
	for i := range rows {
		for c, column := range record.Columns() {
			if !column.IsNull(i) {
				rows[i] += fmt.Sprintf("%s=%q ", record.ColumnName(c), column.ValueStr(i))
			}
		}
	}
	return rows
}

func namesTables(t *testing.T, open func(*testing.T) extractors.Extractor) {
	var first []string
	for range 3 {
		var ids []string
		for _, table := range open(t).Tables() {
			if _, ok := schemas.Contract(table.ID()); !ok || slices.Contains(ids, table.ID()) {
				t.Errorf("table %s is no contract, or stands twice", table.ID())
			}
			ids = append(ids, table.ID())
		}
		if first == nil {
			first = ids
		}
		if len(ids) == 0 || !slices.Equal(ids, first) {
			t.Errorf("tables are %q, before %q", ids, first)
		}
	}
}

func yieldsContract(t *testing.T, open func(*testing.T) extractors.Extractor) {
	e := open(t)
	rows := int64(0)
	for _, table := range e.Tables() {
		covered := true
		for batch, err := range e.Extract(t.Context(), table, "") {
			if err != nil {
				t.Fatalf("%s: %v", table.ID(), err)
			}
			if batch.Rows != nil {
				if !batch.Rows.Schema().Equal(table.ArrowSchema()) {
					t.Fatalf("%s: rows have schema %s, the contract has %s", table.ID(), batch.Rows.Schema(), table.ArrowSchema())
				}
				rows += batch.Rows.NumRows()
				batch.Rows.Release()
			}
			covered = batch.Cursor != ""
		}
		if !covered {
			t.Errorf("%s: the last batch has no cursor, so it can never be committed", table.ID())
		}
	}
	if rows == 0 {
		t.Error("the source has no rows: the suite shows nothing")
	}
}

func yieldsNothingTwice(t *testing.T, open func(*testing.T) extractors.Extractor) {
	e := open(t)
	for _, table := range e.Tables() {
		first := Collect(t, e, table, "")
		if len(first.Cursors) == 0 {
			continue
		}
		again := Collect(t, open(t), table, first.Cursors[len(first.Cursors)-1])
		if len(again.Rows) > 0 || again.Rejects > 0 {
			t.Errorf("%s: a second run yields %d rows and %d rejects", table.ID(), len(again.Rows), again.Rejects)
		}
	}
}

func resumes(t *testing.T, open func(*testing.T) extractors.Extractor) {
	e := open(t)
	for _, table := range e.Tables() {
		all := Collect(t, e, table, "")
		for i, cursor := range all.Cursors {
			before := map[string]int{}
			seen := 0
			for batch, err := range e.Extract(t.Context(), table, "") {
				if err != nil {
					t.Fatalf("%s: %v", table.ID(), err)
				}
				if batch.Rows != nil {
					for _, row := range RowTexts(batch.Rows) {
						before[row]++
					}
					batch.Rows.Release()
				}
				if batch.Cursor != "" {
					if seen++; seen > i {
						break
					}
				}
			}
			for row, n := range Collect(t, open(t), table, cursor).Rows {
				before[row] += n
			}
			if !maps.Equal(before, all.Rows) {
				t.Errorf("%s: behind cursor %d of %d: %d different rows, want %d, each as often", table.ID(), i+1, len(all.Cursors), len(before), len(all.Rows))
			}
		}
	}
}

func stops(t *testing.T, open func(*testing.T) extractors.Extractor) {
	e := open(t)
	for _, table := range e.Tables() {
		n := 0
		for batch, err := range e.Extract(t.Context(), table, "") {
			if n++; err != nil {
				t.Fatalf("%s: %v", table.ID(), err)
			}
			if batch.Rows != nil {
				batch.Rows.Release()
			}
			break
		}
		if n > 1 {
			t.Errorf("%s: yields after the caller stopped", table.ID())
		}
	}
}

func heedsContext(t *testing.T, open func(*testing.T) extractors.Extractor) {
	e := open(t)
	for _, table := range e.Tables() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var last error
		for batch, err := range e.Extract(ctx, table, "") {
			if batch.Rows != nil {
				batch.Rows.Release()
			}
			if last != nil {
				t.Errorf("%s: yields after an error", table.ID())
			}
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("%s: with an ended context the error is %v", table.ID(), last)
		}
	}
}

func refusesCursor(t *testing.T, open func(*testing.T) extractors.Extractor) {
	e := open(t)
	for _, table := range e.Tables() {
		var last error
		for batch, err := range e.Extract(t.Context(), table, "not a cursor of this source") {
			if batch.Rows != nil {
				batch.Rows.Release()
			}
			last = err
		}
		if last == nil {
			t.Errorf("%s: a foreign cursor is taken", table.ID())
		}
	}
}

// Killer is an Extractor whose extractions end with an error after some batches.
type Killer struct {
	extractors.Extractor
	Batches int // that come through
}

// Extract ends after k.Batches batches.
func (k Killer) Extract(ctx context.Context, table schemas.Table, after landing.Cursor) iter.Seq2[extractors.Batch, error] {
	return func(yield func(extractors.Batch, error) bool) {
		left := k.Batches
		for batch, err := range k.Extractor.Extract(ctx, table, after) {
			if err == nil && left == 0 {
				if batch.Rows != nil {
					batch.Rows.Release()
				}
				yield(extractors.Batch{}, errKilled)
				return
			}
			left--
			if !yield(batch, err) {
				return
			}
		}
	}
}

func survivesKills(t *testing.T, open func(*testing.T) extractors.Extractor) {
	e := open(t)
	most := 0
	want := map[string]map[string]int{}
	for _, table := range e.Tables() {
		all := Collect(t, e, table, "")
		most = max(most, all.Batches)
		want[table.ID()] = all.Rows
	}
	for _, commitRows := range []int64{1, 1 << 40} {
		for n := range most + 1 {
			bucket, err := landing.NewDir(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			zone := landing.Open(bucket, landing.Options{})
			run := func(e extractors.Extractor) error {
				_, err := extractors.Run(t.Context(), extractors.RunOptions{Source: "s", Extractor: e, Zone: zone, CommitRows: commitRows})
				return err
			}
			if err := run(Killer{open(t), n}); err != nil && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			if err := run(open(t)); err != nil {
				t.Fatal(err)
			}
			for _, table := range e.Tables() {
				if got := ReadZone(t, zone, "s", table); !maps.Equal(got, want[table.ID()]) {
					t.Errorf("%s killed after %d batches, commits after %d rows: %d different rows landed, want %d, each as often",
						table.ID(), n, commitRows, len(got), len(want[table.ID()]))
				}
			}
		}
	}
}
