package warehouse_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/progress"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/warehouse"
)

// zone is a landing zone in memory that counts what is read.
type zone struct {
	manifests map[landing.Key]landing.Manifest
	mu        sync.Mutex
	reads     int
}

func (z *zone) add(source, table string, sequence int64) {
	if z.manifests == nil {
		z.manifests = map[landing.Key]landing.Manifest{}
	}
	m := landing.Manifest{Source: source, Table: table, Sequence: sequence,
		Files: []landing.File{{Name: fmt.Sprintf("%s-%d", table, sequence), Rows: sequence, Bytes: 10}}}
	z.manifests[m.Key()] = m
}

func (z *zone) Keys(_ context.Context, sources ...string) iter.Seq2[landing.Key, error] {
	return func(yield func(landing.Key, error) bool) {
		for key := range z.manifests { // in no order at all
			if (len(sources) == 0 || slices.Contains(sources, key.Source)) && !yield(key, nil) {
				return
			}
		}
	}
}

func (z *zone) Read(_ context.Context, key landing.Key) (landing.Manifest, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.reads++
	m, ok := z.manifests[key]
	if !ok {
		return m, errors.New("no such manifest")
	}
	return m, nil
}

func (z *zone) URI(name string) string { return "/landing/" + name }

// tables is an engine that only keeps a ledger.
type tables struct {
	mu     sync.Mutex
	ledger []warehouse.Load
	refuse map[string]error // by contract ID
}

func (e *tables) Prepare(context.Context, []schemas.Table) error { return nil }

func (e *tables) Loads(context.Context) ([]warehouse.Load, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.ledger), nil
}

func (e *tables) Load(_ context.Context, table schemas.Table, run warehouse.Run) (warehouse.Load, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.refuse[table.ID()]; err != nil {
		return warehouse.Load{}, err
	}
	for i, f := range run.Manifest.Files {
		if run.Files[i] != "/landing/"+f.Name {
			return warehouse.Load{}, fmt.Errorf("file %s at %s", f.Name, run.Files[i])
		}
	}
	load := warehouse.Load{LoadID: run.LoadID, Source: run.Manifest.Source, Table: run.Manifest.Table,
		Sequence: run.Manifest.Sequence, Rows: run.Manifest.Rows(), Bytes: run.Manifest.Bytes()}
	e.ledger = append(e.ledger, load)
	return load, nil
}

// batches also takes several runs at a time, unless it is told to refuse them.
type batches struct {
	*tables
	sizes  []int
	broken bool
}

func (e *batches) LoadBatch(ctx context.Context, table schemas.Table, runs []warehouse.Run) ([]warehouse.Load, error) {
	e.sizes = append(e.sizes, len(runs))
	if e.broken {
		return nil, errors.New("one of them is broken")
	}
	var loads []warehouse.Load
	for _, run := range runs {
		load, err := e.Load(ctx, table, run)
		if err != nil {
			return nil, err
		}
		loads = append(loads, load)
	}
	return loads, nil
}

func TestLoader_LoadsTheRunsOfATableInOrder(t *testing.T) {
	z, e := &zone{}, &tables{}
	for sequence := int64(1); sequence <= 12; sequence++ {
		z.add("shop", "stripe.events", sequence)
		z.add("outlet", "stripe.events", sequence)
	}
	loads, err := warehouse.NewLoader(e, z, warehouse.LoaderOptions{Workers: 4}).Run(t.Context())
	if err != nil || len(loads) != 24 {
		t.Fatalf("%d loads, %v", len(loads), err)
	}
	next := map[string]int64{}
	for _, l := range e.ledger {
		if next[l.Source]++; l.Sequence != next[l.Source] {
			t.Errorf("%s: run %d was loaded as number %d", l.Source, l.Sequence, next[l.Source])
		}
	}
}

