package transforms

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
)

// Spool is the rows of a statement that has run, kept until Close.
type Spool interface {
	// Records yields the rows in order, at least one batch.
	Records(context.Context) iter.Seq2[arrow.Record, error]
	Close() error
}

// SessionWarehouse runs the statements of a session.
type SessionWarehouse interface {
	// Run runs a query; at most limit of its rows count when limit is above 0. The
	// rows have the types of stmt.Columns, by position.
	Run(ctx context.Context, stmt warehouse.Statement, limit int64) (Spool, error)
	// Keep makes the temporary table stmt.Target.Table of a query and returns its rows.
	Keep(ctx context.Context, stmt warehouse.Statement) (int64, error)
	// Temporary is how statements name such a table.
	Temporary(name string) string
	// Drop drops it.
	Drop(ctx context.Context, name string) error
}

// Scope is what statements may name besides the tables of their session.
type Scope interface {
	// Table finds a table by the name that a statement uses, and how the warehouse
	// names it. An error says why there is none, with a hint what to do.
	Table(ctx context.Context, name string) (table syntax.Table, sql string, err error)
}

// SessionOptions say how a Session runs.
type SessionOptions struct {
	Analyzer Analyzer
	Compile  Compiler // for results that are read, not stored
	Scope    Scope
	Into     SessionWarehouse
	Params   []Param
	Limit    int64 // of rows per query; 0 means all
	Explain  bool  // compile only
	// Create allows CREATE TABLE without TEMP, which makes the same: where there is
	// no warehouse that it could be taken for a part of.
	Create bool
}

// Session runs ad hoc statements one after another; a CREATE TEMP TABLE AS makes
// a table for those behind it. It is used by one goroutine at a time.
type Session struct {
	SessionOptions
	params map[string]Param
	tables map[string]sessionTable // by name in lower case, as the analyzer tells them apart
	made   int
}

// sessionTable is a table that the session made.
type sessionTable struct {
	table    syntax.Table
	physical string
}

// NewSession begins a session without tables.
func NewSession(options SessionOptions) *Session {
	s := &Session{SessionOptions: options, params: map[string]Param{}, tables: map[string]sessionTable{}}
	for _, p := range options.Params {
		s.params[p.Name] = p
	}
	return s
}

// FaultKind says who found a fault.
type FaultKind string

// Kinds of faults.
const (
	Invalid     FaultKind = "invalid"     // it is not GoogleSQL, or names what is not there
	Unsupported FaultKind = "unsupported" // valid, and refused: the warehouse cannot do exactly that
	RunTime     FaultKind = "runtime"     // a value brought it about while the statement ran
	Internal    FaultKind = "internal"    // the warehouse failed
)

// Answer is what one statement came to.
type Answer struct {
	Number  int              // of the statement, from 1
	Line    int              // where it begins in the input
	Created string           // the table that it made; empty for a query
	Columns []schemas.Column // of the result, under names of their own
	SQL     string           // in the warehouse's dialect; empty when it did not compile
	Rows    Spool            // of a query that ran; the caller of Run need not close it
	Count   int64            // rows of the table that it made

	Explained bool      // compiled only
	Err       error     // a *syntax.Diagnostic but for Kind Internal
	Kind      FaultKind // of Err
}

// Run answers the statements of a source, in order. It goes on behind a fault;
// who does not want that ends the loop. An answer's rows are gone with the next.
func (s *Session) Run(ctx context.Context, src syntax.Source) iter.Seq[*Answer] {
	return func(yield func(*Answer) bool) {
		statements, tail := lex.Split(src)
		for i, statement := range statements {
			a := &Answer{Number: i + 1, Line: lineNumber(src.Text, statement.Start)}
			if err := ctx.Err(); err != nil {
				a.fail(Internal, context.Cause(ctx))
				yield(a)
				return
			}
			s.answer(ctx, statement.Source, a)
			showLines(src, a.Err)
			more := yield(a)
			if a.Rows != nil {
				if err := a.Rows.Close(); err != nil && more {
					a = &Answer{Number: i + 1, Line: a.Line}
					a.fail(Internal, err)
					yield(a)
					return
				}
			}
			if !more {
				return
			}
		}
		if tail != nil {
			a := &Answer{Number: len(statements) + 1, Line: 1}
			a.fail(Invalid, tail)
			var d *syntax.Diagnostic
			if errors.As(tail, &d) {
				a.Line = d.Line
			}
			yield(a)
		}
	}
}

// showLines gives faults the lines of the input: a statement was read with blanks
// for what stands before it.
func showLines(src syntax.Source, err error) {
	switch e := err.(type) {
	case *syntax.Diagnostic:
		lines := src.Text
		for n := e.Line; n > 1; n-- {
			_, lines, _ = strings.Cut(lines, "\n")
		}
		e.Excerpt, _, _ = strings.Cut(lines, "\n")
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			showLines(src, one)
		}
	}
}

