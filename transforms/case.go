package transforms

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
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
// A table is CSV with a header; lines that start with # are comments. Cells are
// read by the type of their column: NULL is NULL, an empty cell is NULL too
// unless the column is a STRING; timestamps are ISO 8601, UTC without a zone;
// ARRAY and STRUCT are JSON. Columns left out are NULL, tables left out are
// empty. want.csv may leave columns out; order of rows does not matter.
type Case struct {
	Name   string
	Line   int // of its first file in the archive
	asOf   *time.Time
	inputs map[string]fixture // by table, as the query names it
	want   fixture
}

// fixture is a table of a case.
type fixture struct {
	columns []schemas.Column
	rows    [][]any // a value per column, see Rows
	lines   []int   // of the rows in the archive
}

const (
	asOfFile = "as_of"
	wantFile = "want.csv"
)

// caseFile is a file of the archive, with where its text starts.
type caseFile struct {
	owner, name string // of <owner>/<name>; owner is empty when shared
	text        string
	line        int // of its first line of text
}

// Cases reads the model's cases. Faults are *syntax.Diagnostic, joined.
func (c *Compiled) Cases() ([]Case, error) {
	source := c.Model.Cases
	files := archiveFiles(source.Text)
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
		one, err := c.parseCase(owner, files)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		cases = append(cases, one)
	}
	return cases, errors.Join(faults...)
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

// parseCase reads the files of one case, and the shared ones that it has not itself.
func (c *Compiled) parseCase(owner string, files []caseFile) (Case, error) {
	one := Case{Name: owner, inputs: map[string]fixture{}}
	own := map[string]bool{}
	for _, f := range files {
		if f.owner == owner {
			own[f.name] = true
			if one.Line == 0 {
				one.Line = f.line - 1
			}
		}
	}
	var faults []error
	wanted := false
	for _, f := range files {
		if f.owner != owner && (f.owner != "" || own[f.name]) {
			continue
		}
		var err error
		switch {
		case f.name == asOfFile:
			var instant time.Time
			if instant, err = parseInstant(strings.TrimSpace(f.text)); err != nil {
				err = at(c.Model.Cases, f.line, 1, err.Error(), "")
			}
			one.asOf = &instant
		case f.name == wantFile:
			wanted = true
			one.want, err = parseFixture(c.Model.Cases, f, c.Columns)
		default:
			err = c.parseInput(one, f)
		}
		if err != nil {
			faults = append(faults, err)
		}
	}
	fault := func(message, advice string) {
		faults = append(faults, at(c.Model.Cases, one.Line, 1, fmt.Sprintf("case %q %s", one.Name, message), advice))
	}
	if !wanted {
		fault("expects nothing", "add the rows that the model must return as "+wantFile)
	}
	if c.Uses(AsOf) && one.asOf == nil {
		fault("has no as_of, which the query uses", "add a file `-- as_of --` with a timestamp")
	}
	return one, errors.Join(faults...)
}

func (c *Compiled) parseInput(one Case, f caseFile) error {
	table, ok := strings.CutSuffix(f.name, ".csv")
	var names []string
	for _, t := range c.catalog.Tables {
		names = append(names, t.Name)
		if t.Name == table && ok {
			fixture, err := parseFixture(c.Model.Cases, f, t.Columns)
			one.inputs[table] = fixture
			return err
		}
	}
	if !ok {
		return at(c.Model.Cases, f.line-1, 1, fmt.Sprintf("unknown file %q", f.name),
			"a case has as_of, want.csv, and <dataset>.<table>.csv for the tables that the query reads")
	}
	return at(c.Model.Cases, f.line-1, 1, fmt.Sprintf("the query does not read %s", table), hint.DidYouMean(table, names))
}

// parseFixture reads a CSV with columns of the table.
func parseFixture(source syntax.Source, f caseFile, columns []schemas.Column) (fixture, error) {
	reader := csv.NewReader(strings.NewReader(f.text))
	reader.Comment, reader.TrimLeadingSpace = '#', true
	fault := func(line, column int, message, advice string) error {
		return at(source, f.line+line-1, column, f.name+": "+message, advice)
	}
	broken := func(err error) error {
		var parse *csv.ParseError
		if errors.As(err, &parse) {
			return fault(parse.Line, parse.Column, parse.Err.Error(), "")
		}
		return fault(1, 1, err.Error(), "")
	}
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return fixture{}, fault(1, 1, "the header is missing", "write the names of the columns, separated by commas")
	}
	if err != nil {
		return fixture{}, broken(err)
	}
	var known []string
	for _, c := range columns {
		known = append(known, c.Name)
	}
	var out fixture
	for i, name := range header {
		line, column := reader.FieldPos(i)
		at := slices.Index(known, name)
		if at < 0 {
			return fixture{}, fault(line, column, fmt.Sprintf("unknown column %q", name), hint.DidYouMean(name, known))
		}
		if slices.Index(header, name) < i {
			return fixture{}, fault(line, column, fmt.Sprintf("column %q stands twice", name), "")
		}
		out.columns = append(out.columns, columns[at])
	}
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return fixture{}, broken(err)
		}
		row := make([]any, len(record))
		for i, cell := range record {
			if row[i], err = parseCell(out.columns[i].Type, cell); err != nil {
				line, column := reader.FieldPos(i)
				return fixture{}, fault(line, column, fmt.Sprintf("column %s: %v", header[i], err), "")
			}
		}
		line, _ := reader.FieldPos(0)
		out.rows, out.lines = append(out.rows, row), append(out.lines, f.line+line-1)
	}
}
