package transforms

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Case is one unit case of a model: rows of the tables that it reads, and the
// rows that it must then return.
//
// The cases of a model are one txtar archive beside its query. Text before the
// first file describes them. A file is named <case>/<what>; without a case it is
// shared by all cases of the archive that have none of their own:
//
//	Trials end where billing says so.
//	-- as_of --
//	2026-02-01T00:00:00Z
//	-- extended twice/staging.stg_billing__subscription.csv --
//	subscription_id,status,trial_end_at
//	sub_1,trialing,2026-02-14
//	-- extended twice/want.csv --
//	subscription_id,ended_at
//	sub_1,NULL
//
// What a file holds is in its name:
//
//	as_of, interval_start, interval_end   the value of a parameter
//	<dataset>.<table>.csv                 rows of a table that the query reads
//	want.csv                              rows that the model must return
//	want.<cte>.csv                        rows that a CTE of the query must return
//	want.error                            text of the error that the query must end in
//
// Tables may be .json or .jsonl instead of .csv; fixture.go says how each is
// read. Columns left out are NULL, tables left out are empty. A want may leave
// columns out; the order of rows does not matter.
type Case struct {
	Name   string
	Line   int // of its first file in the archive
	params map[string]time.Time
	inputs map[string]fixture // by table, as the query names it
	wants  []want
	fails  string // text of the error that the query must end in; empty: it must end well
}

// want is what one query must return.
type want struct {
	query *Compiled // the model, or the model cut to end in one of its CTEs
	cte   string    // empty: the model
	rows  fixture
}

const (
	wantName  = "want"
	errorFile = "want.error"
)

// caseFile is a file of the archive, with where its text starts.
type caseFile struct {
	owner, name string // of <owner>/<name>; owner is empty when shared
	text        string
	line        int // of its first line of text
}

// what is the name without the format: a file of a case takes the place of a
// shared one with rows of the same table, whichever way they are written.
func (f caseFile) what() string {
	if slices.Contains(fixtureFormats, path.Ext(f.name)) {
		return strings.TrimSuffix(f.name, path.Ext(f.name))
	}
	return f.name
}

func (f caseFile) isWant() bool {
	return f.name != errorFile && (f.what() == wantName || strings.HasPrefix(f.what(), wantName+"."))
}

// Cases reads the model's cases. Faults are *syntax.Diagnostic, joined; cases
// without a fault are returned all the same.
func (e *Engine) Cases(c *Compiled) ([]Case, error) {
	reader := caseReader{engine: e, model: c, source: c.Model.Cases, variants: map[string]*Compiled{"": c}}
	files := archiveFiles(reader.source.Text)
	if len(files) == 0 && strings.TrimSpace(reader.source.Text) != "" {
		return nil, reader.source.At(0, "the file has no case", "a case is made of files, e.g. `-- one/want.csv --`")
	}
	var owners []string
	for _, f := range files {
		if f.owner != "" && !slices.Contains(owners, f.owner) {
			owners = append(owners, f.owner)
		}
	}
	if len(owners) == 0 && len(files) > 0 {
		owners = []string{""} // the archive is one case
	}
	var cases []Case
	var faults []error
	for _, owner := range owners {
		one, err := reader.read(owner, files)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		cases = append(cases, one)
	}
	return cases, oncePerPlace(faults)
}

// oncePerPlace joins faults; those of shared files appear with every case.
func oncePerPlace(faults []error) error {
	var once []error
	seen := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, inner := range joined.Unwrap() {
				walk(inner)
			}
			return
		}
		if !seen[err.Error()] {
			seen[err.Error()] = true
			once = append(once, err)
		}
	}
	for _, err := range faults {
		walk(err)
	}
	return errors.Join(once...)
}

// archiveFiles splits a txtar archive and counts its lines.
func archiveFiles(text string) []caseFile {
	archive := txtar.Parse([]byte(text))
	line := 1 + strings.Count(string(archive.Comment), "\n")
	var files []caseFile
	for _, f := range archive.Files {
		file := caseFile{name: f.Name, text: string(f.Data), line: line + 1}
		if i := strings.LastIndex(f.Name, "/"); i >= 0 {
			file.owner, file.name = strings.TrimSpace(f.Name[:i]), f.Name[i+1:]
		}
		files = append(files, file)
		line += 1 + strings.Count(string(f.Data), "\n")
	}
	return files
}

// caseReader reads the cases of one model.
type caseReader struct {
	engine   *Engine
	model    *Compiled
	source   syntax.Source
	variants map[string]*Compiled // the model cut to end in a CTE, by CTE
}