func lineNumber(text string, offset int) int { return 1 + strings.Count(text[:offset], "\n") }

func (a *Answer) fail(kind FaultKind, err error) { a.Kind, a.Err = kind, err }

func (s *Session) answer(ctx context.Context, src syntax.Source, a *Answer) {
	statement, err := readAdHoc(src)
	a.Line = lineNumber(src.Text, statement.at)
	if err == nil {
		err = s.mayCreate(src, statement)
	}
	if err != nil {
		a.fail(Invalid, err)
		return
	}
	if statement.table != "" {
		a.Created = statement.table
		if _, exists := s.tables[strings.ToLower(statement.table)]; exists && statement.missing {
			return // as it was asked for
		}
	}
	checked, as, err := s.check(ctx, statement.query)
	if err != nil {
		kind := Internal
		var d *syntax.Diagnostic
		if errors.As(err, &d) {
			kind = Invalid
		}
		a.fail(kind, err)
		return
	}
	template, columns, err := s.Compile(checked)
	if err != nil {
		a.fail(Unsupported, err)
		return
	}
	if a.SQL, err = bindLiterals(template.Render(as), s.params); err != nil {
		a.fail(Invalid, err)
		return
	}
	a.Explained = s.Explain
	if statement.table != "" {
		if err := statement.storable(src, columns); err != nil {
			a.fail(Invalid, err)
			return
		}
		err = s.keep(ctx, src, statement, columns, a)
	} else {
		a.Columns = resultNames(columns)
		if !s.Explain {
			a.Rows, err = s.Into.Run(ctx, warehouse.Statement{Name: src.Name, SQL: a.SQL, Columns: columns}, s.Limit)
		}
	}
	if err != nil {
		a.Rows = nil
		a.runFault(statement.query, err)
	}
}

// runFault says what a statement that was running met.
func (a *Answer) runFault(src syntax.Source, err error) {
	located := Locate(err, src)
	var d *syntax.Diagnostic
	if errors.As(located, &d) {
		a.fail(RunTime, located)
		return
	}
	a.fail(Internal, fmt.Errorf("statement at line %d: %w", a.Line, err))
}

// mayCreate refuses tables that a session does not make.
func (s *Session) mayCreate(src syntax.Source, statement adHoc) error {
	if statement.table == "" {
		return nil
	}
	_, exists := s.tables[strings.ToLower(statement.table)]
	switch {
	case !statement.temp && !s.Create:
		return src.At(statement.at, "CREATE TABLE changes the warehouse, and ripen query reads", "write CREATE TEMP TABLE, or make it a model below sql/")
	case exists && !statement.replace && !statement.missing:
		return src.At(statement.at, "the table "+statement.table+" exists already", "write CREATE OR REPLACE TEMP TABLE")
	}
	return nil
}

// check analyses a query with the tables and parameters that it names in scope.
func (s *Session) check(ctx context.Context, src syntax.Source) (*syntax.Statement, func(string) string, error) {
	refs, err := s.Analyzer.Refs(src)
	if err != nil {
		return nil, nil, asQueries(err)
	}
	catalog := syntax.Catalog{Params: map[string]schemas.Type{}}
	for name, at := range namedParams(src) {
		p, ok := s.params[name]
		if !ok {
			return nil, nil, src.At(at, "the parameter @"+name+" has no value", s.paramHint(name))
		}
		catalog.Params[name] = p.Type
	}
	names := map[string]string{}
	var faults []error
	for _, ref := range refs {
		if _, seen := names[ref.Name]; seen {
			continue
		}
		table, sql, err := s.find(ctx, ref.Name)
		if err != nil {
			var notThere *NotThere
			if !errors.As(err, &notThere) {
				return nil, nil, err
			}
			faults = append(faults, src.At(ref.Start, notThere.Message, notThere.Hint))
			sql = ""
		} else if !slices.ContainsFunc(catalog.Tables, func(t syntax.Table) bool { return strings.EqualFold(t.Name, ref.Name) }) {
			table.Name = ref.Name
			catalog.Tables = append(catalog.Tables, table)
		}
		names[ref.Name] = sql
	}
	if len(faults) > 0 {
		return nil, nil, errors.Join(faults...)
	}
	statement, err := s.Analyzer.Check(catalog, src)
	if err == nil {
		if as := selectAs(statement.Node); as != nil {
			// A result of rows and a table of rows as columns are the same to read.
			src.Text = src.Text[:as.Start] + strings.Repeat(" ", as.End-as.Start) + src.Text[as.End:]
			statement, err = s.Analyzer.Check(catalog, src)
		}
	}
	return statement, func(name string) string { return names[name] }, err
}

