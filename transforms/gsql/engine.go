// Package gsql parses and analyses GoogleSQL with Google's own analyzer, the one
// of BigQuery, and hands back plain data (package syntax). It is the only
// importer of github.com/goccy/go-googlesql, whose build and link are slow.
//
// The analyzer is C++ compiled to a sandbox inside the process: one big memory,
// one lock, and handles whose memory only Go's garbage collector gives back. So
// every call copies what it needs at once, no handle leaves this package, and
// the collector is run now and then (see Engine.tidy).
package gsql

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	googlesql "github.com/goccy/go-googlesql"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// analysesPerTidy bounds the memory that dropped handles hold: 4,000 analyses
// without a collection grow to 555 MB, because the collector sees only the tiny
// Go side of each handle.
const analysesPerTidy = 100

// maxCachedTables bounds the table cache; a project has some dozens of tables,
// a long-lived process sees a new shape of one now and then.
const maxCachedTables = 4096

// maxCachedTrees bounds the parse trees kept between Refs and Check of a source.
const maxCachedTrees = 512

// Engine analyses statements. It is safe for concurrent use and never faster for
// it: the analyzer works on one statement at a time.
type Engine struct {
	mu       sync.Mutex
	parser   *googlesql.ParserOptions
	analyzer *googlesql.AnalyzerOptions
	types    *googlesql.TypeFactory
	builtins *googlesql.SimpleCatalog
	typeOf   map[string]googlesql.Googlesql_TypeNode // by text
	tables   map[string]*googlesql.SimpleTable       // by name and columns
	parsed   map[string]*syntax.Node                 // by text; trees are never changed
	analyses int
	known    []string // names of functions; nil until one is not found
}

// Open starts the analyzer: some 30 ms.
func Open() (*Engine, error) {
	if err := googlesql.Init(); err != nil {
		return nil, fmt.Errorf("start GoogleSQL analyzer: %w", err)
	}
	e := &Engine{
		typeOf: map[string]googlesql.Googlesql_TypeNode{},
		tables: map[string]*googlesql.SimpleTable{},
		parsed: map[string]*syntax.Node{},
	}
	if err := e.configure(); err != nil {
		return nil, fmt.Errorf("start GoogleSQL analyzer: %w", err)
	}
	return e, nil
}

func (e *Engine) configure() error {
	// The parser moves its language options out of the object it is given, so it
	// gets one of its own.
	forParser, err := languageOptions()
	if err != nil {
		return err
	}
	language, err := languageOptions()
	if err != nil {
		return err
	}
	if e.parser, err = googlesql.NewParserOptions(); err != nil {
		return err
	}
	if e.analyzer, err = googlesql.NewAnalyzerOptions2(); err != nil {
		return err
	}
	if e.types, err = googlesql.NewTypeFactory(); err != nil {
		return err
	}
	if e.builtins, err = googlesql.NewSimpleCatalog("builtins", nil); err != nil {
		return err
	}
	int64Type, err := e.types.GetInt64()
	if err != nil {
		return err
	}
	err = errors.Join(
		e.parser.SetLanguageOptions(forParser),
		e.analyzer.SetLanguage(language),
		// Every expression gets the byte range of its parse node: the compilers
		// find types by it.
		e.analyzer.SetParseLocationRecordType(googlesql.ParseLocationRecordTypeParseLocationRecordFullNodeScope),
		e.analyzer.SetErrorMessageMode(googlesql.ErrorMessageModeErrorMessageOneLine),
		e.analyzer.SetPreserveColumnAliases(true),
		// A cast that is folded into its literal would hide what the author wrote.
		e.analyzer.SetFoldLiteralCast(false),
		e.keepCalls(),
		e.builtins.AddBuiltinFunctionsAndTypes(&googlesql.BuiltinFunctionOptions{LanguageOptions: language}),
	)
	// BigQuery's other names of INT64, which the analyzer itself does not know.
	for _, alias := range []string{"INT", "SMALLINT", "INTEGER", "BIGINT", "TINYINT", "BYTEINT"} {
		err = errors.Join(err, e.builtins.AddType(alias, int64Type))
	}
	return err
}

// expressionRewrites turn calls of functions into other expressions, which have
// no place in the text: the compilers write the calls themselves.
var expressionRewrites = []googlesql.ResolvedASTRewrite{
	googlesql.ResolvedASTRewriteRewriteArrayFilterTransform,
	googlesql.ResolvedASTRewriteRewriteArrayIncludes,
	googlesql.ResolvedASTRewriteRewriteNulliferrorFunction,
	googlesql.ResolvedASTRewriteRewriteLikeAnyAll,
	googlesql.ResolvedASTRewriteRewriteBuiltinFunctionInliner,
	googlesql.ResolvedASTRewriteRewriteOrderByAndLimitInAggregate,
	googlesql.ResolvedASTRewriteRewriteIsFirstIsLastFunction,
	googlesql.ResolvedASTRewriteRewriteVariadicFunctionSignatureExpander,
}

