package gsql

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/transforms/syntax"
)

var (
	pageFile = filepath.Join("..", "..", "docs", "googlesql.md")
	pageHead = filepath.Join("testdata", "googlesql.md")
)

// page gathers what the golden cases show.
type page struct {
	functions map[string]*pageFunction
	sections  map[string][]string // rows by folder of the golden files
	refused   []string
}

// pageFunction is one function over all the golden cases that call it.
type pageFunction struct {
	cases   int
	written bool // the text of a call differs on DuckDB
}

func TestPage_SaysWhatTheGoldenTestsSay(t *testing.T) {
	p := page{functions: map[string]*pageFunction{}, sections: map[string][]string{}}
	for _, file := range goldenFiles(t) {
		b := newBench(t)
		_, cases := readGolden(t, b, file)
		for _, c := range cases {
			p.add(t, b, filepath.Base(filepath.Dir(file)), c)
		}
	}
	head, err := os.ReadFile(pageHead)
	if err != nil {
		t.Fatal(err)
	}
	known, err := readPins()
	if err != nil {
		t.Fatal(err)
	}
	text := string(head) + p.markdown(known)
	if *update {
		if err := os.WriteFile(pageFile, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	written, err := os.ReadFile(pageFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(written), text); diff != "" {
		t.Errorf("docs/googlesql.md (-file +golden tests; -update writes it):\n%s", diff)
	}
}

func (p page) add(t *testing.T, b *bench, section string, c goldenCase) {
	t.Helper()
	name := strings.ReplaceAll(c.name, "_", " ")
	source := strings.Join(strings.Fields(c.sql), " ")
	compiled, err := b.compile("q.sql", c.sql)
	if err != nil {
		var d *syntax.Diagnostic
		if !errors.As(err, &d) {
			t.Fatalf("%s: %v", c.name, err)
		}
		p.sections["refused"] = append(p.sections["refused"], row(name, code(source), d.Message, d.Hint))
		return
	}
	node, err := b.engine.parse(syntax.Source{Name: c.name, Text: c.sql})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	everyCall(node, func(call *syntax.Node) {
		path := call.Kids[0]
		function := strings.TrimPrefix(strings.ToUpper(c.sql[path.Start:path.End]), "SAFE.")
		f := p.functions[function]
		if f == nil {
			f = &pageFunction{}
			p.functions[function] = f
		}
		if seen[function] {
			return
		}
		seen[function] = true
		f.cases++
		f.written = f.written || calls(compiled.SQL, function) < calls(c.sql, function)
	})
	class, shown := "emulated", code(strings.Join(strings.Fields(compiled.SQL), " "))
	if plainText(compiled.SQL) == plainText(c.sql) {
		class, shown = "same", ""
	}
	if c.err != "" {
		class = "fault at run time: " + c.err
	}
	p.sections[section] = append(p.sections[section], row(name, class, code(source), shown))
}

func everyCall(n *syntax.Node, visit func(*syntax.Node)) {
	if n.Kind == "FunctionCall" && len(n.Kids) > 0 && n.Kids[0].Kind == "PathExpression" {
		visit(n)
	}
	for _, kid := range n.Kids {
		everyCall(kid, visit)
	}
}

// calls counts the calls of a function under its own name.
func calls(text, function string) int {
	pattern := regexp.MustCompile(`(?i)(^|[^.\w])(safe\.)?` + regexp.QuoteMeta(function) + `\s*\(`)
	return len(pattern.FindAllStringIndex(text, -1))
}

var pageNoise = regexp.MustCompile(`(?i)::BIGINT| NULLS FIRST|\s+|;`)

// plainText is text without what is written for the types of literals and the
// place of NULLs.
func plainText(text string) string {
	return strings.ReplaceAll(strings.ToLower(pageNoise.ReplaceAllString(text, "")), `"`, `'`)
}

func code(text string) string { return "`` " + strings.ReplaceAll(text, "|", `\|`) + " ``" }

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

func (p page) markdown(known pins) string {
	var b strings.Builder
	b.WriteString("\n## Functions\n\nSame: the call runs on DuckDB as written. Emulated: it is written with other functions or a macro of schema\n`bq`, here or in some of its forms. A function that is not listed is refused.\n\n")
	for _, class := range []string{"same", "emulated"} {
		var names []string
		for _, name := range slices.Sorted(maps.Keys(p.functions)) {
			if p.functions[name].written == (class == "emulated") {
				names = append(names, name)
			}
		}
		fmt.Fprintf(&b, "**%s** (%d): %s.\n\n", strings.ToUpper(class[:1])+class[1:], len(names), strings.Join(names, ", "))
	}
	b.WriteString("## Refused, with the way out\n\n" + row("what", "GoogleSQL", "message", "write instead") + row("---", "---", "---", "---"))
	b.WriteString(strings.Join(p.sections["refused"], ""))
	for _, section := range slices.Sorted(maps.Keys(p.sections)) {
		if section == "refused" {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", strings.ToUpper(section[:1])+section[1:])
		b.WriteString(row("what", "class", "GoogleSQL", "DuckDB, where it differs") + row("---", "---", "---", "---"))
		b.WriteString(strings.Join(p.sections[section], ""))
	}
	reasons := map[string]int{}
	for _, reason := range known.reasons {
		reasons[reason]++
	}
	b.WriteString("\n## Entries of GoogleSQL's compliance suite that differ\n\n")
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(&b, "- %s (%d)\n", reason, reasons[reason])
	}
	fmt.Fprintf(&b, "\n%d entries give the same result or the same fault; transforms/gsql/testdata/compliance.txt names them.\n", len(known.good))
	return b.String()
}
