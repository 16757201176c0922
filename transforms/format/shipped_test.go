package format_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/sql"
	"github.com/ripen-data/ripen/transforms/format"
)

func TestFormat_LeavesShippedModelsAsTheyAre(t *testing.T) {
	models := 0
	if err := fs.WalkDir(sql.Models, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".sql") {
			return err
		}
		models++
		text, err := fs.ReadFile(sql.Models, path)
		if err != nil {
			return err
		}
		formatted, err := format.Format(string(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if formatted != string(text) {
			t.Errorf("sql/%s is not formatted: run `ripen fmt sql`", path)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if models < 40 {
		t.Errorf("only %d models", models)
	}
}
