package gsql

import (
	"database/sql"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/syntax"
)

var update = flag.Bool("update", false, "write the compiled SQL of the golden files anew")

// asOf is the value of @as_of in every golden case.
var asOf = time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)

// bench is a warehouse in memory that runs what the compiler makes, as ripen
// does: into a table of the analyzed columns.
type bench struct {
	engine  *Engine
	db      *sql.DB
	catalog syntax.Catalog
}

func newBench(t testing.TB) *bench {
	t.Helper()
	return benchOf(t, openEngine(t))
}

// benchOf is a bench with a warehouse of its own and a shared analyzer.
func benchOf(t testing.TB, engine *Engine) *bench {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec(duck.Prelude + "CREATE SCHEMA ds;"); err != nil {
		t.Fatal(err)
	}
	return &bench{
		engine: engine, db: db,
		catalog: syntax.Catalog{Params: map[string]schemas.Type{"as_of": {Kind: schemas.Timestamp}}},
	}
}

// compile checks and compiles a query.
func (b *bench) compile(name, text string) (duck.Compiled, error) {
	stmt, err := b.engine.Check(b.catalog, syntax.Source{Name: name, Text: text})
	if err != nil {
		return duck.Compiled{}, err
	}
	return duck.Compile(stmt)
}

// fill creates table ds.<table> from a compiled query.
func (b *bench) fill(table string, c duck.Compiled) error {
	ddl, err := schemas.DuckDBCreate("ds", table, c.Columns)
	if err != nil {
		return err
	}
	if _, err := b.db.Exec(`DROP TABLE IF EXISTS ds."` + table + `"; ` + ddl); err != nil {
		return err
	}
	var args []any
	for _, name := range c.Params {
		args = append(args, sql.Named(name, asOf))
	}
	_, err = b.db.Exec(`INSERT INTO ds."`+table+`" `+c.SQL, args...)
	return err
}

// add makes the result of a query a table of the catalog.
func (b *bench) add(table string, c duck.Compiled) error {
	b.catalog.Tables = append(b.catalog.Tables, syntax.Table{Name: "ds." + table, Columns: c.Columns})
	return b.fill(table, c)
}

// run returns the rows of a compiled query as lines of values.
func (b *bench) run(c duck.Compiled) ([]string, error) {
	if err := b.fill("_result", c); err != nil {
		return nil, err
	}
	rows, err := b.db.Query(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ds._result ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		values := make([]sql.NullString, len(c.Columns))
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = v.String
			if !v.Valid {
				texts[i] = "NULL"
			}
		}
		lines = append(lines, strings.Join(texts, " | "))
	}
	return lines, rows.Err()
}

// goldenCase is one query of a golden file: NAME.sql with NAME.want, its rows, or
// NAME.err, its diagnostic or the start of DuckDB's error; NAME.duckdb is what it
// compiles to. Files "table NAME.sql" make the tables ds.NAME.
type goldenCase struct{ name, sql, want, err, duckdb string }

func goldenFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("../duck/testdata/*/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	return files
}

func readGolden(t testing.TB, b *bench, file string) (*txtar.Archive, []goldenCase) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	for _, f := range archive.Files {
		name, kind, _ := strings.Cut(f.Name, ".")
		text := string(f.Data)
		if table, ok := strings.CutPrefix(name, "table "); ok {
			c, err := b.compile(f.Name, text)
			if err == nil {
				err = b.add(table, c)
			}
			if err != nil {
				t.Fatalf("%s: %s: %v", file, f.Name, err)
			}
			continue
		}
		if kind == "sql" {
			cases = append(cases, goldenCase{name: name, sql: text})
			continue
		}
		if len(cases) == 0 || cases[len(cases)-1].name != name {
			t.Fatalf("%s: %s stands before its query", file, f.Name)
		}
		switch c := &cases[len(cases)-1]; kind {
		case "want":
			c.want = text
		case "err":
			c.err = strings.TrimSpace(text)
		case "duckdb":
			c.duckdb = text
		default:
			t.Fatalf("%s: %s: unknown kind of file", file, f.Name)
		}
	}
	return archive, cases
}