// selectAs is AS STRUCT or AS VALUE of the SELECT that makes a query's result; nil
// where there is none.
func selectAs(n *syntax.Node) *syntax.Node {
	for n != nil {
		var next *syntax.Node
		for _, kid := range n.Kids {
			switch {
			case n.Kind == "Select" && kid.Kind == "SelectAs" && (kid.Attr == "as_mode=STRUCT" || kid.Attr == "as_mode=VALUE"):
				return kid
			case n.Kind != "Select" && (kid.Kind == "Query" || kid.Kind == "Select"):
				next = kid
			}
		}
		n = next
	}
	return nil
}

// asQueries says what a session takes where the analyzer speaks of models.
func asQueries(err error) error {
	var d *syntax.Diagnostic
	if errors.As(err, &d) && strings.HasPrefix(d.Hint, "a model is") {
		d.Hint = "write a query, SELECT or WITH, or CREATE TEMP TABLE name AS and a query"
	}
	return err
}

// sessionDataset is where BigQuery keeps temporary tables.
const sessionDataset = "_SESSION."

func (s *Session) find(ctx context.Context, name string) (syntax.Table, string, error) {
	own := strings.TrimPrefix(name, sessionDataset)
	if k, ok := s.tables[strings.ToLower(own)]; ok {
		return k.table, s.Into.Temporary(k.physical), nil
	}
	table, sql, err := s.Scope.Table(ctx, name)
	var notThere *NotThere
	if errors.As(err, &notThere) && len(s.tables) > 0 {
		var names []string
		for _, t := range s.tables {
			names = append(names, t.table.Name)
		}
		slices.Sort(names)
		if advice := hint.DidYouMean(own, names); strings.HasPrefix(advice, "did you mean") {
			return table, "", &NotThere{Message: notThere.Message, Hint: advice}
		}
	}
	return table, sql, err
}

func (s *Session) paramHint(name string) string {
	names := make([]string, 0, len(s.params))
	for known := range s.params {
		names = append(names, known)
	}
	slices.Sort(names)
	if advice := hint.DidYouMean(name, names); strings.HasPrefix(advice, "did you mean") {
		return advice
	}
	return "give it one: --param " + name + "=…"
}

// storable refuses columns that no table can have.
func (a *adHoc) storable(src syntax.Source, columns []schemas.Column) error {
	seen := map[string]bool{}
	for i, c := range columns {
		lower := strings.ToLower(c.Name)
		switch {
		case !hasName(c.Name):
			return src.At(a.at, fmt.Sprintf("column %d of %s has no name", i+1, a.table), "add AS name")
		case seen[lower]:
			return src.At(a.at, fmt.Sprintf("column %s of %s stands twice", c.Name, a.table), "rename one, or leave it out with * EXCEPT ("+c.Name+")")
		}
		seen[lower] = true
	}
	return nil
}

// keep makes a table of the session. It gets a new physical name every time, so
// that a table may be replaced by a query that reads it.
func (s *Session) keep(ctx context.Context, src syntax.Source, statement adHoc, columns []schemas.Column, a *Answer) error {
	s.made++
	name := strings.Map(func(r rune) rune {
		if notNameRune(r) {
			return '_'
		}
		return r
	}, statement.table)
	k := sessionTable{
		table:    syntax.Table{Name: statement.table, Columns: columns},
		physical: fmt.Sprintf("%s_%d", name, s.made),
	}
	a.Columns = columns
	if s.Explain {
		a.SQL = "CREATE TEMP TABLE " + s.Into.Temporary(k.physical) + " AS\n" + a.SQL
	} else {
		var err error
		a.Count, err = s.Into.Keep(ctx, warehouse.Statement{
			Name: src.Name, SQL: a.SQL, Columns: columns, Target: warehouse.TableName{Table: k.physical},
		})
		if err != nil {
			return err
		}
		if old, ok := s.tables[strings.ToLower(statement.table)]; ok {
			if err := s.Into.Drop(ctx, old.physical); err != nil {
				return err
			}
		}
	}
	s.tables[strings.ToLower(statement.table)] = k
	return nil
}

// hasName reports whether the author gave a column its name: the analyzer's own
// begin with a dollar.
func hasName(column string) bool { return column != "" && !strings.HasPrefix(column, "$") }

// resultNames gives every column a name of its own, as BigQuery does: f0_, f1_ …
// where the query gives none; a name that comes again gets a number, col_1.
func resultNames(columns []schemas.Column) []schemas.Column {
	result := slices.Clone(columns)
	taken := map[string]bool{}
	for _, c := range columns {
		taken[strings.ToLower(c.Name)] = true
	}
	seen := map[string]bool{}
	anonymous := 0
	for i, c := range columns {
		base := c.Name
		if !hasName(base) {
			base = fmt.Sprintf("f%d_", anonymous)
			anonymous++
		}
		name := base
		for n := 1; seen[strings.ToLower(name)] || name != c.Name && taken[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s_%d", base, n)
		}
		seen[strings.ToLower(name)] = true
		result[i].Name = name
	}
	return result
}
