package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	duck "github.com/duckdb/duckdb-go/v2" // the bare statements' own connections

	"github.com/ripen-data/ripen/orchestrate"
	"github.com/ripen-data/ripen/transforms"
)

// spent is what one candidate of a round took.
type spent struct{ wall, processor time.Duration }

func spentBy(do func()) spent {
	begin, used := time.Now(), processorTime()
	do()
	return spent{time.Since(begin), processorTime() - used}
}

func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// median is the middle of the rounds by f; rounds that the machine disturbed do not move it.
func median(rounds []spent, f func(spent) time.Duration) time.Duration {
	values := make([]time.Duration, len(rounds))
	for i, r := range rounds {
		values[i] = f(r)
	}
	slices.SortFunc(values, cmp.Compare)
	return values[len(values)/2]
}

func wallOf(s spent) time.Duration      { return s.wall }
func processorOf(s spent) time.Duration { return s.processor }

// BenchmarkEngine builds the whole mart with the engine (analysis from its cache,
// exact types, checks, ledgers, publication), and by its bare statements: CREATE OR
// REPLACE TABLE AS in the same order, on as many connections at once, in turns, each
// in a copy of one database that holds the raw tables. The goal: less than 10 % more.
func BenchmarkEngine(b *testing.B) {
	for _, times := range []int{1, 10} {
		b.Run(fmt.Sprint("x", times), func(b *testing.B) {
			dir := b.TempDir()
			measure(b, child(b.TempDir(), "init", dir, "--accounts", fmt.Sprint(1000*times)))
			for _, stage := range []string{"extract", "load"} {
				measure(b, child(dir, stage, "--as-of", engineAsOf(b, dir)), exitRejects)
			}
			mart := openMart(b, dir)
			mart.engine(b) // fills the cache of analysed SQL
			var engine, bare []spent
			for b.Loop() {
				engine = append(engine, mart.engine(b))
				bare = append(bare, mart.bare(b))
			}
			for name, of := range map[string]func(spent) time.Duration{"wall": wallOf, "processor": processorOf} {
				ours, theirs := median(engine, of), median(bare, of)
				b.ReportMetric(100*(ours.Seconds()/theirs.Seconds()-1), name+"_%more")
				b.ReportMetric(ours.Seconds()*1000, name+"_ms")
				b.ReportMetric(theirs.Seconds()*1000, "bare_"+name+"_ms")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// engineAsOf is an instant that the simulated company of a new project has reached.
func engineAsOf(b *testing.B, dir string) string {
	b.Helper()
	cfg, err := readConfig(dir)
	if err != nil {
		b.Fatal(err)
	}
	start, err := parseInstant(cfg.Sandbox.Start, time.Time{})
	if err != nil {
		b.Fatal(err)
	}
	return start.AddDate(0, 0, cfg.Sandbox.Days).Format(time.RFC3339)
}

// mart is a project whose raw tables are loaded.
type mart struct {
	project  *project
	asOf     time.Time
	loaded   string // the database as it was loaded
	compiled map[*transforms.Model]*transforms.Compiled
	graph    *transforms.Graph
}

func openMart(b *testing.B, dir string) *mart {
	b.Helper()
	cfg, err := readConfig(dir)
	if err != nil {
		b.Fatal(err)
	}
	m := &mart{project: &project{cfg: cfg}, loaded: filepath.Join(b.TempDir(), "loaded.duckdb")}
	if m.asOf, err = time.Parse(time.RFC3339, engineAsOf(b, dir)); err != nil {
		b.Fatal(err)
	}
	copyFile(b, m.project.warehousePath(), m.loaded)
	raw, err := m.project.rawTables(b.Context(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	engine, graph, err := m.project.openGraph(raw)
	if err == nil {
		m.graph = graph
		m.compiled, err = engine.Compile(graph, graph.Order)
	}
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// engine brings every model up to date, as `ripen transform` does.
func (m *mart) engine(b *testing.B) spent {
	b.Helper()
	copyFile(b, m.loaded, m.project.warehousePath())
	return spentBy(func() {
		db, err := m.project.openWarehouse(b.Context(), false, time.Now)
		if err != nil {
			b.Fatal(err)
		}
		builder, err := m.project.builder(b.Context(), db, &pipelineFlags{}, transforms.Options{AsOf: m.asOf, Release: "bench", Clock: time.Now})
		if err != nil {
			b.Fatal(err)
		}
		var steps []orchestrate.Step
		for _, model := range builder.Models() {
			steps = append(steps, orchestrate.Step{Name: model.String(), Needs: builder.Needs(model), Run: func(ctx context.Context) error {
				_, err := builder.Build(ctx, model)
				return err
			}})
		}
		runSteps(b, steps)
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

// bare runs the compiled statements, and nothing else.
func (m *mart) bare(b *testing.B) spent {
	b.Helper()
	path := m.project.warehousePath()
	copyFile(b, m.loaded, path)
	table := func(model *transforms.Model) string {
		return fmt.Sprintf("bare.%s__%s", model.Dataset, model.Name)
	}
	var steps []orchestrate.Step
	var db *sql.DB
	asOf := sql.Named(transforms.AsOf, duck.Typed(m.asOf, duck.TYPE_TIMESTAMP))
	for _, model := range m.graph.Order {
		text := m.compiled[model].Render(func(name string) string {
			if parent, ok := m.graph.Project.Model(name); ok {
				return table(parent)
			}
			return ""
		})
		var params []any
		if m.compiled[model].Uses(transforms.AsOf) {
			params = append(params, asOf)
		}
		var needs []string
		for _, parent := range m.graph.Parents(model) {
			needs = append(needs, parent.String())
		}
		steps = append(steps, orchestrate.Step{Name: model.String(), Needs: needs, Run: func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, "CREATE OR REPLACE TABLE "+table(model)+" AS\n"+text, params...)
			return err
		}})
	}
	return spentBy(func() {
		var err error
		db, err = sql.Open("duckdb", path+"?memory_limit="+m.project.cfg.Warehouse.MemoryLimit+"&default_null_order=nulls_first_on_asc_last_on_desc")
		if err != nil {
			b.Fatal(err)
		}
		for _, setting := range []string{"SET GLOBAL TimeZone = 'UTC'", "CREATE SCHEMA bare"} {
			if _, err := db.ExecContext(b.Context(), setting); err != nil {
				b.Fatal(err)
			}
		}
		runSteps(b, steps)
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	})
}

// runSteps works on as many models at once as the command does by default.
func runSteps(b *testing.B, steps []orchestrate.Step) {
	b.Helper()
	results, err := orchestrate.Run(b.Context(), steps, orchestrate.Options{Workers: 2, Clock: time.Now})
	if err != nil || len(results) != len(steps) {
		b.Fatalf("%d steps of %d: %v", len(results), len(steps), err)
	}
}

func copyFile(b *testing.B, from, to string) {
	b.Helper()
	in, err := os.Open(from)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err == nil {
		_, err = io.Copy(out, in)
	}
	if err == nil {
		err = out.Sync() // or the first candidate pays for it
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}
