package transforms

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/lineage"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Compiled is a model in the warehouse's dialect.
type Compiled struct {
	Model   *Model
	SQL     string           // reads the stable views; see Render
	Columns []schemas.Column // name, type and description
	Query   []schemas.Column // what the statement returns: Columns, of a snapshot without those of its history
	Params  []string         // parameters that the statement itself names, sorted
	Checks  []CompiledCheck  // of checks.sql
	Lineage []lineage.Column // where Columns come from, as the statement names tables; see Graph.Lineage

	template syntax.Template
	catalog  syntax.Catalog // what it reads
}

// Render is the statement with other names for the tables that it reads; as
// returns an empty text where a name stays.
func (c *Compiled) Render(as func(table string) string) string { return c.template.Render(as) }

// Uses reports whether the statement itself names a parameter.
func (c *Compiled) Uses(parameter string) bool { return slices.Contains(c.Params, parameter) }

// Compile analyses and compiles models, what their checks read and everything
// above them, parents first: the columns of one are the catalog of the next. With faults it returns
// all of them joined, and what compiled; a model below a faulty one is left out
// without a fault of its own.
func (e *Engine) Compile(g *Graph, models []*Model) (map[*Model]*Compiled, error) {
	read := slices.Clone(models)
	for _, m := range models {
		read = append(read, g.checks[m]...)
	}
	wanted := g.ancestors(read)
	compiled := map[*Model]*Compiled{}
	columns := map[*Model][]schemas.Column{}
	var faults []error
	for _, m := range g.Order {
		missing := func(p *Model) bool { return compiled[p] == nil }
		if !wanted[m] || slices.ContainsFunc(g.parents[m], missing) {
			continue
		}
		c, err := e.compileOne(m, g.catalog(m, columns))
		if err != nil {
			faults = append(faults, err)
			continue
		}
		compiled[m], columns[m] = c, c.Columns
	}
	return compiled, errors.Join(append(faults, e.compileChecks(g, compiled))...)
}

func (e *Engine) compileOne(m *Model, catalog syntax.Catalog) (*Compiled, error) {
	entry, _, err := e.entry(m.Source, catalog)
	if err != nil {
		return nil, err
	}
	columns, err := m.describe(entry.Columns)
	if err != nil {
		return nil, err
	}
	return m.compiled(entry, columns, catalog), nil
}

// compiled is what the analysis of m's query came to, with the columns as described.
func (m *Model) compiled(entry compiledEntry, columns []schemas.Column, catalog syntax.Catalog) *Compiled {
	return &Compiled{
		Model: m, SQL: entry.SQL.Render(nil), Columns: m.stores(columns), Query: columns, Params: entry.Params, Lineage: m.historyLineage(entry.Lineage),
		template: entry.SQL, catalog: catalog,
	}
}

// entry is what analysis and compiler say of a statement, through the cache; with a
// fault, and with a catalog that is not all known, the analyzed statement too,
// which may be partial or nil.
func (e *Engine) entry(source syntax.Source, catalog syntax.Catalog) (compiledEntry, *syntax.Statement, error) {
	key := e.cache.compiledKey(source, catalog)
	var entry compiledEntry
	if e.cache.get(key, &entry, &entry.Key) {
		return entry, nil, nil
	}
	var statement *syntax.Statement
	err := e.use(func(a Analyzer) (err error) {
		statement, err = a.Check(catalog, source)
		return err
	})
	if err != nil || statement.Partial {
		return compiledEntry{}, statement, err
	}
	entry.SQL, entry.Columns, err = e.compile(statement)
	if err != nil {
		return compiledEntry{}, statement, err
	}
	entry.Key, entry.Params = key, namedParameters(entry.SQL.Render(nil), catalog)
	entry.Lineage = lineage.Of(statement)
	e.cache.put(key, entry)
	return entry, nil, nil
}

// stores are the columns that readers find for a query that returns these.
func (m *Model) stores(columns []schemas.Column) []schemas.Column {
	if m.Kind == Snapshot {
		return snapshotColumns(columns)
	}
	return columns
}

// queried is the inverse of stores.
func (m *Model) queried(columns []schemas.Column) []schemas.Column {
	if m.Kind == Snapshot {
		return columns[:len(columns)-len(snapshotColumns(nil))]
	}
	return columns
}

// describe checks what model.yaml says about columns against those that the
// query returns, and adds the descriptions to them.
func (m *Model) describe(columns []schemas.Column) ([]schemas.Column, error) {
	columns = slices.Clone(columns)
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
		columns[i].Description = m.Columns[c.Name].Description
	}
	var faults []error
	for _, key := range m.Key {
		if !slices.Contains(names, key) {
			faults = append(faults, m.Config.At(m.settingAt("key", key), fmt.Sprintf("key column %q is not returned by the query", key), hint.DidYouMean(key, names)))
		}
	}
	for _, column := range m.Order {
		if !slices.Contains(names, column) && !slices.Contains(m.Key, column) {
			faults = append(faults, m.Config.At(m.settingAt("order", column), fmt.Sprintf("order column %q is not returned by the query", column), hint.DidYouMean(column, names)))
		}
	}
	described := make([]string, 0, len(m.Columns))
	for name := range m.Columns {
		described = append(described, name)
	}
	slices.Sort(described)
	for _, name := range described {
		if !slices.Contains(names, name) {
			faults = append(faults, m.Config.At(m.settingAt("columns", name), fmt.Sprintf("described column %q is not returned by the query", name), hint.DidYouMean(name, names)))
		}
	}
	faults = append(faults, m.checkSync(names))
	return columns, errors.Join(faults...)
}

// settingAt is where model.yaml names something in a setting, for faults.
func (m *Model) settingAt(words ...string) int { return offsetOfWords(m.Config.Text, words) }

// namedParameters returns those of the catalog's parameters that SQL uses.
func namedParameters(sql string, catalog syntax.Catalog) []string {
	var names []string
	for name := range catalog.Params {
		if namesParameter(sql, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// namesParameter reports whether SQL uses a parameter, written $name (DuckDB)
// or @name (GoogleSQL), outside comments and quotes. Engines refuse values of
// parameters that a statement does not use.
func namesParameter(sql, name string) bool {
	for i := 0; i < len(sql); {
		rest := sql[i:]
		switch {
		case strings.HasPrefix(rest, "--"):
			i += skipTo(rest, 2, "\n")
		case strings.HasPrefix(rest, "/*"):
			i += skipTo(rest, 2, "*/")
		case rest[0] == '\'' || rest[0] == '"' || rest[0] == '`':
			// A doubled quote inside closes and opens again: the same text is skipped.
			i += skipTo(rest, 1, rest[:1])
		case rest[0] == '$' || rest[0] == '@':
			word := rest[1:]
			if end := strings.IndexFunc(word, notNameRune); end >= 0 {
				word = word[:end]
			}
			if strings.EqualFold(word, name) {
				return true
			}
			i += 1 + len(word)
		default:
			i++
		}
	}
	return false
}

// skipTo is the length of text up to and including the first mark behind from.
func skipTo(text string, from int, mark string) int {
	if i := strings.Index(text[from:], mark); i >= 0 {
		return from + i + len(mark)
	}
	return len(text)
}

func notNameRune(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
