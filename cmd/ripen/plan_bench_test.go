package main

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/transforms/transformstest"
)

// BenchmarkPlan compares files with what they have been deployed as: the shipped
// mart, and with it so many generated models more. The goal: less than 1 s.
func BenchmarkPlan(b *testing.B) {
	for _, more := range []int{0, 54, 454} {
		b.Run(fmt.Sprint(46+more), func(b *testing.B) {
			dir := b.TempDir()
			measure(b, child(b.TempDir(), "init", dir, "--accounts", "200", "--days", "45"))
			if more > 0 {
				writeModels(b, transformstest.Generate(more), filepath.Join(dir, "sql"))
			}
			asOf := engineAsOf(b, dir)
			measure(b, child(dir, "run", "--as-of", asOf), exitRejects)
			best := usage{seconds: 1e9}
			for b.Loop() {
				if u := measure(b, child(dir, "plan", "--as-of", asOf)); u.seconds < best.seconds {
					best = u
				}
			}
			out, err := child(dir, "plan", "--as-of", asOf).Output()
			if err != nil || !strings.Contains(string(out), fmt.Sprintf("plan: %d unchanged\n", 46+more)) {
				b.Fatalf("%v: %s", err, out)
			}
			b.ReportMetric(best.seconds, "best_s")
			b.ReportMetric(best.processor, "processor_s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkCases runs 200 unit cases of generated models, and those of the mart,
// from the start of the command to its end. The goal: less than 10 s.
func BenchmarkCases(b *testing.B) {
	dir := b.TempDir()
	measure(b, child(b.TempDir(), "init", dir))
	writeModels(b, transformstest.GenerateCases(100, 2), filepath.Join(dir, "sql"))
	best := usage{seconds: 1e9}
	measure(b, child(dir, "validate")) // fills the cache of analysed SQL
	for b.Loop() {
		if u := measure(b, child(dir, "test", "-s", "gen.*")); u.seconds < best.seconds {
			best = u
		}
	}
	out, err := child(dir, "test", "-s", "gen.*").Output()
	if err != nil || !strings.Contains(string(out), "200 passed, 0 failed") {
		b.Fatalf("%v: %s", err, out)
	}
	b.ReportMetric(best.seconds, "best_s")
	b.ReportMetric(best.processor, "processor_s")
	b.ReportMetric(0, "ns/op")
}

func writeModels(b *testing.B, models fs.FS, dir string) {
	b.Helper()
	err := fs.WalkDir(models, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(models, path)
		writeFile(b, filepath.Join(dir, path), string(text))
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}
