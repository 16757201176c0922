package gsql

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/ripen-data/ripen/schemas"
	shipped "github.com/ripen-data/ripen/sql"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/lineage"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// literal is a random value of a type. Values repeat, so that joins and groups
// find partners; timestamps do not, so that orders have no ties.
func literal(t schemas.Type, random *rand.Rand, row int) string {
	switch t.Kind {
	case schemas.Int64:
		return fmt.Sprint(1 + random.IntN(5)) // not 0, by which a query divides
	case schemas.String:
		return []string{"'x'", "'y'", "'big'", "'w'"}[random.IntN(4)]
	case schemas.Timestamp:
		return fmt.Sprintf("TIMESTAMP '2024-01-%02d %02d:00:00+00'", 1+random.IntN(28), row)
	case schemas.Array:
		elems := make([]string, 1+random.IntN(3))
		for i := range elems {
			elems[i] = literal(*t.Elem, random, row)
		}
		return "[" + strings.Join(elems, ", ") + "]"
	default:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = literal(f.Type, random, row) + " AS " + f.Name
		}
		return "STRUCT(" + strings.Join(fields, ", ") + ")"
	}
}

// rowsOf writes a query that returns rows of a table; each column has a random
// sequence of its own.
func rowsOf(table syntax.Table, seeds map[string]uint64) string {
	const rows = 7
	var lines []string
	sequences := make([]*rand.Rand, len(table.Columns))
	for i, c := range table.Columns {
		sequences[i] = rand.New(rand.NewPCG(seeds[table.Name+"."+c.Name], uint64(i)))
	}
	for row := range rows {
		values := make([]string, len(table.Columns))
		for i, c := range table.Columns {
			values[i] = literal(c.Type, sequences[i], row) + " AS " + c.Name
		}
		lines = append(lines, "SELECT "+strings.Join(values, ", "))
	}
	return strings.Join(lines, " UNION ALL\n")
}

// results runs a compiled query over random tables and returns the sorted values
// of each of its columns.
func results(t *testing.T, b *bench, catalog syntax.Catalog, query duck.Compiled, seeds map[string]uint64) [][]string {
	t.Helper()
	for _, table := range catalog.Tables {
		c, err := b.compile(table.Name, rowsOf(table, seeds))
		if err == nil {
			err = b.fill(strings.TrimPrefix(table.Name, "ds."), c)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	lines, err := b.run(query)
	if err != nil {
		t.Fatalf("%v\n%s", err, query.SQL)
	}
	columns := make([][]string, len(query.Columns))
	for _, line := range lines {
		for i, value := range strings.Split(line, " | ") {
			columns[i] = append(columns[i], value)
		}
	}
	for _, values := range columns {
		slices.Sort(values)
	}
	return columns
}

// A column that lineage does not name may hold whatever it likes: the result
// column must stay. So no source can be missing.
func TestLineage_NothingElseChangesAColumn(t *testing.T) {
	files, err := filepath.Glob("../lineage/testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t)
		catalog := lineageCatalog(t, string(archive.Files[0].Data))
		b.catalog.Tables = catalog.Tables
		for _, f := range archive.Files[1:] {
			name, isQuery := strings.CutSuffix(f.Name, ".sql")
			if !isQuery || strings.Contains(name, "limit") { // LIMIT without ORDER BY may return any rows
				continue
			}
			statement, err := b.engine.Check(b.catalog, syntax.Source{Name: f.Name, Text: string(f.Data)})
			if err != nil {
				t.Fatal(err)
			}
			query, err := duck.Compile(statement)
			if err != nil {
				var refused *syntax.Diagnostic
				if !errors.As(err, &refused) {
					t.Fatal(err)
				}
				continue // the golden test still covers it
			}
			ran++
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+"/"+name, func(t *testing.T) {
				checkIndependence(t, b, catalog, query, lineage.Of(statement))
			})
		}
	}
	if ran < 35 {
		t.Errorf("only %d queries ran", ran)
	}
}

func checkIndependence(t *testing.T, b *bench, catalog syntax.Catalog, query duck.Compiled, columns []lineage.Column) {
	t.Helper()
	for seed := range uint64(2) {
		seeds := map[string]uint64{}
		for _, table := range catalog.Tables {
			for i, c := range table.Columns {
				seeds[table.Name+"."+c.Name] = seed*100 + uint64(i)
			}
		}
		before := results(t, b, catalog, query, seeds)
		for _, table := range catalog.Tables {
			for _, c := range table.Columns {
				key := table.Name + "." + c.Name
				seeds[key] += 1000
				after := results(t, b, catalog, query, seeds)
				seeds[key] -= 1000
				for i, column := range columns {
					isSource := slices.ContainsFunc(column.Sources, func(s lineage.Source) bool { return s.Table == table.Name && s.Column == c.Name })
					if !isSource && !slices.Equal(before[i], after[i]) {
						t.Errorf("%s changes with %s, which is no source of it:\n%q\n%q", column.Name, key, before[i], after[i])
					}
				}
			}
		}
	}
}

func TestLineage_OfShippedModelsNamesColumnsThatExist(t *testing.T) {
	project, err := transforms.Load(shipped.Models, nil)
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	lineageBy := func(open func() (transforms.Analyzer, error)) (map[*transforms.Model]*transforms.Compiled, *transforms.Lineage) {
		engine := transforms.NewEngine(open, func(s *syntax.Statement) (syntax.Template, []schemas.Column, error) {
			compiled, err := duck.Compile(s)
			return compiled.Template, compiled.Columns, err
		}, "test", cache)
		graph, err := engine.Graph(project)
		if err != nil {
			t.Fatal(err)
		}
		compiled, err := engine.Compile(graph, project.Models)
		if err != nil {
			t.Fatal(err)
		}
		return compiled, graph.Lineage(compiled)
	}
	compiled, all := lineageBy(func() (transforms.Analyzer, error) { return Open() })
	_, cached := lineageBy(func() (transforms.Analyzer, error) {
		return nil, errors.New("an unchanged project needs no analysis")
	})
	if diff := cmp.Diff(all.Columns, cached.Columns); diff != "" {
		t.Errorf("lineage out of the cache differs (-analysed +cached):\n%s", diff)
	}
	values := 0
	for _, m := range project.Models {
		c := compiled[m]
		if len(c.Lineage) != len(c.Columns) {
			t.Errorf("%s has %d columns and lineage of %d", m, len(c.Columns), len(c.Lineage))
		}
		for _, column := range c.Lineage {
			for _, s := range column.Sources {
				id := transforms.ColumnID{Stage: transforms.RawStage, Table: s.Table, Column: s.Column}
				if parent, ok := project.Model(s.Table); ok {
					id.Stage, id.Table = transforms.ModelStage, parent.String()
				}
				if _, ok := all.Column(id); !ok {
					t.Errorf("%s.%s comes from %s, which is not there", m, column.Name, id)
				}
				if s.Kind == lineage.Value {
					values++
				}
			}
		}
	}
	if values < 500 {
		t.Errorf("the shipped models have only %d value edges", values)
	}
}