func TestLoader_ReadsOneManifestPerTableWhenNothingIsNew(t *testing.T) {
	z, e := &zone{}, &tables{}
	for sequence := int64(1); sequence <= 50; sequence++ {
		z.add("shop", "stripe.events", sequence)
		z.add("shop", "stripe.customers", sequence)
	}
	var mu sync.Mutex
	states := map[string][]progress.State{}
	listen := func(event progress.Event) {
		mu.Lock()
		defer mu.Unlock()
		states[event.Item] = append(states[event.Item], event.State)
	}
	loader := warehouse.NewLoader(e, z, warehouse.LoaderOptions{Progress: listen})
	if _, err := loader.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	z.reads = 0
	clear(states)
	loads, err := loader.Run(t.Context())
	if err != nil || len(loads) > 0 || z.reads != 2 {
		t.Errorf("%d loads, %d manifests read, %v", len(loads), z.reads, err)
	}
	want := map[string][]progress.State{
		"stripe.events":    {progress.Started, progress.Skipped},
		"stripe.customers": {progress.Started, progress.Skipped},
	}
	if fmt.Sprint(states) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", states, want)
	}
}

func TestLoader_RefusesALandingZoneThatWasBegunAnew(t *testing.T) {
	z, e := &zone{}, &tables{}
	z.add("shop", "stripe.events", 1)
	loader := warehouse.NewLoader(e, z, warehouse.LoaderOptions{})
	if _, err := loader.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	key := landing.Key{Source: "shop", Table: "stripe.events", Sequence: 1}
	m := z.manifests[key]
	m.Files = []landing.File{{Name: "stripe.events-1", Rows: 99, Bytes: 10}}
	z.manifests[key] = m
	z.add("shop", "stripe.events", 2)
	loads, err := loader.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "stripe.events from shop") || len(hint.Of(err)) != 1 || len(loads) > 0 {
		t.Errorf("%v, %v", loads, err)
	}
}

func TestLoader_JoinsTheErrorsOfTablesThatFail(t *testing.T) {
	z, e := &zone{}, &tables{refuse: map[string]error{"stripe.events": errors.New("no room"), "stripe.customers": errors.New("no ink")}}
	for _, table := range []string{"stripe.events", "stripe.customers", "stripe.invoices"} {
		z.add("shop", table, 1)
		z.add("shop", table, 2)
	}
	loads, err := warehouse.NewLoader(e, z, warehouse.LoaderOptions{}).Run(t.Context())
	for _, want := range []string{"load stripe.events from shop: run 1: no room", "load stripe.customers from shop: run 1: no ink"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v names not %q", err, want)
		}
	}
	if len(loads) != 2 || loads[0].Table != "stripe.invoices" {
		t.Errorf("loads: %v", loads)
	}
}

func TestLoader_LoadsManyRunsInFewTransactions(t *testing.T) {
	z := &zone{}
	for sequence := int64(1); sequence <= 300; sequence++ {
		z.add("shop", "stripe.events", sequence)
	}
	e := &batches{tables: &tables{}}
	loads, err := warehouse.NewLoader(e, z, warehouse.LoaderOptions{}).Run(t.Context())
	if err != nil || len(loads) != 300 || fmt.Sprint(e.sizes) != "[256 44]" {
		t.Errorf("%d loads in batches of %v, %v", len(loads), e.sizes, err)
	}
	broken := &batches{tables: &tables{}, broken: true}
	loads, err = warehouse.NewLoader(broken, z, warehouse.LoaderOptions{}).Run(t.Context())
	if err != nil || len(loads) != 300 {
		t.Errorf("one by one: %d loads, %v", len(loads), err)
	}
}

func TestLoader_RefusesATableWithoutAContract(t *testing.T) {
	z := &zone{}
	z.add("shop", "stripe.unheard_of", 1)
	_, err := warehouse.NewLoader(&tables{}, z, warehouse.LoaderOptions{}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "stripe.unheard_of") {
		t.Errorf("got %v", err)
	}
	other := warehouse.NewLoader(&tables{}, z, warehouse.LoaderOptions{Sources: []string{"other"}})
	if loads, err := other.Run(t.Context()); err != nil || len(loads) > 0 {
		t.Errorf("only another source: %v, %v", loads, err)
	}
}
