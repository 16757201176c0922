package extractorstest

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// ReadZone reads the committed rows of a table back from a zone in a folder: how
// often each row came, by its text.
func ReadZone(t *testing.T, zone *landing.Zone, source string, table schemas.Table) map[string]int {
	t.Helper()
	rows := map[string]int{}
	for manifest, err := range zone.Manifests(t.Context(), source) {
		if err != nil {
			t.Fatal(err)
		}
		if manifest.Table != table.ID() {
			continue
		}
		for _, f := range manifest.Files {
			for _, row := range readParquet(t, zone.URI(f.Name)) {
				rows[row]++
			}
		}
	}
	return rows
}

func readParquet(t *testing.T, path string) []string {
	t.Helper()
	reader, err := file.OpenParquetFile(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	arrows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := arrows.ReadTable(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Release()
	batches := array.NewTableReader(whole, whole.NumRows())
	defer batches.Release()
	var rows []string
	for batches.Next() {
		rows = append(rows, RowTexts(batches.Record())...)
	}
	return rows
}