// read reads the files of one case, and the shared ones that it has not itself.
func (r caseReader) read(owner string, files []caseFile) (Case, error) {
	one := Case{Name: owner, params: map[string]time.Time{}, inputs: map[string]fixture{}}
	var faults []error
	own := map[string]bool{}
	ownWants := map[bool]bool{} // whether it wants an error
	for _, f := range files {
		if f.owner != owner {
			continue
		}
		if one.Line == 0 {
			one.Line = f.line - 1
		}
		if own[f.what()] {
			faults = append(faults, at(r.source, f.line-1, 1, fmt.Sprintf("%q stands twice in case %q", f.what(), owner), "keep one of them"))
		}
		own[f.what()] = true
		if f.isWant() || f.name == errorFile {
			ownWants[f.name == errorFile] = true
		}
	}
	for _, f := range files {
		if f.owner != owner {
			shadowed := own[f.what()] || f.isWant() && ownWants[true] || f.name == errorFile && ownWants[false]
			if f.owner != "" || shadowed {
				continue
			}
		}
		if err := r.readFile(&one, f); err != nil {
			faults = append(faults, err)
		}
	}
	if len(faults) == 0 {
		faults = append(faults, r.complete(one))
	}
	return one, errors.Join(faults...)
}

// complete reports what a case lacks.
func (r caseReader) complete(one Case) error {
	var faults []error
	fault := func(message, advice string) {
		faults = append(faults, at(r.source, one.Line, 1, fmt.Sprintf("case %q %s", one.Name, message), advice))
	}
	switch {
	case len(one.wants) == 0 && one.fails == "":
		fault("expects nothing", "add the rows that the model must return as want.csv, or the text of its error as "+errorFile)
	case len(one.wants) > 0 && one.fails != "":
		fault("expects rows and an error", "a query that ends in an error returns none: make it two cases")
	}
	for _, name := range r.model.Params {
		if _, ok := one.params[name]; !ok {
			fault(fmt.Sprintf("has no %s, which the query uses", name), fmt.Sprintf("add a file `-- %s --` with a timestamp", name))
		}
	}
	return errors.Join(faults...)
}

func (r caseReader) readFile(one *Case, f caseFile) error {
	if _, ok := r.model.catalog.Params[f.name]; ok {
		instant, err := parseInstant(strings.TrimSpace(f.text))
		if err != nil {
			return at(r.source, f.line, 1, err.Error(), "")
		}
		one.params[f.name] = instant
		return nil
	}
	switch {
	case f.name == errorFile:
		if one.fails = strings.TrimSpace(f.text); one.fails == "" {
			return at(r.source, f.line-1, 1, errorFile+" is empty", "write a part of the error's text")
		}
		return nil
	case f.what() == f.name: // no table
		return at(r.source, f.line-1, 1, fmt.Sprintf("unknown file %q", f.name), r.knownFiles(f.name))
	case f.isWant():
		return r.readWant(one, f)
	default:
		return r.readInput(one, f)
	}
}

// knownFiles is advice on a name that says nothing.
func (r caseReader) knownFiles(name string) string {
	known := []string{"want.csv", "want.json", "want.jsonl", errorFile}
	for parameter := range r.model.catalog.Params {
		known = append(known, parameter)
	}
	for _, t := range r.model.catalog.Tables {
		known = append(known, t.Name+".csv")
	}
	slices.Sort(known)
	return hint.DidYouMean(name, known)
}

func (r caseReader) readInput(one *Case, f caseFile) error {
	table := f.what()
	var names []string
	for _, t := range r.model.catalog.Tables {
		names = append(names, t.Name)
		if t.Name == table {
			rows, err := parseFixture(r.source, f, t.Columns)
			one.inputs[table] = rows
			return err
		}
	}
	return at(r.source, f.line-1, 1, fmt.Sprintf("the query does not read %s", table), hint.DidYouMean(table, append(names, wantName)))
}

func (r caseReader) readWant(one *Case, f caseFile) error {
	cte := strings.TrimPrefix(strings.TrimPrefix(f.what(), wantName), ".")
	query, ok := r.variants[cte]
	if !ok {
		var err error
		if query, err = r.variant(cte, f); err != nil {
			return err
		}
		r.variants[cte] = query
	}
	rows, err := parseWant(r.source, f, query.Columns)
	if err != nil {
		return err
	}
	one.wants = append(one.wants, want{query: query, cte: cte, rows: rows})
	return nil
}

// variant compiles the model cut to end in a CTE.
func (r caseReader) variant(cte string, f caseFile) (*Compiled, error) {
	cut, known, err := endIn(r.model.Model.Source, cte)
	if err != nil {
		return nil, err
	}
	if cut.Text == "" {
		advice := "the query has no CTE: want.csv names the model's own rows"
		if len(known) > 0 {
			advice = hint.DidYouMean(cte, known)
		}
		return nil, at(r.source, f.line-1, 1, fmt.Sprintf("the query has no CTE %q", cte), advice)
	}
	model := *r.model.Model
	// The result is neither the model's rows nor its columns: only the name, for messages, and the parameters stay.
	model.Source, model.Key, model.Order, model.Columns, model.Contract = cut, nil, nil, nil, false
	return r.engine.compileOne(&model, r.model.catalog)
}
