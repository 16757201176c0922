package gsql

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/lineage"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// lineageText prints lineage as the golden files hold it.
func lineageText(columns []lineage.Column) string {
	var text strings.Builder
	for _, c := range columns {
		fmt.Fprintln(&text, c.Name)
		for _, s := range c.Sources {
			hows := make([]string, len(s.How))
			for i, how := range s.How {
				hows[i] = string(how)
			}
			fmt.Fprintf(&text, "  %s %s.%s: %s\n", s.Kind, s.Table, s.Column, strings.Join(hows, ", "))
		}
	}
	return text.String()
}

// lineageCatalog reads the tables of a golden file: a line each, name and columns
// separated by "; ".
func lineageCatalog(t *testing.T, text string) syntax.Catalog {
	t.Helper()
	catalog := syntax.Catalog{Params: map[string]schemas.Type{"as_of": {Kind: schemas.Timestamp}}}
	for line := range strings.Lines(text) {
		name, columns, _ := strings.Cut(strings.TrimSpace(line), ": ")
		catalog.Tables = append(catalog.Tables, table(t, name, strings.Split(columns, "; ")...))
	}
	return catalog
}

// The files are checked by hand, so there is no flag that writes them.
func TestLineage_IsWhatOneReadsInTheQuery(t *testing.T) {
	files, err := filepath.Glob("../lineage/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	engine := openEngine(t)
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if len(archive.Files) == 0 || archive.Files[0].Name != "tables" {
			t.Fatalf("%s: the tables are missing", file)
		}
		catalog := lineageCatalog(t, string(archive.Files[0].Data))
		for i := 1; i+1 < len(archive.Files); i += 2 {
			query, want := archive.Files[i], archive.Files[i+1]
			name := strings.TrimSuffix(query.Name, ".sql")
			if want.Name != name+".want" {
				t.Fatalf("%s: %s is followed by %s", file, query.Name, want.Name)
			}
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				statement, err := engine.Check(catalog, syntax.Source{Name: query.Name, Text: string(query.Data)})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want.Data), lineageText(lineage.Of(statement))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}
