package transforms

import (
	"context"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// standIn takes the analyzer's place, whose link takes minutes: models of these
// tests are written in what GoogleSQL and DuckDB have in common, so DuckDB itself
// can say which columns they return. What it cannot show is that the real
// analyzer fits; transformstest and sql do.
type standIn struct {
	t      *testing.T
	w      warehouse.Models
	refs   atomic.Int64 // calls
	checks atomic.Int64
	opened atomic.Int64
}

func newStandIn(t *testing.T) *standIn { return &standIn{t: t, w: openMemory(t)} }

func openMemory(t testing.TB) *duckdb.DB {
	t.Helper()
	db, err := duckdb.Open(context.Background(), duckdb.Config{Path: duckdb.Memory, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func (s *standIn) open() (Analyzer, error) {
	s.opened.Add(1)
	return s, nil
}

func (s *standIn) engine(cacheDir string) *Engine {
	return NewEngine(s.open, compileStandIn, "stand-in 1", cacheDir)
}

var named = regexp.MustCompile(`(?i)\b(?:from|join)\s+([a-z0-9_]+(?:\.[a-z0-9_]+)+|lost[a-z_]*)`)

func (s *standIn) Refs(source syntax.Source) ([]syntax.Ref, error) {
	s.refs.Add(1)
	if at := strings.Index(source.Text, "selct"); at >= 0 {
		return nil, source.At(at, "Syntax error: Unexpected identifier \"selct\"", "")
	}
	var refs []syntax.Ref
	for _, m := range named.FindAllStringSubmatchIndex(source.Text, -1) {
		refs = append(refs, syntax.Ref{Name: source.Text[m[2]:m[3]], Start: m[2], End: m[3]})
	}
	return refs, nil
}

var lostColumn = regexp.MustCompile(`Referenced column "(\w+)" (?:was )?not found`)

func (s *standIn) Check(catalog syntax.Catalog, source syntax.Source) (*syntax.Statement, error) {
	s.checks.Add(1)
	ctx := s.t.Context()
	for _, table := range catalog.Tables {
		sql, err := fixtureSQL(table.Columns, fixture{})
		if err != nil {
			return nil, err
		}
		dataset, name, _ := strings.Cut(table.Name, ".")
		columns := make([]schemas.Column, len(table.Columns))
		for i, c := range table.Columns {
			columns[i] = schemas.Column{Name: c.Name, Type: c.Type}
		}
		target := warehouse.TableName{Dataset: dataset, Table: name}
		if _, err := s.w.Build(ctx, warehouse.Statement{Name: table.Name, SQL: sql, Target: target, Columns: columns}); err != nil {
			return nil, err
		}
	}
	text := parameter.ReplaceAllString(source.Text, "TIMESTAMP '2000-01-01'")
	rows, err := query(ctx, s.w, warehouse.Statement{Name: "describe", SQL: "SELECT column_name, column_type FROM (DESCRIBE " + text + "\n)"}, 100)
	if err != nil {
		at := 0
		if m := lostColumn.FindStringSubmatch(err.Error()); m != nil {
			at = strings.Index(source.Text, m[1])
		}
		return nil, source.At(at, err.Error(), "")
	}
	statement := &syntax.Statement{Source: source}
	for _, row := range rows.Values {
		kind, ok := map[string]schemas.Kind{
			"VARCHAR": schemas.String, "BIGINT": schemas.Int64, "INTEGER": schemas.Int64, "DOUBLE": schemas.Float64,
			"BOOLEAN": schemas.Bool, "TIMESTAMP": schemas.Timestamp, "DATE": schemas.Date, "DECIMAL(38,9)": schemas.Numeric,
		}[row[1].(string)]
		typ := schemas.Type{Kind: kind}
		switch {
		case row[1] == "VARCHAR[]":
			typ = schemas.Type{Kind: schemas.Array, Elem: &schemas.Type{Kind: schemas.String}}
		case !ok:
			return nil, fmt.Errorf("the stand-in does not know DuckDB's %s", row[1])
		}
		statement.Columns = append(statement.Columns, schemas.Column{Name: row[0].(string), Type: typ})
	}
	return statement, nil
}

var parameter = regexp.MustCompile(`@(\w+)`)

var namedWithAlias = regexp.MustCompile(`(?i)\b((?:from|join)\s+)([a-z0-9_]+\.([a-z0-9_]+))(\s+as\b)?`)

func compileStandIn(s *syntax.Statement) (syntax.Template, []schemas.Column, error) {
	text := namedWithAlias.ReplaceAllStringFunc(s.Source.Text, func(found string) string {
		m := namedWithAlias.FindStringSubmatch(found)
		use := syntax.TableUse{Name: m[2], SQL: m[2]}
		if m[4] == "" {
			use.Alias = m[3]
		}
		return m[1] + use.Mark() + m[4]
	})
	return syntax.Fold(parameter.ReplaceAllString(text, "CAST($$$1 AS TIMESTAMP)")), s.Columns, nil
}

// files makes a sql folder of a txtar-like list: model path, query, key.
type modelText struct {
	query, config, cases string
}

func folderOf(models map[string]modelText) fs.FS {
	files := fstest.MapFS{}
	put := func(path, text string) {
		if text != "" {
			files[path] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	for path, m := range models {
		if m.query != "" && !strings.HasPrefix(m.query, "--") {
			m.query = "-- One row per thing.\n" + m.query
		}
		if m.config == "" {
			m.config = "description: A model.\nkey: [id]\n"
		}
		put(path+"/query.sql", m.query)
		put(path+"/model.yaml", m.config)
		put(path+"/cases.txtar", m.cases)
	}
	return files
}

// testContracts are two raw tables: raw_shop.orders and raw_shop.items.
func testContracts() []schemas.Table {
	column := func(name string, kind schemas.Kind) schemas.Column {
		return schemas.Column{Name: name, Type: schemas.Type{Kind: kind}, Description: name}
	}
	return []schemas.Table{
		{Dataset: "shop", Name: "orders", Key: []string{"id"}, Columns: []schemas.Column{
			{Name: "id", Type: schemas.Type{Kind: schemas.String}, Required: true, Description: "id"},
			column("amount", schemas.Numeric), column("payload", schemas.JSON), column("ordered_at", schemas.Timestamp),
		}},
		{Dataset: "shop", Name: "items", Key: []string{"id"}, Columns: []schemas.Column{column("id", schemas.String)}},
	}
}

func loadProject(t *testing.T, shipped, own map[string]modelText) *Project {
	t.Helper()
	var over fs.FS
	if own != nil {
		over = folderOf(own)
	}
	project, err := Load(folderOf(shipped), over)
	if err != nil {
		t.Fatal(err)
	}
	project.Raw = testContracts()
	return project
}

func graphOf(t *testing.T, e *Engine, project *Project) *Graph {
	t.Helper()
	g, err := e.Graph(project)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func names(models []*Model) string {
	list := make([]string, len(models))
	for i, m := range models {
		list[i] = m.String()
	}
	return strings.Join(list, " ")
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error is\n%v\nwant %q in it", err, part)
		}
	}
}

// ticker is a clock that moves a second with every look.
func ticker() func() time.Time {
	var n atomic.Int64
	return func() time.Time { return time.Date(2026, 1, 1, 0, 0, int(n.Add(1)), 0, time.UTC) }
}

func warehouseStatement(sql string) warehouse.Statement {
	return warehouse.Statement{Name: "test", SQL: sql}
}
