package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/gsql"
	"github.com/ripen-data/ripen/transforms/result"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// queryFlags are what `ripen query` takes.
type queryFlags struct {
	file, asOf, format string
	env                string
	params             []string
	explain, keepGoing bool
	limit              int
}

// tableRows is how many rows a table shows unless --limit says otherwise.
const tableRows = 1000

// queryMemory is what DuckDB may use where no project says it; more goes to disk.
const queryMemory = "2GB"

func (a *app) queryCommand() *cobra.Command {
	flags := &queryFlags{}
	cmd := &cobra.Command{
		Use:   "query [SQL]",
		Short: "Run GoogleSQL on the warehouse: models, raw tables, or no table at all",
		Long: `Runs GoogleSQL and prints what it returns. The text is the argument, a file, or
standard input; statements end with a semicolon. The models' views and the raw
tables of the warehouse are in scope, with the types that they were built with.
CREATE TEMP TABLE name AS SELECT … makes a table for the statements behind it;
everything else that would change something is refused. Without a project
statements that need no table of it run all the same, and CREATE TABLE may be
written without TEMP.

Parameters, --param name=value, take their type from the form of the value: true
and false BOOL, 42 INT64, 4.2 and 1e9 FLOAT64, 2026-01-31 DATE, 2026-01-31T10:00:00Z
TIMESTAMP, 2026-01-31T10:00:00 DATETIME, anything else STRING. name:TYPE=value gives
it: --param 'ids:ARRAY<INT64>=[1,2]', --param price:NUMERIC=9.99, --param x:DATE=NULL.
@as_of is there without --param: --as-of, or the start of this hour.

Formats. table ends after 1,000 rows (--limit 0: all). csv has a header per query;
NULL is nothing, the empty text is "". json is an array with one object per
statement: {"statement", "line", "columns": [{"name", "type"}], "rows": [{…}]}, or
{"statement", "line", "error": {"kind", "file", "line", "column", "message", "hint"}}.
jsonl has one object per row, and one with "error" per statement that failed.
INT64 is written in all its digits; NUMERIC, BYTES (base64), dates and times are
text, NaN and infinities too; JSON, ARRAY and STRUCT are JSON. A column without a
name is f0_, f1_ …; a name that comes twice gets a number, id_1.

The first fault ends the run; --keep-going answers every statement with its result
or its fault. The exit code is 2 if a statement had a fault.`,
		Example: `  ripen query 'select 1 + 1 as two'
  ripen query -C demo 'select * from core.fct_trial where trial_start_at >= @since' --param since=2026-01-31T00:00:00Z
  ripen query -C demo --file checks.sql --format json --keep-going
  echo 'select count(*) from raw_stripe.invoices' | ripen query -C demo`,
		Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("format") && a.output == "json" {
				flags.format = "json"
			}
			if !c.Flags().Changed("limit") && flags.format == "table" {
				flags.limit = tableRows
			}
			return a.query(c.Context(), flags, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.file, "file", "f", "", "file with statements; - is standard input")
	f.StringArrayVarP(&flags.params, "param", "p", nil, "name=value or name:TYPE=value of a parameter @name")
	f.StringVar(&flags.asOf, "as-of", "", "the value of @as_of, RFC 3339 or YYYY-MM-DD (default: the start of this hour)")
	f.StringVar(&flags.env, "env", "", "environment whose views are read before production's, e.g. dev_anna")
	f.StringVar(&flags.format, "format", "table", strings.Join(result.Formats, ", "))
	f.BoolVar(&flags.explain, "explain", false, "print the SQL of the warehouse instead of running it")
	f.BoolVar(&flags.keepGoing, "keep-going", false, "go on behind a statement that failed")
	f.IntVar(&flags.limit, "limit", 0, "rows per query; 0 is all (default for a table: 1,000)")
	return cmd
}

func (a *app) query(ctx context.Context, flags *queryFlags, args []string) (err error) {
	if !slices.Contains(result.Formats, flags.format) {
		return &usageError{hint.New(fmt.Sprintf("--format %q is not known", flags.format), "%s", hint.DidYouMean(flags.format, result.Formats))}
	}
	if flags.limit < 0 {
		return usagef("--limit must not be negative")
	}
	src, err := a.querySource(flags.file, args)
	if err != nil {
		return err
	}
	params, err := flags.values(src, a.clock)
	if err != nil {
		return &usageError{err}
	}
	env, err := transforms.ParseEnvironment(flags.env)
	if err != nil {
		return &usageError{err}
	}
	options, opened, err := a.openQueryIn(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	options.Params, options.Explain, options.Limit = params, flags.explain, int64(flags.limit)
	if flags.format == "table" && flags.limit > 0 {
		options.Limit++ // to see whether there are more
	}
	return a.answer(ctx, transforms.NewSession(options), src, flags)
}

// querySource reads the statements from where they are given.
func (a *app) querySource(file string, args []string) (syntax.Source, error) {
	var text []byte
	var err error
	name := file
	switch {
	case file != "" && len(args) > 0:
		return syntax.Source{}, usagef("give statements as an argument or with --file, not both")
	case file != "" && file != "-":
		text, err = os.ReadFile(file)
	case len(args) > 0 && args[0] != "-":
		name, text = "query", []byte(args[0])
	default:
		if f, ok := a.stdin.(*os.File); ok && file == "" && len(args) == 0 && term.IsTerminal(int(f.Fd())) {
			return syntax.Source{}, usagef("no statement is given; write e.g. ripen query 'select 1'")
		}
		name = "stdin"
		text, err = io.ReadAll(a.stdin)
	}
	if err != nil {
		return syntax.Source{}, &usageError{fmt.Errorf("read the statements: %w", err)}
	}
	src := syntax.Source{Name: name, Text: strings.TrimPrefix(strings.ReplaceAll(string(text), "\r\n", "\n"), "\ufeff")}
	if strings.TrimSpace(src.Text) == "" {
		return src, usagef("no statement is given; write e.g. ripen query 'select 1'")
	}
	return src, nil
}

// values reads the parameters, @as_of among them.
func (f *queryFlags) values(src syntax.Source, clock func() time.Time) ([]transforms.Param, error) {
	var params []transforms.Param
	for _, text := range f.params {
		p, err := transforms.ParseParam(text)
		if err != nil {
			return nil, err
		}
		params = append(params, p)
	}
	if err := transforms.CheckParams(src, params); err != nil {
		return nil, err
	}
	given := slices.ContainsFunc(params, func(p transforms.Param) bool { return p.Name == transforms.AsOf })
	switch {
	case given && f.asOf != "":
		return nil, fmt.Errorf("@as_of is given twice: by --as-of and by --param")
	case given:
		return params, nil
	}
	asOf, err := parseInstant(f.asOf, clock().UTC().Truncate(time.Hour))
	if err != nil {
		return nil, fmt.Errorf("--as-of: %w", err)
	}
	return append(params, transforms.AsOfParam(asOf)), nil
}

// openQuery is openQueryIn production.
func (a *app) openQuery(ctx context.Context) (transforms.SessionOptions, *duckdb.Session, error) {
	return a.openQueryIn(ctx, transforms.Production)
}

// openQueryIn opens a session on the project's warehouse, or on nothing when there
// is no project. Views of the environment come before those of production.
func (a *app) openQueryIn(ctx context.Context, env transforms.Environment) (transforms.SessionOptions, *duckdb.Session, error) {
	scope := &transforms.DeployedScope{View: env.View}
	spill := fmt.Sprintf("query-%d", os.Getpid()) // of this process alone; it goes when it ends
	cfg := duckdb.Config{
		Path: duckdb.Memory, MemoryLimit: queryMemory, TempDir: filepath.Join(os.TempDir(), "ripen-"+spill),
		Setup: []string{duck.Prelude}, Clock: a.clock,
	}
	options := transforms.SessionOptions{Compile: compileAdHoc, Scope: scope}
	if _, err := os.Stat(filepath.Join(a.dir, configName)); err == nil || filepath.Base(a.dir) == configName {
		p, err := a.openProject()
		if err != nil {
			return options, nil, err
		}
		scope.Project = p.loadModels
		cfg.TempDir = p.state(spill)
		cfg.Threads, cfg.MemoryLimit = p.cfg.Warehouse.Threads, p.cfg.Warehouse.MemoryLimit
		if _, err := os.Stat(p.warehousePath()); err == nil {
			cfg.Path = p.warehousePath()
		}
	} else {
		dir, absErr := filepath.Abs(a.dir)
		if absErr != nil {
			dir = a.dir
		}
		scope.Missing = fmt.Sprintf("there is no %s in %s: name a project's directory with -C DIR to read its tables", configName, dir)
		options.Create = true
	}
	session, err := duckdb.OpenSession(ctx, cfg)
	if err != nil {
		return options, nil, err
	}
	scope.Warehouse = session
	if err := knownEnvironment(ctx, session, env); err != nil {
		return options, nil, errors.Join(err, session.Close())
	}
	options.Into = openSession{session}
	if options.Analyzer, err = gsql.Open(); err != nil {
		return options, nil, errors.Join(err, session.Close())
	}
	return options, session, nil
}

// knownEnvironment refuses an environment without any view: a slip in its name
// would answer with production's rows.
func knownEnvironment(ctx context.Context, session *duckdb.Session, env transforms.Environment) error {
	if env == transforms.Production {
		return nil
	}
	tables, err := session.Tables(ctx)
	if err != nil {
		return err
	}
	var known []string
	for _, t := range tables {
		if i := strings.LastIndex(t.Dataset, "__"); i > 0 && !slices.Contains(known, t.Dataset[i+2:]) {
			known = append(known, t.Dataset[i+2:])
		}
	}
	switch {
	case slices.Contains(known, string(env)):
		return nil
	case len(known) == 0:
		return &usageError{hint.New(fmt.Sprintf("there is no environment %s", env), "make it: ripen apply --env %s", env)}
	}
	return &usageError{hint.New(fmt.Sprintf("there is no environment %s", env), "%s", hint.DidYouMean(string(env), known))}
}

// openSession is a session of DuckDB as transforms wants it.
type openSession struct{ *duckdb.Session }

func (d openSession) Run(ctx context.Context, stmt warehouse.Statement, limit int64) (transforms.Spool, error) {
	rows, err := d.Session.Run(ctx, stmt, limit)
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func compileAdHoc(statement *syntax.Statement) (syntax.Template, []schemas.Column, error) {
	compiled, err := duck.CompileAdHoc(statement)
	return compiled.Template, compiled.Columns, err
}

// answer prints what the statements come to. Formats for programs hold faults
// themselves; people read them on standard error.
func (a *app) answer(ctx context.Context, session *transforms.Session, src syntax.Source, flags *queryFlags) error {
	out, err := result.New(flags.format, a.stdout, flags.limit)
	if err != nil {
		return err
	}
	inOutput := flags.format == "json" || flags.format == "jsonl"
	answered := 0
	sqlFault := false
	var faults []error
	for answer := range session.Run(ctx, src) {
		if err := out.Write(ctx, answer); err != nil {
			return errors.Join(err, out.Close())
		}
		answered++
		switch {
		case answer.Err == nil:
			a.noteCut(answer, flags)
			continue
		case ctx.Err() != nil:
			return errors.Join(answer.Err, out.Close())
		}
		faults = append(faults, answer.Err)
		sqlFault = sqlFault || answer.Kind != transforms.Internal
		if !flags.keepGoing {
			break
		}
		if !inOutput {
			a.printError(answer.Err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	switch {
	case len(faults) == 0:
		return nil
	case !flags.keepGoing:
		return faults[0]
	}
	a.talk("ripen: error: %d of %d statements failed", len(faults), answered)
	if sqlFault {
		return &usageError{errReported}
	}
	return errReported
}

// noteCut says that a table shows the first rows only.
func (a *app) noteCut(answer *transforms.Answer, flags *queryFlags) {
	if rows, ok := answer.Rows.(*duckdb.Result); ok && flags.format == "table" && flags.limit > 0 && rows.Rows > int64(flags.limit) {
		a.talk("statement %d: the first %s rows; --limit 0 prints all", answer.Number, count(int64(flags.limit)))
	}
}
