package format_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/sql"
	"github.com/ripen-data/ripen/transforms/format"
	"github.com/ripen-data/ripen/transforms/lex"
)

// holds checks what must hold of every text: it keeps its meaning, and is
// formatted after it was formatted.
func holds(t *testing.T, text string) {
	t.Helper()
	formatted, err := format.Format(text)
	var fault *lex.Error
	if errors.As(err, &fault) && !strings.Contains(fault.Message, "would change") {
		return
	}
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	before, _ := lex.Meaning(text)
	after, err := lex.Meaning(formatted)
	if err != nil || before != after {
		t.Fatalf("%q became %q, %v", text, formatted, err)
	}
	again, err := format.Format(formatted)
	if err != nil {
		t.Fatalf("%v in %q", err, formatted)
	}
	if again != formatted {
		t.Fatalf("%q becomes\n%s\nand then\n%s", text, formatted, again)
	}
}

func shipped(t testing.TB) []string {
	var texts []string
	if err := fs.WalkDir(sql.Models, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".sql") {
			text, _ := fs.ReadFile(sql.Models, path)
			texts = append(texts, string(text))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestFormat_KeepsTheMeaningOfAnyLayout(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, text := range shipped(t) {
		tokens, err := lex.Tokens(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, breaks := range []int{0, 5, 30, 90} { // of a hundred gaps
			var b strings.Builder
			for _, token := range tokens {
				switch {
				case token.Kind == lex.Comment && breaks == 90:
					b.WriteString("# " + token.Text + "\n\n\n")
				case token.Kind == lex.Comment:
					b.WriteString("/* " + token.Text + " */")
				case token.Kind == lex.Space && random.IntN(100) < breaks:
					b.WriteString("\r\n\t")
				case token.Kind == lex.Space:
					b.WriteString(" ")
				default:
					b.WriteString(token.Text)
					if breaks == 30 && random.IntN(20) == 0 && token.Text != "@" && token.Text != "-" {
						b.WriteString(" -- a comment in the way\n")
					}
				}
			}
			holds(t, b.String())
		}
	}
}

func FuzzFormat_KeepsMeaningAndIsStable(f *testing.F) {
	for _, text := range shipped(f) {
		if len(text) < 3000 {
			f.Add(text)
		}
	}
	for _, text := range []string{
		"select a,\n-- x\nb from t; # y\n/* z */ select 1 where a and b or c",
		"from t |> where a -- x\n|> aggregate count(*) group by b",
		"select * from (select 1) pivot(sum(a) for b in (1, 2)) as p",
		"select case a when 1 then (2) else array<struct<a int64>>[(1, 'x')] end",
		"with a as (select 1), -- x\n b as (\n\nselect 2) (select 3) union all (select 4)",
		"select - -1, a.5, - -- x\n-1, @{h=1} f(x -> x + 1), y[0].z",
	} {
		f.Add(text)
	}
	f.Fuzz(holds)
}
