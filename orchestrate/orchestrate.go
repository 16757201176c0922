// Package orchestrate runs a graph of steps, lets one run at a time into a
// project, and keeps the history of runs. It knows nothing of what the steps do.
//
// A step runs once everything it needs has succeeded. A failed step skips what
// depends on it, directly or not, and the rest goes on: one broken source does
// not hold up the others.
//
//	waiting ──▶ running ──▶ done
//	   │           └──────▶ failed ──▶ (dependants) skipped
//	   └──────────────────▶ skipped
package orchestrate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/sourcegraph/conc/pool"
)

// Step is one piece of work.
type Step struct {
	Name  string
	Needs []string // names of the steps that must have succeeded
	Retry Retry
	Run   func(context.Context) error
}

// Retry says how often a failed step is tried again. The zero value: not at all.
type Retry struct {
	Attempts int           // tries beyond the first
	Wait     time.Duration // before the first of them; doubles each time
	If       func(error) bool
}

// Status is how a step ended.
type Status string

// Statuses. Running, Killed and Interrupted are of a whole run only.
const (
	Running     Status = "running" // in a ledger: or killed
	Killed      Status = "killed"  // what Running means when nobody holds the lease
	Interrupted Status = "interrupted"

	Done    Status = "done"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Result is the end of one step.
type Result struct {
	Name     string
	Status   Status
	Attempts int
	Duration time.Duration
	Err      error // of Failed; of Skipped it wraps ErrSkipped and names the step that failed
}

// ErrSkipped is wrapped by the error of a step that did not run because a step
// it needs failed.
var ErrSkipped = errors.New("skipped")

// Options configure Run.
type Options struct {
	Workers int                                        // steps that run at once; 0: 1
	Clock   func() time.Time                           // nil: time.Now
	Wait    func(context.Context, time.Duration) error // between attempts; nil: a timer
	OnEnd   func(Result)                               // called as each step ends, one call at a time; may be nil
}

// Run runs the steps and returns one result per step, in the order of steps, with
// the errors of the failed ones joined. A graph that cannot run (a cycle, a need
// that is no step, a name that stands twice) is an error before anything ran.
func Run(ctx context.Context, steps []Step, o Options) ([]Result, error) {
	if err := checkGraph(steps); err != nil {
		return nil, err
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	w := walk{steps: steps, ended: map[string]*Result{}, results: make([]Result, len(steps)), ends: make(chan int, len(steps)), o: o}
	workers := pool.New().WithMaxGoroutines(max(1, o.Workers))
	running := 0
	started := make([]bool, len(steps))
	for len(w.ended) < len(steps) {
		for i := range steps {
			if started[i] || !w.settled(steps[i]) {
				continue
			}
			if cause := w.cause(ctx, steps[i]); cause != nil {
				started[i] = true
				w.end(i, Result{Name: steps[i].Name, Status: Skipped, Err: cause})
				continue
			}
			if running < max(1, o.Workers) {
				started[i] = true
				running++
				workers.Go(func() {
					w.results[i] = w.run(ctx, steps[i])
					w.ends <- i
				})
			}
		}
		if running == 0 {
			continue // everything that could move was skipped; look again at what that settled
		}
		i := <-w.ends
		running--
		w.end(i, w.results[i])
	}
	workers.Wait()
	var errs []error
	for _, r := range w.results {
		if r.Status == Failed {
			errs = append(errs, r.Err)
		}
	}
	if err := ctx.Err(); err != nil {
		errs = append(errs, err)
	}
	return w.results, errors.Join(errs...)
}

type walk struct {
	steps   []Step
	ended   map[string]*Result
	results []Result
	ends    chan int
	o       Options
}

func (w *walk) end(i int, r Result) {
	w.results[i] = r
	w.ended[r.Name] = &w.results[i]
	if w.o.OnEnd != nil {
		w.o.OnEnd(r)
	}
}

// settled reports whether everything the step needs has ended.
func (w *walk) settled(s Step) bool {
	return !slices.ContainsFunc(s.Needs, func(need string) bool { return w.ended[need] == nil })
}

// cause is why the step cannot run, or nil.
func (w *walk) cause(ctx context.Context, s Step) error {
	for _, need := range s.Needs {
		switch r := w.ended[need]; r.Status {
		case Failed:
			return fmt.Errorf("%w: %s failed", ErrSkipped, need)
		case Skipped:
			return r.Err // names the step at the root of it
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ErrSkipped, ctx.Err())
	}
	return nil
}

func (w *walk) run(ctx context.Context, s Step) Result {
	begin := w.o.Clock()
	r := Result{Name: s.Name, Status: Done}
	pause := s.Retry.Wait
	for {
		r.Attempts++
		r.Err = guard(ctx, s.Run)
		if r.Err == nil || r.Attempts > s.Retry.Attempts || ctx.Err() != nil || (s.Retry.If != nil && !s.Retry.If(r.Err)) {
			break
		}
		if err := w.o.Wait(ctx, pause); err != nil {
			break
		}
		pause *= 2
	}
	r.Duration = w.o.Clock().Sub(begin)
	if r.Err != nil {
		r.Status = Failed
		r.Err = fmt.Errorf("%s: %w", s.Name, r.Err)
	}
	return r
}

// errExited is the error of a step that ended its goroutine (runtime.Goexit).
var errExited = errors.New("the step ended its goroutine")

// guard turns a panic into an error: one broken step must not take the others
// down. The step has a goroutine of its own, because one that ends its goroutine
// would end a worker, and the run would wait for it for ever.
func guard(ctx context.Context, f func(context.Context) error) error {
	ended := make(chan error, 1)
	go func() {
		err := errExited
		defer func() {
			if p := recover(); p != nil {
				err = panicError(p)
			}
			ended <- err
		}()
		err = f(ctx)
	}()
	return <-ended
}

func panicError(p any) error {
	if err, ok := p.(error); ok {
		return fmt.Errorf("panic: %w\n%s", err, debug.Stack())
	}
	return fmt.Errorf("panic: %v\n%s", p, debug.Stack())
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// checkGraph reports why the steps cannot run.
func checkGraph(steps []Step) error {
	byName := map[string]Step{}
	for _, s := range steps {
		if _, twice := byName[s.Name]; twice {
			return fmt.Errorf("step %s stands twice", s.Name)
		}
		byName[s.Name] = s
	}
	for _, s := range steps {
		for _, need := range s.Needs {
			if _, ok := byName[need]; !ok {
				return fmt.Errorf("step %s needs %s, which is no step", s.Name, need)
			}
		}
	}
	state := map[string]int{} // 1: on the path, 2: clear
	var path []string
	var visit func(string) error
	visit = func(name string) error {
		switch state[name] {
		case 1:
			return fmt.Errorf("steps need each other: %s", strings.Join(append(path[slices.Index(path, name):], name), " → "))
		case 2:
			return nil
		}
		state[name] = 1
		path = append(path, name)
		for _, need := range byName[name].Needs {
			if err := visit(need); err != nil {
				return err
			}
		}
		path = path[:len(path)-1]
		state[name] = 2
		return nil
	}
	for _, s := range steps {
		if err := visit(s.Name); err != nil {
			return err
		}
	}
	return nil
}
