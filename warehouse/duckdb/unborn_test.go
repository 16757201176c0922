package duckdb_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/ripen-data/ripen/warehouse/duckdb"
)

func TestOpen_BeginsAnewWhereCreationBrokeOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "w.duckdb")
	whole, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := whole.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 12, 4096, 8192, 12287} {
		if err := os.WriteFile(path, text[:size], 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := duckdb.Open(t.Context(), duckdb.Config{Path: path, ReadOnly: true}); err == nil && size > 0 {
			t.Errorf("%d bytes are read as a database", size)
		}
		db, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		expect(t, db, "SELECT 1", "1")
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpen_LeavesFilesAloneThatAreNoUnbornDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte("somebody's notes"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := duckdb.Open(t.Context(), duckdb.Config{Path: path}); err == nil {
		t.Error("a text is opened as a database")
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "somebody's notes" {
		t.Errorf("the file now holds %q, %v", text, err)
	}
}
