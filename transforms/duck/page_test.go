package duck

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestPage_ListsEveryFunction(t *testing.T) {
	text, err := os.ReadFile("../../docs/googlesql.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := strings.FieldsFunc(string(text), func(r rune) bool { return r != '_' && r != '.' && (r < 'A' || r > 'Z') && (r < '0' || r > '9') })
	for name := range functions() {
		// TIME_TRUNC is known only to be refused with advice.
		if name != "time_trunc" && !slices.Contains(listed, strings.ToUpper(name)) {
			t.Errorf("docs/googlesql.md does not list %s", strings.ToUpper(name))
		}
	}
}

func TestPrelude_DefinesEveryMacroInSchemaBQ(t *testing.T) {
	statements := 0
	for _, line := range strings.Split(Prelude, "\n") {
		if strings.HasPrefix(line, "CREATE") {
			statements++
			if !strings.HasPrefix(line, "CREATE OR REPLACE MACRO bq.") && line != "CREATE SCHEMA IF NOT EXISTS bq;" {
				t.Errorf("%q would not run twice, or is outside of bq", line)
			}
		}
	}
	if statements < 50 {
		t.Errorf("found %d statements", statements)
	}
}
