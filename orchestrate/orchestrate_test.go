package orchestrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestRun_RunsEachStepOnceAfterAllItNeeds(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := 1 + r.IntN(20)
		var mu sync.Mutex
		done := map[string]bool{}
		runs := map[string]int{}
		var active, most atomic.Int64
		workers := 1 + r.IntN(4)
		steps := make([]Step, n)
		fails := map[string]bool{}
		for i := range steps {
			name := fmt.Sprint("s", i)
			var needs []string
			for j := range i {
				if r.IntN(4) == 0 {
					needs = append(needs, fmt.Sprint("s", j))
				}
			}
			fails[name] = r.IntN(6) == 0
			steps[i] = Step{Name: name, Needs: needs, Run: func(context.Context) error {
				now := active.Add(1)
				defer active.Add(-1)
				for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
				}
				mu.Lock()
				defer mu.Unlock()
				runs[name]++
				for _, need := range needs {
					if !done[need] {
						t.Errorf("seed %d: %s ran before %s was done", seed, name, need)
					}
				}
				if fails[name] {
					return errors.New("broken")
				}
				done[name] = true
				return nil
			}}
		}
		r.Shuffle(n, func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		results, err := Run(context.Background(), steps, Options{Workers: workers})
		anyFailed := false
		for i, result := range results {
			if result.Name != steps[i].Name {
				t.Fatalf("seed %d: result %d is of %s, want %s", seed, i, result.Name, steps[i].Name)
			}
			want := map[Status]int{Done: 1, Failed: 1, Skipped: 0}[result.Status]
			if runs[result.Name] != want {
				t.Errorf("seed %d: %s %s ran %d times", seed, result.Name, result.Status, runs[result.Name])
			}
			if result.Status == Skipped && !errors.Is(result.Err, ErrSkipped) {
				t.Errorf("seed %d: %s skipped with %v", seed, result.Name, result.Err)
			}
			anyFailed = anyFailed || result.Status == Failed
		}
		if (err != nil) != anyFailed {
			t.Errorf("seed %d: error %v, failed steps %v", seed, err, anyFailed)
		}
		if most.Load() > int64(workers) {
			t.Errorf("seed %d: %d steps at once with %d workers", seed, most.Load(), workers)
		}
	}
}

func TestRun_RefusesAGraphThatCannotRun(t *testing.T) {
	never := func(context.Context) error { t.Error("a step ran"); return nil }
	for want, steps := range map[string][]Step{
		"a → b → a":                 {{Name: "a", Needs: []string{"b"}, Run: never}, {Name: "b", Needs: []string{"a"}, Run: never}},
		"needs c, which is no step": {{Name: "a", Needs: []string{"c"}, Run: never}},
		"a stands twice":            {{Name: "a", Run: never}, {Name: "a", Run: never}},
	} {
		if _, err := Run(context.Background(), steps, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestRun_RetriesWithGrowingWaits(t *testing.T) {
	var waits []time.Duration
	calls := 0
	step := Step{Name: "a", Retry: Retry{Attempts: 3, Wait: time.Second}, Run: func(context.Context) error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	}}
	results, err := Run(context.Background(), []Step{step}, Options{Wait: func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}})
	if err != nil || results[0].Attempts != 3 || fmt.Sprint(waits) != "[1s 2s]" {
		t.Errorf("%v, %d attempts, waits %v", err, results[0].Attempts, waits)
	}
	calls = 0
	step.Retry.If = func(error) bool { return false }
	if results, err := Run(context.Background(), []Step{step}, Options{}); err == nil || results[0].Attempts != 1 {
		t.Errorf("an error that cannot be cured was tried %d times: %v", results[0].Attempts, err)
	}
}

func TestRun_TurnsAPanicIntoAnErrorOfItsStep(t *testing.T) {
	results, err := Run(context.Background(), []Step{
		{Name: "bad", Run: func(context.Context) error { panic("boom") }},
		{Name: "good", Run: func(context.Context) error { return nil }},
	}, Options{})
	if err == nil || !strings.Contains(err.Error(), "bad: panic: boom") || results[1].Status != Done {
		t.Errorf("%v, %v", err, results)
	}
}

func TestRun_CancelDrainsAndSkipsTheRest(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	results, err := Run(ctx, []Step{
		{Name: "first", Run: func(context.Context) error { cancel(); return nil }},
		{Name: "second", Needs: []string{"first"}, Run: func(context.Context) error { t.Error("ran"); return nil }},
	}, Options{})
	if !errors.Is(err, context.Canceled) || results[0].Status != Done || results[1].Status != Skipped {
		t.Errorf("%v, %v", err, results)
	}
}

func TestLease_HasOneHolderAndNamesIt(t *testing.T) {
	path := t.TempDir() + "/.ripen/lease"
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	first, err := Acquire(path, "ripen run", now)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Acquire(path, "ripen load", now)
	if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "`ripen run`, process ") || !strings.Contains(err.Error(), "2026-01-02T03:04:05Z") {
		t.Errorf("got %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := Acquire(path, "ripen load", now)
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
}

func TestLedger_ReturnsTheNewestRunsFirst(t *testing.T) {
	l := NewLedger(t.TempDir() + "/runs")
	if records, err := l.Last(3); err != nil || len(records) != 0 {
		t.Fatalf("empty ledger: %v, %v", records, err)
	}
	for i := range 5 {
		err := l.Add(RunRecord{RunID: fmt.Sprintf("2026010%dT000000Z", i+1), Status: Done, Steps: []StepRecord{{Name: "a", Status: Failed, Error: "x"}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	records, err := l.Last(2)
	if err != nil || len(records) != 2 || records[0].RunID != "20260105T000000Z" || records[1].Steps[0].Error != "x" {
		t.Errorf("%v, %v", records, err)
	}
}
