package extractors_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/extractors/extractorstest"
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/internal/progress"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// script is an extractor whose tables are lists of steps, one batch each. The
// cursor is the number of steps behind it.
type script struct {
	ids   []string
	steps map[string][]step
}

type step struct {
	rows    int
	rejects int
	cursor  bool
	err     error
	do      func() // before the batch
}

func (s script) Tables() []schemas.Table {
	var tables []schemas.Table
	for _, id := range s.ids {
		table, _ := schemas.Contract(id)
		tables = append(tables, table)
	}
	return tables
}

func (s script) Extract(_ context.Context, table schemas.Table, after landing.Cursor) iter.Seq2[extractors.Batch, error] {
	return func(yield func(extractors.Batch, error) bool) {
		done := 0
		if after != "" {
			if _, err := fmt.Sscan(string(after), &done); err != nil {
				yield(extractors.Batch{}, err)
				return
			}
		}
		d := jsonrows.New(table, jsonrows.Options{})
		for i, step := range s.steps[table.ID()] {
			if i < done {
				continue
			}
			if step.do != nil {
				step.do()
			}
			if step.err != nil {
				yield(extractors.Batch{}, step.err)
				return
			}
			for n := range step.rows {
				d.Append(fmt.Appendf(nil, `{"id":"%d-%d","updatedAt":"2026-01-01","new":1}`, i, n), "page", int64(n))
			}
			for n := range step.rejects {
				d.Append([]byte(`{"id":`), "page", int64(n))
			}
			rows, err := d.Flush()
			batch := extractors.Batch{Rows: rows.Record, Rejects: rows.Rejects, Extra: map[string]int64{"new": int64(step.rows)}, Bytes: 10}
			if step.cursor {
				batch.Cursor = landing.Cursor(fmt.Sprint(i + 1))
			}
			if !yield(batch, err) {
				return
			}
		}
	}
}

func newZone(t *testing.T) *landing.Zone {
	t.Helper()
	bucket, err := landing.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return landing.Open(bucket, landing.Options{})
}

const owners, companies, deals = "hubspot.owners", "hubspot.companies", "hubspot.deals"

func TestRun_CommitsTablesBesideOneThatFails(t *testing.T) {
	boom := errors.New("boom")
	e := script{[]string{owners, companies, deals}, map[string][]step{
		owners:    {{rows: 2, cursor: true}, {rows: 3, rejects: 1, cursor: true}},
		companies: {{rows: 2, cursor: true}, {rows: 5}, {err: boom}},
		deals:     {{rows: 4}, {err: boom}},
	}}
	zone := newZone(t)
	results, err := extractors.Run(t.Context(), extractors.RunOptions{Source: "hubspot", Extractor: e, Zone: zone})
	if !errors.Is(err, boom) || !strings.Contains(err.Error(), "extract hubspot.companies: boom") || !strings.Contains(err.Error(), "extract hubspot.deals: boom") {
		t.Errorf("the error is %v", err)
	}
	want := []struct {
		table          string
		rows, rejected int64
		manifests      int
	}{{owners, 5, 1, 1}, {companies, 2, 0, 1}, {deals, 0, 0, 0}}
	for i, w := range want {
		r := results[i]
		if r.Source != "hubspot" || r.Table != w.table || r.Rows() != w.rows || r.Rejected() != w.rejected || len(r.Manifests) != w.manifests || (r.Err != nil) != (i > 0) {
			t.Errorf("result %d is %+v, want %+v", i, r, w)
		}
	}
	if m := results[1].Manifests[0]; m.After != "1" || m.Extra["new"] != 2 {
		t.Errorf("what came after the checkpoint is in the manifest: %+v", m)
	}
	if results[0].Bytes != 20 {
		t.Errorf("%d bytes read", results[0].Bytes)
	}

	e.steps[companies][2] = step{rows: 1, cursor: true}
	e.steps[deals][1] = step{cursor: true}
	results, err = extractors.Run(t.Context(), extractors.RunOptions{Source: "hubspot", Extractor: e, Zone: zone})
	if err != nil || len(results[0].Manifests) != 0 || results[1].Rows() != 6 || results[2].Rows() != 4 {
		t.Errorf("the next run: %+v, %v", results, err)
	}
	results, err = extractors.Run(t.Context(), extractors.RunOptions{Source: "hubspot", Extractor: e, Zone: zone})
	if err != nil || len(results[0].Manifests)+len(results[1].Manifests)+len(results[2].Manifests) > 0 {
		t.Errorf("a run with nothing new: %+v, %v", results, err)
	}
}

