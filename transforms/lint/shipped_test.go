package lint_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/sql"
	"github.com/ripen-data/ripen/transforms/gsql"
	"github.com/ripen-data/ripen/transforms/lint"
	"github.com/ripen-data/ripen/transforms/syntax"
)

func TestCheck_FindsNothingInShippedModels(t *testing.T) {
	parser, err := gsql.Open()
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	if err := fs.WalkDir(sql.Models, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".sql") {
			return err
		}
		files++
		text, err := fs.ReadFile(sql.Models, path)
		if err != nil {
			return err
		}
		findings, err := lint.Check(syntax.Source{Name: "sql/" + path, Text: string(text)}, parser)
		if err != nil {
			t.Error(err)
		}
		for _, f := range findings {
			t.Errorf("%v [%s]", &f.Diagnostic, f.Rule)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if files < 40 {
		t.Errorf("only %d files", files)
	}
}
