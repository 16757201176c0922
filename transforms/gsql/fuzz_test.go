package gsql

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// compileAny checks and compiles any text; a panic or an error without a place
// fails the test.
func compileAny(t *testing.T, b *bench, text string) (duck.Compiled, bool) {
	t.Helper()
	defer func() {
		if reason := recover(); reason != nil {
			t.Fatalf("panic: %v\n%s", reason, text)
		}
	}()
	compiled, err := b.compile("q.sql", text)
	if err == nil {
		return compiled, true
	}
	var d *syntax.Diagnostic
	if !errors.As(err, &d) || d.Line < 1 || d.Column < 1 || d.Message == "" {
		t.Fatalf("error without a place: %v\n%s", err, text)
	}
	return duck.Compiled{}, false
}

// fragments are the texts of the nodes of golden queries, by kind.
func fragments(b *bench, cases []goldenCase) (queries []string, byKind map[string][]string) {
	byKind = map[string][]string{}
	for _, c := range cases {
		node, err := b.engine.parse(syntax.Source{Name: c.name, Text: c.sql})
		if err != nil {
			continue
		}
		queries = append(queries, c.sql)
		var collect func(n *syntax.Node)
		collect = func(n *syntax.Node) {
			byKind[class(n.Kind)] = append(byKind[class(n.Kind)], c.sql[n.Start:n.End])
			for _, kid := range n.Kids {
				collect(kid)
			}
		}
		collect(node)
	}
	return queries, byKind
}

// class puts expressions together, so that they are swapped for one another.
func class(kind string) string {
	for _, suffix := range []string{"Expression", "Literal", "Call", "Constructor", "WithKeyword", "Expr", "Element"} {
		if strings.HasSuffix(kind, suffix) && kind != "TablePathExpression" && kind != "UnnestExpression" {
			return "expression"
		}
	}
	return kind
}

// mutate cuts a node out of a query or swaps it for another of its kind.
func mutate(random *rand.Rand, b *bench, text string, byKind map[string][]string) string {
	node, err := b.engine.parse(syntax.Source{Name: "q.sql", Text: text})
	if err != nil {
		return text
	}
	var nodes []*syntax.Node
	var collect func(n *syntax.Node)
	collect = func(n *syntax.Node) {
		nodes = append(nodes, n)
		for _, kid := range n.Kids {
			collect(kid)
		}
	}
	collect(node)
	n := nodes[random.IntN(len(nodes))]
	with := ""
	if same := byKind[class(n.Kind)]; random.IntN(5) > 0 && len(same) > 0 {
		with = same[random.IntN(len(same))]
	}
	return text[:n.Start] + with + text[n.End:]
}

// ours are errors of DuckDB that a compiled query must not have: text that it
// does not parse, or names and types that it does not find.
var ours = regexp.MustCompile(`^(Parser|Binder|Catalog|Internal) Error`)

func TestCompile_MutatedQueriesAreRefusedOrRun(t *testing.T) {
	random := rand.New(rand.NewPCG(20240301, 7))
	compiledCount := 0
	for _, file := range goldenFiles(t) {
		b := newBench(t)
		_, cases := readGolden(t, b, file)
		queries, byKind := fragments(b, cases)
		for range 60 {
			text := queries[random.IntN(len(queries))]
			for range 1 + random.IntN(2) {
				text = mutate(random, b, text, byKind)
			}
			compiled, ok := compileAny(t, b, text)
			if !ok {
				continue
			}
			compiledCount++
			if _, err := b.run(compiled); err != nil && ours.MatchString(err.Error()) {
				t.Errorf("%v\nGoogleSQL: %s\nDuckDB: %s", err, text, compiled.SQL)
			}
		}
	}
	if compiledCount < 50 {
		t.Errorf("only %d mutated queries compiled", compiledCount)
	}
}

func FuzzCompile(f *testing.F) {
	b := newBench(f)
	for _, file := range goldenFiles(f) {
		_, cases := readGolden(f, newBench(f), file)
		for _, c := range cases {
			f.Add(c.sql)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		compileAny(t, b, text)
	})
}