func TestRun_CommitsOnTheWayAfterRowsOrTime(t *testing.T) {
	steps := []step{{rows: 3, cursor: true}, {rows: 3}, {rows: 3, cursor: true}, {rows: 1, cursor: true}, {rows: 1, cursor: true}}
	for _, test := range []struct {
		name  string
		opts  extractors.RunOptions
		every time.Duration // that each step takes
		want  []int64
	}{
		{"at the end", extractors.RunOptions{}, 0, []int64{11}},
		{"rows", extractors.RunOptions{CommitRows: 4}, 0, []int64{9, 2}},
		{"each", extractors.RunOptions{CommitRows: 1}, 0, []int64{3, 6, 1, 1}},
		{"time", extractors.RunOptions{CommitEvery: 2 * time.Minute}, time.Minute, []int64{9, 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			timed := slices.Clone(steps)
			for i := range timed {
				timed[i].do = func() { now = now.Add(test.every) }
			}
			opts := test.opts
			opts.Source, opts.Zone, opts.Clock = "hubspot", newZone(t), func() time.Time { return now }
			opts.Extractor = script{[]string{owners}, map[string][]step{owners: timed}}
			results, err := extractors.Run(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			var got []int64
			for _, m := range results[0].Manifests {
				got = append(got, m.Rows())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("commits of %d rows, want %d", got, test.want)
			}
		})
	}
}

func TestRun_StopsAtCheckpointWhenContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	e := script{[]string{owners}, map[string][]step{owners: {{rows: 2, cursor: true}, {rows: 3, do: cancel}, {rows: 1, cursor: true}}}}
	zone := newZone(t)
	results, err := extractors.Run(ctx, extractors.RunOptions{Source: "hubspot", Extractor: e, Zone: zone})
	if !errors.Is(err, context.Canceled) || results[0].Rows() != 2 {
		t.Errorf("%d rows committed, error %v", results[0].Rows(), err)
	}
	e.steps[owners][1].do = nil
	results, err = extractors.Run(t.Context(), extractors.RunOptions{Source: "hubspot", Extractor: e, Zone: zone})
	if err != nil || results[0].Rows() != 4 {
		t.Errorf("the next run: %d rows, error %v", results[0].Rows(), err)
	}
}

func TestRun_LandsNothingTwiceBesideAnotherWriter(t *testing.T) {
	zone := newZone(t)
	quiet := script{[]string{owners}, map[string][]step{owners: {{rows: 2, cursor: true}, {rows: 2, cursor: true}}}}
	other := func() {
		if _, err := extractors.Run(t.Context(), extractors.RunOptions{Source: "hubspot", Extractor: quiet, Zone: zone}); err != nil {
			t.Error(err)
		}
	}
	for at := range 2 {
		disturbed := script{[]string{owners}, map[string][]step{owners: slices.Clone(quiet.steps[owners])}}
		disturbed.steps[owners][at].do = other
		zone = newZone(t)
		results, err := extractors.Run(t.Context(), extractors.RunOptions{Source: "hubspot", Extractor: disturbed, Zone: zone, CommitRows: 1})
		if !errors.Is(err, landing.ErrConflict) {
			t.Errorf("disturbed at step %d: %+v, %v", at, results, err)
		}
		table, _ := schemas.Contract(owners)
		for row, n := range extractorstest.ReadZone(t, zone, "hubspot", table) {
			if n != 1 {
				t.Errorf("row landed %d times: %s", n, row)
			}
		}
		other() // whoever runs next completes it
		if got := extractorstest.ReadZone(t, zone, "hubspot", table); len(got) != 4 {
			t.Errorf("%d rows landed in the end", len(got))
		}
	}
}

func TestRun_TellsProgressAndHeedsChoice(t *testing.T) {
	var mu sync.Mutex
	states := map[string][]progress.State{}
	rows := map[string]int64{}
	e := script{[]string{owners, companies, deals}, map[string][]step{
		owners: {{rows: 2, cursor: true}}, companies: {{err: errors.New("boom")}}, deals: {{rows: 2, cursor: true}},
	}}
	run := func() {
		_, _ = extractors.Run(t.Context(), extractors.RunOptions{
			Source: "crm", Extractor: e, Zone: newZone(t), Workers: 1,
			Tables: func(table schemas.Table) bool { return table.ID() != deals },
			Progress: func(e progress.Event) {
				mu.Lock()
				defer mu.Unlock()
				states[e.Item] = append(states[e.Item], e.State)
				rows[e.Item] += e.Rows
			},
		})
	}
	run()
	if got := states["crm.hubspot.owners"]; !slices.Equal(got, []progress.State{progress.Started, progress.Moved, progress.Moved, progress.Done}) || rows["crm.hubspot.owners"] != 2 {
		t.Errorf("owners: %v, %d rows", got, rows["crm.hubspot.owners"])
	}
	if got := states["crm.hubspot.companies"]; !slices.Equal(got, []progress.State{progress.Started, progress.Failed}) {
		t.Errorf("companies: %v", got)
	}
	if len(states) != 2 {
		t.Errorf("items: %v", states)
	}
}

func TestRun_AbortsWhenExtractorPanics(t *testing.T) {
	dir := t.TempDir()
	bucket, err := landing.NewDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	zone := landing.Open(bucket, landing.Options{})
	e := script{[]string{owners}, map[string][]step{owners: {{rows: 2, cursor: true}, {do: func() { panic("bug") }}}}}
	func() {
		defer func() {
			if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "bug") {
				t.Errorf("the panic is %v", r)
			}
		}()
		_, _ = extractors.Run(t.Context(), extractors.RunOptions{Source: "hubspot", Extractor: e, Zone: zone})
	}()
	for name, err := range bucket.List(t.Context(), "") {
		t.Errorf("left behind: %s, %v", name, err)
	}
}

func TestSuite_HoldsForScript(t *testing.T) {
	extractorstest.TestExtractor(t, func(*testing.T) extractors.Extractor {
		return heeding{script{[]string{owners, deals}, map[string][]step{
			owners: {{rows: 2, cursor: true}, {rows: 3}, {rows: 1, rejects: 1, cursor: true}},
			deals:  {{rows: 2}, {rows: 1}, {cursor: true}},
		}}}
	})
}

// heeding is a script that looks at its context.
type heeding struct{ script }

func (h heeding) Extract(ctx context.Context, table schemas.Table, after landing.Cursor) iter.Seq2[extractors.Batch, error] {
	return func(yield func(extractors.Batch, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(extractors.Batch{}, err)
			return
		}
		h.script.Extract(ctx, table, after)(yield)
	}
}
