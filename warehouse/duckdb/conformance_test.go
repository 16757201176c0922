package duckdb_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
	"github.com/ripen-data/ripen/warehouse/warehousetest"
)

func TestDuckDB_IsAWarehouse(t *testing.T) {
	warehousetest.Run(t, warehousetest.Engine{
		Open:  func(t *testing.T) warehouse.Warehouse { return open(t, duckdb.Config{}) },
		Param: func(name string) string { return "$" + name },
		Range: func(count int) string { return fmt.Sprintf("range(1, %d) AS r(n)", count+1) },
	})
}

// open opens a database in a file of the test unless cfg names one.
func open(t testing.TB, cfg duckdb.Config) *duckdb.DB {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = filepath.Join(t.TempDir(), "warehouse.duckdb")
	}
	db, err := duckdb.Open(t.Context(), cfg)
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
