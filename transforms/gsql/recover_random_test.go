package gsql

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// plant puts unknown names in the place of columns and functions of a sound query:
// everything that is reported must be about one of them.
func plant(random *rand.Rand, src syntax.Source, root *syntax.Node, count int) string {
	var places []*syntax.Node
	var collect func(n, parent *syntax.Node)
	collect = func(n, parent *syntax.Node) {
		// OFFSET is no function: another name is another construct. UNPIVOT declares names.
		if n.Kind == "ArrayElement" || strings.Contains(n.Kind, "Unpivot") {
			return
		}
		if n.Kind == "Identifier" && parent.Kind == "PathExpression" && parent.Kids[len(parent.Kids)-1] == n {
			places = append(places, n)
		}
		for _, kid := range n.Kids {
			collect(kid, n)
		}
	}
	collect(root, root)
	random.Shuffle(len(places), func(i, j int) { places[i], places[j] = places[j], places[i] })
	places = places[:min(count, len(places))]
	slices.SortFunc(places, func(a, b *syntax.Node) int { return b.Start - a.Start })
	text := src.Text
	for i, n := range places {
		text = text[:n.Start] + fmt.Sprintf("zqx%d_", i) + text[n.End:]
	}
	return text
}

func TestCheck_ReportsNothingButWhatIsPlanted(t *testing.T) {
	reported, several := 0, 0
	for _, file := range goldenFiles(t) {
		b := newBench(t)
		_, cases := readGolden(t, b, file)
		for _, c := range cases {
			src := syntax.Source{Name: "q.sql", Text: c.sql}
			node, err := b.engine.parse(src)
			if err != nil {
				continue
			}
			if _, err := b.engine.Check(b.catalog, src); err != nil {
				continue
			}
			// A seed of its own: what is planted here does not depend on the queries before.
			digest := fnv.New64a()
			digest.Write([]byte(c.sql))
			random := rand.New(rand.NewPCG(7, digest.Sum64()))
			for range 4 {
				text := plant(random, src, node, 1+random.IntN(3))
				_, err := b.engine.Check(b.catalog, syntax.Source{Name: "q.sql", Text: text})
				if err == nil {
					continue
				}
				faults := []error{err}
				if joined, ok := err.(interface{ Unwrap() []error }); ok {
					faults = joined.Unwrap()
				}
				if len(faults) > 1 {
					several++
				}
				for _, fault := range faults {
					reported++
					var d *syntax.Diagnostic
					if !errors.As(fault, &d) || !strings.Contains(d.Message, "zqx") {
						t.Errorf("%v\nis not about what was planted in\n%s", fault, text)
					}
				}
			}
		}
	}
	if reported < 100 || several < 20 {
		t.Errorf("only %d faults, %d statements with several", reported, several)
	}
}