func (e *Engine) keepCalls() error {
	var err error
	for _, rewrite := range expressionRewrites {
		err = errors.Join(err, e.analyzer.EnableRewrite(rewrite, false))
	}
	return err
}

// absentInBigQuery are features that the analyzer has and BigQuery has not.
var absentInBigQuery = []googlesql.LanguageFeature{
	googlesql.LanguageFeatureFeatureInlineLambdaArgument,
	googlesql.LanguageFeatureFeatureSqlGraph,
	googlesql.LanguageFeatureFeatureMultilevelAggregation,
	googlesql.LanguageFeatureFeatureMultilevelAggregationOnUdas,
	googlesql.LanguageFeatureFeatureEnableMeasures,
	googlesql.LanguageFeatureFeatureLateralJoin,
	googlesql.LanguageFeatureFeatureTimestampNanos,
	googlesql.LanguageFeatureFeatureTimestampPicos,
	googlesql.LanguageFeatureFeatureArrayFindFunctions,
	googlesql.LanguageFeatureFeatureArrayZip,
	googlesql.LanguageFeatureFeatureMultiwayUnnest,
	googlesql.LanguageFeatureFeatureWithExpression,
	googlesql.LanguageFeatureFeatureTypeofFunction,
	googlesql.LanguageFeatureFeatureBareArrayAccess,
	googlesql.LanguageFeatureFeatureJsonTypeComparison,
}

func languageOptions() (*googlesql.LanguageOptions, error) {
	options, err := googlesql.NewLanguageOptions()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		options.SetProductMode(googlesql.ProductModeProductExternal),
		options.EnableMaximumLanguageFeatures(),
		options.EnableReservableKeyword("QUALIFY", true),
		options.SetSupportsAllStatementKinds(),
	)
	for _, feature := range absentInBigQuery {
		err = errors.Join(err, options.DisableLanguageFeature(feature))
	}
	return options, err
}

// Refs returns the tables that the statement names, in order and with repeats,
// without a catalog. A fault is a *syntax.Diagnostic.
func (e *Engine) Refs(src syntax.Source) ([]syntax.Ref, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	node, err := e.parse(src)
	if err != nil {
		return nil, err
	}
	return refs(src, node), nil
}

// Check parses and analyses one query. Faults in it are *syntax.Diagnostic, joined
// if there are several; any other error is a fault of the catalog. Besides faults,
// and where the catalog is not all known, it returns a partial statement.
func (e *Engine) Check(cat syntax.Catalog, src syntax.Source) (*syntax.Statement, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	defer e.tidy()
	node, err := e.parse(src)
	if err != nil {
		return nil, err
	}
	named := refs(src, node)
	catalog, err := e.catalog(cat)
	if err != nil {
		return nil, err
	}
	if err := e.declare(cat.Params); err != nil {
		return nil, err
	}
	faults := checkSpelling(cat, src, named)
	output, err := googlesql.AnalyzeStatement(src.Text, e.analyzer, catalog, e.types)
	if err != nil {
		statement, behind := e.recover(cat, src, node, err)
		return statement, errors.Join(append(faults, behind...)...)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	if open := slices.ContainsFunc(cat.Tables, func(t syntax.Table) bool { return t.Open }); open {
		return &syntax.Statement{Source: src, Partial: true}, nil
	}
	root, err := output.ResolvedStatement()
	if err != nil {
		return nil, e.diagnose(src, err)
	}
	query, ok := root.(*googlesql.ResolvedQueryStmt)
	if !ok {
		return nil, src.At(node.Start, "this is not a query", "a model is one SELECT statement, WITH included")
	}
	copied := resolvedCopy{types: map[string]syntaxType{}}
	resolved, columns, err := copied.query(query)
	runtime.KeepAlive(output)
	runtime.KeepAlive(catalog)
	if err != nil {
		return nil, fmt.Errorf("%s: copy the analysis: %w", src.Name, err)
	}
	return &syntax.Statement{Source: src, Node: node, Resolved: resolved, Columns: columns, Refs: named}, nil
}

// tidy lets the collector free the memory of dropped handles.
func (e *Engine) tidy() {
	e.analyses++
	if e.analyses%analysesPerTidy == 0 {
		runtime.GC()
	}
}
