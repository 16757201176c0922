package files

import (
	"fmt"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/extractors/extractorstest"
)

func TestExtractor_KeepsTheContractOfExtractors(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "usage/a.parquet", parquetFile(t))
	var csv, jsonl strings.Builder
	csv.WriteString("user_id,created_at,name\n")
	for i := range 9000 {
		fmt.Fprintf(&csv, "u%d,2026-01-01,%s\n", i, strings.Repeat("n", 100))
		fmt.Fprintf(&jsonl, `{"user_id":"j%d","created_at":"2026-01-01","name":%q}`+"\n", i, strings.Repeat("n", 100))
	}
	csv.WriteString("u,\n")
	write(t, dir, "users/1.csv", csv.String())
	write(t, dir, "users/2.csv.gz", zip(t, csv.String()))
	write(t, dir, "users/3.jsonl", jsonl.String())
	mapping := strings.Replace(parquetMapping, `"*.parquet"`, `usage/*`, 1) + `
- path: users/*.csv*
  table: product.users
- path: users/*.jsonl
  table: product.users
`
	extractorstest.TestExtractor(t, func(t *testing.T) extractors.Extractor { return newExtractor(t, dir, mapping) })
}
