package gsql

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// TestGolden_ScansGiveTheRowsOfTheText writes every golden query from the
// analyzer's tree instead of its text: both must give the same rows.
func TestGolden_ScansGiveTheRowsOfTheText(t *testing.T) {
	same, refused := 0, 0
	for _, file := range goldenFiles(t) {
		b := newBench(t)
		_, cases := readGolden(t, b, file)
		for _, c := range cases {
			if c.want == "" {
				continue
			}
			name := filepath.Base(file) + ": " + c.name
			stmt, err := b.engine.Check(b.catalog, syntax.Source{Name: c.name, Text: c.sql})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			compiled, err := duck.Lower(stmt)
			var refusal *syntax.Diagnostic
			if errors.As(err, &refusal) {
				t.Logf("%s: %v", name, err)
				refused++
				continue
			}
			lines, err := b.run(compiled)
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, compiled.SQL)
				continue
			}
			if diff := cmp.Diff(c.want, strings.Join(append(lines, ""), "\n")); diff != "" {
				t.Errorf("%s: rows (-want +got):\n%s\n%s", name, diff, compiled.SQL)
			}
			same++
		}
	}
	if same < 100 || refused > same/10 {
		t.Errorf("%d queries are the same, %d refused", same, refused)
	}
}