func TestGolden_QueriesGiveTheRowsOfGoogleSQL(t *testing.T) {
	for _, file := range goldenFiles(t) {
		t.Run(filepath.Base(filepath.Dir(file))+"/"+strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			b := newBench(t)
			archive, cases := readGolden(t, b, file)
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					compiled := checkGolden(t, b, c)
					if *update && compiled != "" {
						setFile(archive, c.name, compiled)
					} else if diff := cmp.Diff(c.duckdb, compiled); diff != "" {
						t.Errorf("compiled SQL (-file +compiler; -update writes it):\n%s", diff)
					}
				})
			}
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// checkGolden runs one case and returns its compiled SQL, "" if it was refused.
func checkGolden(t *testing.T, b *bench, c goldenCase) string {
	t.Helper()
	compiled, err := b.compile("q.sql", c.sql)
	if err == nil {
		var lines []string
		if lines, err = b.run(compiled); err == nil {
			if c.err != "" {
				t.Errorf("no error, want %s", c.err)
			}
			got := strings.Join(append(lines, ""), "\n")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s\nSQL: %s", diff, compiled.SQL)
			}
			return compiled.SQL
		}
	}
	var d *syntax.Diagnostic
	switch {
	case c.err == "":
		t.Errorf("got error %v\nSQL: %s", err, compiled.SQL)
	case !errors.As(err, &d) && !strings.Contains(err.Error(), c.err):
		t.Errorf("got error %v, want %s", err, c.err)
	case errors.As(err, &d) && d.Error() != c.err:
		t.Errorf("got  %v\nwant %s", d, c.err)
	}
	return compiled.SQL
}

// setFile writes NAME.duckdb behind the other files of a case.
func setFile(archive *txtar.Archive, name, text string) {
	last := -1
	for i, f := range archive.Files {
		if f.Name == name+".duckdb" {
			archive.Files[i].Data = []byte(text)
			return
		}
		if strings.HasPrefix(f.Name, name+".") {
			last = i
		}
	}
	archive.Files = slices.Insert(archive.Files, last+1, txtar.File{Name: name + ".duckdb", Data: []byte(text)})
}

// respace changes every blank between two tokens into a comment and a line break.
func respace(node *syntax.Node, text string) string {
	keep := make([]bool, len(text)+1) // bytes of literals and names
	var mark func(n *syntax.Node)
	mark = func(n *syntax.Node) {
		if len(n.Kids) == 0 && !strings.HasSuffix(n.Kind, "NullOrder") {
			for i := n.Start; i < n.End; i++ {
				keep[i] = true
			}
		}
		for _, kid := range n.Kids {
			mark(kid)
		}
	}
	mark(node)
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == ' ' && !keep[i] {
			out.WriteString(" /* c */\n\t")
		} else {
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

func TestGolden_SpaceAndCommentsChangeNothing(t *testing.T) {
	tried := 0
	for _, file := range goldenFiles(t) {
		b := newBench(t)
		_, cases := readGolden(t, b, file)
		for _, c := range cases {
			if c.want == "" || strings.Contains(c.sql, "--") || strings.Contains(c.sql, "#") {
				continue
			}
			node, err := b.engine.parse(syntax.Source{Name: c.name, Text: c.sql})
			if err != nil {
				t.Fatalf("%s: %s: %v", file, c.name, err)
			}
			compiled, err := b.compile(c.name, respace(node, c.sql))
			if err != nil {
				t.Errorf("%s: %s: %v", file, c.name, err)
				continue
			}
			lines, err := b.run(compiled)
			if err != nil {
				t.Errorf("%s: %s: %v\n%s", file, c.name, err, compiled.SQL)
				continue
			}
			if diff := cmp.Diff(c.want, strings.Join(append(lines, ""), "\n")); diff != "" {
				t.Errorf("%s: %s: rows (-want +got):\n%s", file, c.name, diff)
			}
			tried++
		}
	}
	if tried < 50 {
		t.Errorf("only %d queries were tried", tried)
	}
}
