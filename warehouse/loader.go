package warehouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"

	"github.com/sourcegraph/conc/pool"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/progress"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// Landed is what the Loader needs of a landing zone; landing.Zone has it.
type Landed interface {
	// Keys yields the keys of the committed manifests of the sources (none given:
	// of all), in sequence order within a source's table.
	Keys(ctx context.Context, sources ...string) iter.Seq2[landing.Key, error]
	Read(ctx context.Context, key landing.Key) (landing.Manifest, error)
	URI(name string) string
}

// LoaderOptions tune a Loader; the zero value is good.
type LoaderOptions struct {
	Workers   int             // tables that are loaded at a time, default one per core
	Contracts []schemas.Table // default schemas.Contracts()
	Sources   []string        // load only these; default all
	Progress  progress.Func
}

// Loader carries committed manifests into raw tables.
type Loader struct {
	tables  RawTables
	landed  Landed
	options LoaderOptions
}

// NewLoader makes a loader.
func NewLoader(tables RawTables, landed Landed, opts LoaderOptions) *Loader {
	opts.Workers = cmp.Or(opts.Workers, runtime.GOMAXPROCS(0))
	if opts.Contracts == nil {
		opts.Contracts = schemas.Contracts()
	}
	return &Loader{tables, landed, opts}
}

// maxBatchRuns and maxBatchFiles bound what is read and loaded in one
// transaction: enough that its fixed cost does not count, few enough that
// a failure throws little away.
const (
	maxBatchRuns  = 256
	maxBatchFiles = 1024
)

// stream is one table of one source: its manifests are loaded in order.
type stream struct {
	source  string
	table   schemas.Table
	item    string        // in progress
	pending []landing.Key // not in the ledger
	newest  Load          // newest of the ledger that landing has, Sequence 0: none
}

// Run makes the raw tables ready and loads every committed manifest that the
// ledger lacks. Tables are loaded at the same time, the runs of one table of one
// source in their order. One that fails does not keep the others from loading. It
// returns what it loaded, by source, table and sequence, and all errors joined.
//
// When there is nothing to load it reads one manifest per table: the newest, to
// see that landing zone and warehouse still belong together.
func (l *Loader) Run(ctx context.Context) ([]Load, error) {
	if err := l.tables.Prepare(ctx, l.options.Contracts); err != nil {
		return nil, err
	}
	streams, err := l.streams(ctx)
	if err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex
		loads []Load
		errs  = make([]error, len(streams))
	)
	p := pool.New().WithMaxGoroutines(l.options.Workers)
	for i, s := range streams {
		p.Go(func() {
			errs[i] = l.runStream(ctx, s, func(done []Load) {
				mu.Lock()
				defer mu.Unlock()
				loads = append(loads, done...)
			})
		})
	}
	p.Wait()
	slices.SortFunc(loads, func(a, b Load) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Sequence, b.Sequence))
	})
	return loads, errors.Join(errs...)
}

// streams compares landing zone and ledger by (source, table, sequence).
func (l *Loader) streams(ctx context.Context) ([]stream, error) {
	ledger, err := l.tables.Loads(ctx)
	if err != nil {
		return nil, err
	}
	loaded := map[landing.Key]Load{}
	for _, load := range ledger {
		loaded[landing.Key{Source: load.Source, Table: load.Table, Sequence: load.Sequence}] = load
	}
	contracts := map[string]schemas.Table{}
	for _, t := range l.options.Contracts {
		contracts[t.ID()] = t
	}
	found := map[landing.Key]*stream{} // by source and table
	sources := map[string]int{}        // how many a table has
	for key, err := range l.landed.Keys(ctx, l.options.Sources...) {
		if err != nil {
			return nil, err
		}
		name := landing.Key{Source: key.Source, Table: key.Table}
		s := found[name]
		if s == nil {
			table, ok := contracts[key.Table]
			if !ok {
				return nil, hint.Wrap(fmt.Errorf("landing zone: source %s has a table %s, and there is no such contract", key.Source, key.Table),
					"a newer ripen may have landed it: update ripen, or move the folder away")
			}
			s = &stream{source: key.Source, table: table}
			found[name] = s
			sources[key.Table]++
		}
		if load, ok := loaded[key]; !ok {
			s.pending = append(s.pending, key)
		} else if load.Sequence > s.newest.Sequence {
			s.newest = load
		}
	}
	var streams []stream
	for _, name := range slices.SortedFunc(maps.Keys(found), func(a, b landing.Key) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Source, b.Source))
	}) {
		s := found[name]
		s.item = name.Table
		if sources[name.Table] > 1 {
			s.item += " of " + name.Source
		}
		slices.SortFunc(s.pending, func(a, b landing.Key) int { return cmp.Compare(a.Sequence, b.Sequence) })
		streams = append(streams, *s)
	}
	return streams, nil
}

