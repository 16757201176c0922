// Package duck compiles analysed GoogleSQL to DuckDB. It copies the author's
// text and rewrites only what differs, steered by the analyzer's types: comments,
// line breaks, aliases and the order of clauses survive, so a compiled model can
// be read beside its source.
//
// The world is closed. A node kind, a child of a node or a function that was
// never reviewed is refused with its place and what to write instead; copying it
// would give another result without a word. What the functions of the macro
// schema bq do is in prelude.sql.
package duck

import (
	_ "embed"
	"maps"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Prelude is the SQL that a DuckDB connection runs before any compiled statement:
// CREATE OR REPLACE MACRO statements in the schema bq.
//
//go:embed prelude.sql
var Prelude string

// Compiled is a statement in the SQL of DuckDB.
type Compiled struct {
	// SQL is one SELECT. Its columns stand in the order of Columns but may have
	// wider types, e.g. INTEGER for INT64: insert them into a table made of Columns.
	SQL      string
	Template syntax.Template // SQL with the tables that it reads to be named
	Columns  []schemas.Column
	Params   []string // without @ and $, sorted; each is bound by name
}

// Compile translates a checked statement. An error is a *syntax.Diagnostic, or
// several of them joined: all that was refused, in the order of the text.
func Compile(stmt *syntax.Statement) (Compiled, error) {
	return compile(stmt, false)
}

// compile keeps the author's text where it can. What has no form near the text is
// written from the analyzer's tree.
func compile(stmt *syntax.Statement, adHoc bool) (Compiled, error) {
	compiled, text := translate(stmt, adHoc, false)
	if text.found == nil {
		return compiled, nil
	}
	lowered, tree := translate(stmt, adHoc, true)
	if tree.found == nil {
		return lowered, nil
	}
	both := ofBoth(text, tree)
	return Compiled{}, both.err()
}

func translate(stmt *syntax.Statement, adHoc, lower bool) (compiled Compiled, refused refusals) {
	w := newWriter(stmt)
	w.low.all = lower
	defer func() {
		if reason := recover(); reason != nil {
			last, ok := reason.(refusal)
			if !ok {
				panic(reason)
			}
			w.refused.add(last)
			w.refused.broken = true
		}
		if w.refused.found != nil {
			compiled, refused = Compiled{}, w.refused
		}
	}()
	if i := strings.IndexByte(stmt.Source.Text, 0); i >= 0 {
		panic(refusal{i, stmt.Source.At(i, "a NUL character stands in the text", "write it as '\\0' in a string")})
	}
	w.refuseOuterAggregates(stmt.Resolved)
	if adHoc {
		w.checkAdHoc(stmt.Columns)
	} else {
		w.checkOutput(stmt.Columns)
	}
	text := w.gap(0, stmt.Node.Start) + w.node(stmt.Node)
	tail := strings.TrimRight(w.gap(stmt.Node.End, len(stmt.Source.Text)), " \n\t;")
	text = strings.TrimSpace(text+tail) + "\n"
	if !adHoc {
		text = stored(text, stmt.Columns)
	}
	template := syntax.Fold(text)
	return Compiled{
		SQL:      template.Render(nil),
		Template: template,
		Columns:  stmt.Columns,
		Params:   slices.Sorted(maps.Keys(w.params)),
	}, refusals{}
}

// stored makes the arrays of a result what BigQuery stores: it has no NULL array.
// Columns are named by position: the statement may have given one no name.
func stored(text string, columns []schemas.Column) string {
	var replaced []string
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quote(c.Name)
		if c.Type.Kind == schemas.Array {
			replaced = append(replaced, "coalesce("+names[i]+", []) AS "+names[i])
		}
	}
	if replaced == nil {
		return text
	}
	return "SELECT * REPLACE (" + strings.Join(replaced, ", ") + ") FROM (\n" + text + ") AS _result(" + strings.Join(names, ", ") + ")\n"
}

// checkOutput refuses columns that no table can have.
func (w *writer) checkOutput(columns []schemas.Column) {
	seen := map[string]bool{}
	for i, c := range columns {
		w.guarded(func() string {
			w.checkColumn(w.outputColumn(i), c, seen[strings.ToLower(c.Name)])
			return ""
		})
		seen[strings.ToLower(c.Name)] = true
	}
}

func (w *writer) checkColumn(at *syntax.Node, c schemas.Column, again bool) {
	if last := firstKid(at, "SelectAs"); last != nil {
		w.fail(last, "SELECT AS STRUCT as the result does not run on DuckDB", "leave AS STRUCT out")
	}
	switch {
	case strings.HasPrefix(c.Name, "$"):
		w.fail(at, "a column of the result has no name", "add AS name")
	case again:
		w.fail(at, "column "+c.Name+" stands twice in the result", "rename one, or leave it out with * EXCEPT ("+c.Name+")")
	}
	if reason, hint := unusable(c.Type); reason != "" {
		w.fail(at, "column "+c.Name+" "+reason, hint)
	}
}

// outputColumn finds where column i of the result is written, if the last SELECT
// lists its columns, else that SELECT.
func (w *writer) outputColumn(i int) *syntax.Node {
	query := firstKid(w.stmt.Node, "Query")
	for query != nil && firstKid(query, "Select") == nil {
		inner := firstKid(query, "Query")
		if inner == nil {
			return query
		}
		query = inner
	}
	if query == nil {
		return w.stmt.Node
	}
	selected := firstKid(query, "Select")
	list := firstKid(selected, "SelectList")
	if list == nil || firstKid(selected, "SelectAs") != nil {
		return selected
	}
	for _, column := range list.Kids {
		switch column.Kids[0].Kind {
		case "Star", "StarWithModifiers", "DotStar", "DotStarWithModifiers":
			return selected
		}
	}
	if i < len(list.Kids) {
		return list.Kids[i]
	}
	return selected
}

// unusable says why no column may have the type.
func unusable(t schemas.Type) (reason, hint string) {
	switch t.Kind {
	case schemas.Array:
		if t.Elem.Kind == schemas.Array {
			return "is an array of arrays", "put the inner array into a STRUCT"
		}
		return unusable(*t.Elem)
	case schemas.Struct:
		seen := map[string]bool{}
		for _, f := range t.Fields {
			lower := strings.ToLower(f.Name)
			if f.Name == "" || seen[lower] {
				return "has a STRUCT whose fields have no names of their own", "write STRUCT(x AS name, …)"
			}
			seen[lower] = true
			if reason, hint := unusable(f.Type); reason != "" {
				return reason, hint
			}
		}
	case schemas.JSON:
		return "is JSON", "keep JSON text in a STRING: TO_JSON_STRING(x)"
	case schemas.Interval:
		return "is an INTERVAL", "write DATE_DIFF or TIMESTAMP_DIFF for a number"
	case schemas.String, schemas.Int64, schemas.Float64, schemas.Bool, schemas.Numeric, schemas.Bytes,
		schemas.Date, schemas.Timestamp, schemas.Datetime, schemas.Time:
	default:
		return "has a type that DuckDB has not", "cast it to STRING, INT64, NUMERIC, FLOAT64, DATE or TIMESTAMP"
	}
	return "", ""
}
