// Package transformstest puts the real analyzer, the real compiler and a DuckDB
// in memory together, for tests that are about all three. They link for minutes:
// what can be shown with less is tested in package transforms.
package transformstest

import (
	"context"
	"testing"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/gsql"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// Engine makes an engine of the real parts; cacheDir may be empty.
func Engine(cacheDir string) *transforms.Engine {
	return transforms.NewEngine(OpenAnalyzer, Compile, "test", cacheDir)
}

// OpenAnalyzer starts the real analyzer.
func OpenAnalyzer() (transforms.Analyzer, error) { return gsql.Open() }

// Compile is the real compiler.
func Compile(statement *syntax.Statement) (syntax.Template, []schemas.Column, error) {
	compiled, err := duck.Compile(statement)
	return compiled.Template, compiled.Columns, err
}

// Memory opens a DuckDB in memory that runs compiled statements.
func Memory(ctx context.Context) (*duckdb.DB, error) {
	return duckdb.Open(ctx, duckdb.Config{Path: duckdb.Memory, Setup: []string{duck.Prelude}})
}

// OpenCases is Memory as RunCases wants it: every worker has one thread, so that
// many small statements do not fight for the cores.
func OpenCases(ctx context.Context) func() (transforms.CaseWarehouse, error) {
	return func() (transforms.CaseWarehouse, error) {
		return duckdb.Open(ctx, duckdb.Config{Path: duckdb.Memory, Threads: 1, Setup: []string{duck.Prelude}})
	}
}

// MustMemory is Memory for the length of a test.
func MustMemory(t testing.TB) *duckdb.DB {
	t.Helper()
	db, err := Memory(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