func (l *Loader) runStream(ctx context.Context, s stream, done func([]Load)) error {
	event := progress.Event{Stage: "load", Item: s.item}
	send := func(state progress.State, change func(*progress.Event)) {
		e := event
		e.State = state
		if change != nil {
			change(&e)
		}
		l.options.Progress.Send(e)
	}
	send(progress.Started, nil)
	err := l.checkNewest(ctx, s)
	if err == nil && len(s.pending) == 0 {
		send(progress.Skipped, func(e *progress.Event) { e.Note = "nothing new" })
		return nil
	}
	for pending := s.pending; err == nil && len(pending) > 0; {
		var runs []Run
		runs, pending, err = l.nextRuns(ctx, pending)
		if err != nil {
			break
		}
		files := map[string]int64{} // by load id
		for _, run := range runs {
			files[run.LoadID] = int64(len(run.Files))
		}
		err = l.load(ctx, s.table, runs, func(loads []Load) {
			done(loads)
			send(progress.Moved, func(e *progress.Event) {
				for _, load := range loads {
					e.Rows += load.Rows
					e.Bytes += load.Bytes
					e.Files += files[load.LoadID]
				}
			})
		})
	}
	if err != nil {
		err = fmt.Errorf("load %s from %s: %w", s.table.ID(), s.source, err)
		send(progress.Failed, func(e *progress.Event) { e.Err = err })
		return err
	}
	send(progress.Done, nil)
	return nil
}

// checkNewest compares the newest loaded manifest with its row in the ledger: a
// landing zone that was begun anew has the same numbers with other content, and
// would be taken for loaded.
func (l *Loader) checkNewest(ctx context.Context, s stream) error {
	if s.newest.Sequence == 0 {
		return nil
	}
	m, err := l.landed.Read(ctx, landing.Key{Source: s.source, Table: s.table.ID(), Sequence: s.newest.Sequence})
	if err != nil {
		return err
	}
	if id := landing.LoadID(m); id != s.newest.LoadID {
		return hint.Wrap(
			fmt.Errorf("manifest %d is not the one that was loaded: its id is %s, the warehouse has %s", m.Sequence, id, s.newest.LoadID),
			"landing zone and warehouse belong to different histories: bring back the old landing folder, or start with a new warehouse file")
	}
	return nil
}

// nextRuns reads the manifests of the next batch and returns the keys behind it.
func (l *Loader) nextRuns(ctx context.Context, keys []landing.Key) (runs []Run, rest []landing.Key, err error) {
	files := 0
	for len(keys) > 0 && len(runs) < maxBatchRuns && files < maxBatchFiles {
		m, err := l.landed.Read(ctx, keys[0])
		if err != nil {
			return nil, nil, err
		}
		run := Run{Manifest: m, LoadID: landing.LoadID(m), Files: l.uris(m.Files), Rejects: l.uris(m.Rejects)}
		runs = append(runs, run)
		files += len(m.Files) + len(m.Rejects)
		keys = keys[1:]
	}
	return runs, keys, nil
}

func (l *Loader) uris(files []landing.File) []string {
	uris := make([]string, len(files))
	for i, f := range files {
		uris[i] = l.landed.URI(f.Name)
	}
	return uris
}

// load loads the runs together where the engine can, else one by one. When
// together fails, one by one commits what comes before the fault and names it.
func (l *Loader) load(ctx context.Context, table schemas.Table, runs []Run, done func([]Load)) error {
	if batches, ok := l.tables.(Batches); ok && len(runs) > 1 {
		if loads, err := batches.LoadBatch(ctx, table, runs); err == nil {
			done(loads)
			return nil
		} else if ctx.Err() != nil {
			return err
		}
	}
	for _, run := range runs {
		load, err := l.tables.Load(ctx, table, run)
		if err != nil {
			return fmt.Errorf("run %d: %w", run.Manifest.Sequence, err)
		}
		done([]Load{load})
	}
	return nil
}
