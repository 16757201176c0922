package gsql

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/syntax"
)

var (
	suiteDir   = flag.String("suite", os.Getenv("GOOGLESQL_SUITE"), "directory googlesql/compliance/testdata of github.com/google/googlesql")
	suiteFiles = flag.String("suite-files", "", "run only the files of the suite that match this pattern")
	suiteShow  = flag.String("suite-show", "", "print the entries of these classes (a pattern), e.g. different")
)

// suiteCommit is the commit of the suite that testdata/compliance.txt was made with.
const suiteCommit = "1f8aa333f4d6353cd3a64471fc83121df72df3f7"

// The classes of entries. Only equal and fault are successes; a difference or an
// engine error needs a reason in testdata/compliance.txt.
const (
	classEqual       = "equal"
	classFault       = "fault as expected"
	classRefused     = "refused"
	classDifferent   = "different"
	classEngine      = "engine error"
	classNoFault     = "fault expected, none came"
	classAnalyzer    = "out of scope: the analyzer refuses"
	classZone        = "out of scope: default zone of Los Angeles"
	classUnreadable  = "out of scope: result of another type"
	classForeign     = "out of scope: types that BigQuery has not"
	classFaultSetup  = "set-up: not loaded"
	classSetup       = "set-up: loaded"
	classFaultRefuse = "fault expected, refused"
)

// Types of the suite that BigQuery has not. Integers of other sizes become INT64
// where a result is expected, DOUBLE is the other name of FLOAT64.
var (
	narrowType   = regexp.MustCompile(`(?i)\b(float|proto|enum|bignumeric)\b`)
	otherInteger = regexp.MustCompile(`(?i)\b(u?int32|uint64)\b`)
	floatType    = regexp.MustCompile(`(?i)\bdouble\b`)
	notQuery     = regexp.MustCompile(`(?i)^\s*(insert|update|delete|merge|create|begin|call|graph|table|declare)\b`)
)

// outcome is what became of one entry.
type outcome struct{ class, detail string }

// suiteBench runs the entries of one file.
type suiteBench struct{ *bench }

func TestCompliance_SuiteOfGoogleSQL(t *testing.T) {
	if *suiteDir == "" {
		t.Skip("no suite: give -suite, or GOOGLESQL_SUITE, the directory googlesql/compliance/testdata of github.com/google/googlesql")
	}
	files, err := filepath.Glob(filepath.Join(*suiteDir, "*.test"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", *suiteDir, err)
	}
	wanted, show := regexp.MustCompile(*suiteFiles), regexp.MustCompile("^("+*suiteShow+")$")
	engine := openEngine(t)
	outcomes := map[string]outcome{}
	for _, file := range files {
		if heldOut(filepath.Base(file)) || !wanted.MatchString(filepath.Base(file)) {
			continue
		}
		entries, err := readSuite(file)
		if err != nil {
			t.Fatal(err)
		}
		b := suiteBench{benchOf(t, engine)}
		// A query that should fault for its size must not take the machine with it.
		if _, err := b.db.Exec("SET memory_limit = '1GB'; SET threads = 1"); err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			o := b.entry(e)
			outcomes[e.name] = o
			if *suiteShow != "" && show.MatchString(o.class) {
				t.Logf("%s: %s: %s\n%s", o.class, e.name, o.detail, e.sql)
			}
		}
		b.db.Close()
	}
	checkOutcomes(t, outcomes, *suiteFiles == "")
}

// entry runs one entry.
func (b suiteBench) entry(e suiteEntry) (o outcome) {
	defer func() {
		if reason := recover(); reason != nil {
			o = outcome{classEngine, fmt.Sprintf("panic: %v\n%s", reason, debug.Stack())}
		}
	}()
	if e.table != "" {
		return b.setUp(e)
	}
	switch {
	case e.skipped != "":
		return outcome{class: "out of scope: " + e.skipped}
	case notQuery.MatchString(e.sql):
		return outcome{class: "out of scope: not a query"}
	}
	text, err := withParameters(e)
	if err != nil {
		return outcome{classUnreadable, err.Error()}
	}
	fault := strings.HasPrefix(e.want, "ERROR")
	if narrowType.MatchString(text) || fault && otherInteger.MatchString(text) {
		return outcome{class: classForeign}
	}
	stmt, err := b.check(text)
	if err != nil {
		return outcome{classAnalyzer, err.Error()}
	}
	nameColumns(stmt)
	if t := rowType(stmt.Columns); !fieldsNamed(t) {
		return outcome{classUnreadable, "a STRUCT without names"}
	}
	var want []string
	var loose map[string]bool
	if !fault {
		if want, loose, err = readExpected(e.want, stmt.Columns); err != nil {
			return outcome{classUnreadable, err.Error()}
		}
	}
	compiled, err := duck.CompileAdHoc(stmt)
	if err != nil {
		if fault {
			return outcome{classFaultRefuse, err.Error()}
		}
		return outcome{classRefused, err.Error()}
	}
	got, err := b.rows(compiled, loose)
	o = compare(fault, want, loose[""], got, err)
	if (o.class == classDifferent || o.class == classNoFault) && e.zone != "+00" && readsDefaultZone(stmt) {
		return outcome{class: classZone}
	}
	if o.detail != "" {
		o.detail += "\nDuckDB: " + compiled.SQL
	}
	return o
}

func compare(fault bool, want []string, sorted bool, got []string, err error) outcome {
	switch {
	case err != nil && fault && !ours.MatchString(err.Error()):
		return outcome{class: classFault}
	case err != nil:
		return outcome{classEngine, err.Error()}
	case fault:
		return outcome{classNoFault, strings.Join(got, "\n")}
	}
	if sorted {
		slices.Sort(got)
	}
	if slices.Equal(got, want) {
		return outcome{class: classEqual}
	}
	return outcome{classDifferent, "want " + strings.Join(want, "\n     ") + "\ngot  " + strings.Join(got, "\n     ")}
}

var parameterName = regexp.MustCompile(`(?is)^(.*\S)\s+([a-z_][a-z_0-9]*)$`)

// withParameters writes the values of the parameters in their places.
func withParameters(e suiteEntry) (string, error) {
	text := e.sql
	for e.params != "" {
		end := topComma(e.params)
		m := parameterName.FindStringSubmatch(strings.TrimSpace(e.params[:end]))
		if m == nil {
			return "", fmt.Errorf("parameter %.40s", e.params)
		}
		e.params = e.params[min(end+1, len(e.params)):]
		value := strings.TrimSpace(m[1])
		if cut := len(value) - 2; cut > 0 && strings.EqualFold(value[cut:], "as") && strings.ContainsAny(value[cut-1:cut], " \n\t)") {
			value = value[:cut]
		}
		text = regexp.MustCompile(`(?i)@`+m[2]+`\b`).ReplaceAllLiteralString(text, "("+value+")")
	}
	return text, nil
}

// topComma finds the first comma outside of brackets and strings.
func topComma(text string) int {
	depth, quoted := 0, byte(0)
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted != 0 && c == '\\':
			i++
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '"' || c == '\'':
			quoted = c
		case strings.IndexByte("([{<", c) >= 0:
			depth++
		case strings.IndexByte(")]}>", c) >= 0:
			depth--
		case c == ',' && depth == 0:
			return i
		}
	}
	return len(text)
}

// check analyses a statement with the suite's types and table names in ours.
func (b suiteBench) check(text string) (*syntax.Statement, error) {
	text = otherInteger.ReplaceAllString(floatType.ReplaceAllString(text, "FLOAT64"), "INT64")
	src := syntax.Source{Name: "q.sql", Text: text}
	found, err := b.engine.Refs(src)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(x, y syntax.Ref) int { return y.Start - x.Start })
	for _, ref := range found {
		for _, table := range b.catalog.Tables {
			if strings.EqualFold("ds."+ref.Name, table.Name) {
				src.Text = src.Text[:ref.Start] + table.Name + src.Text[ref.End:]
			}
		}
	}
	return b.engine.Check(b.catalog, src)
}

func (b suiteBench) setUp(e suiteEntry) outcome {
	stmt, err := b.check(e.sql)
	if err != nil {
		return outcome{classFaultSetup, err.Error()}
	}
	compiled, err := duck.Compile(stmt)
	if err != nil {
		return outcome{classFaultSetup, err.Error()}
	}
	if err := b.add(e.table, compiled); err != nil {
		b.catalog.Tables = b.catalog.Tables[:len(b.catalog.Tables)-1]
		return outcome{classEngine, err.Error() + "\nDuckDB: " + compiled.SQL}
	}
	return outcome{class: classSetup}
}

// fieldsNamed reports whether every field of a type has a name of its own.
func fieldsNamed(t schemas.Type) bool {
	seen := map[string]bool{}
	for _, f := range t.Fields {
		lower := strings.ToLower(f.Name)
		if lower == "" || seen[lower] || !fieldsNamed(f.Type) {
			return false
		}
		seen[lower] = true
	}
	return t.Kind != schemas.Array || fieldsNamed(*t.Elem)
}

// nameColumns gives every column of the result a name of its own: the suite's
// queries seldom do, models must.
func nameColumns(stmt *syntax.Statement) {
	stmt.Columns = slices.Clone(stmt.Columns)
	for i := range stmt.Columns {
		stmt.Columns[i].Name = fmt.Sprintf("c%d", i+1)
	}
}

// rows runs a compiled query and gives its rows in the form of readExpected.
func (b suiteBench) rows(c duck.Compiled, loose map[string]bool) ([]string, error) {
	if err := b.fill("_result", c); err != nil {
		return nil, err
	}
	found, err := b.db.Query(`SELECT * FROM ds._result ORDER BY rowid`)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var lines []string
	for found.Next() {
		values := make([]any, len(c.Columns))
		into := make([]any, len(values))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		row := map[string]any{}
		for i, v := range values {
			row[c.Columns[i].Name] = v
		}
		line, err := duckText("[]", rowType(c.Columns), row, loose)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, found.Err()
}

// readsDefaultZone reports whether the result depends on the default zone: a
// TIMESTAMP meets text or a calendar without a zone beside it. The suite's zone is
// Los Angeles, BigQuery's and ours is UTC.
func readsDefaultZone(stmt *syntax.Statement) bool {
	calendar := func(k schemas.Kind) bool {
		return k == schemas.String || k == schemas.Date || k == schemas.Datetime || k == schemas.Time
	}
	var reads func(r *syntax.Resolved) bool
	reads = func(r *syntax.Resolved) bool {
		if r.Type != nil && (r.Kind == "Cast" || r.Kind == "FunctionCall" || r.Kind == "Literal") {
			result, from := r.Type.Kind == schemas.Timestamp, false
			text, parts := calendar(r.Type.Kind), r.Kind == "Literal"
			for _, kid := range r.Kids {
				if kid.Type != nil {
					from = from || kid.Type.Kind == schemas.Timestamp
					parts = parts || calendar(kid.Type.Kind)
				}
			}
			if result && parts || from && (text || strings.HasPrefix(r.Attr, "$extract") || strings.Contains(r.Attr, "trunc")) {
				return true
			}
		}
		return slices.ContainsFunc(r.Kids, reads)
	}
	return reads(stmt.Resolved)
}

var pinFile = filepath.Join("testdata", "compliance.txt")

// pins is the committed state: counts by class, the entries that are equal or
// fail as they should, and the reasons of those that differ.
type pins struct {
	good    []string
	reasons map[string]string
}

func readPins() (pins, error) {
	p := pins{reasons: map[string]string{}}
	text, err := os.ReadFile(pinFile)
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if name, reason, ok := strings.Cut(line, ": "); ok {
			p.reasons[name] = reason
		} else {
			p.good = append(p.good, line)
		}
	}
	return p, err
}

// checkOutcomes holds the outcomes against the committed state.
func checkOutcomes(t *testing.T, outcomes map[string]outcome, whole bool) {
	counts := map[string]int{}
	for _, o := range outcomes {
		counts[o.class]++
	}
	var summary strings.Builder
	for _, class := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&summary, "# %5d %s\n", counts[class], class)
	}
	t.Logf("\n%s", summary.String())
	known, err := readPins()
	if err != nil {
		t.Fatal(err)
	}
	if *update && whole {
		if err := writePins(outcomes, known, summary.String()); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range known.good {
		if o, ran := outcomes[name]; (ran || whole) && o.class != classEqual && o.class != classFault && !*update {
			t.Errorf("%s was equal, is now %s: %s", name, o.class, o.detail)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		switch o := outcomes[name]; o.class {
		case classDifferent, classEngine, classNoFault:
			if known.reasons[name] == "" {
				t.Errorf("%s: %s: %s", name, o.class, o.detail)
			}
		default:
			if known.reasons[name] != "" && !*update {
				t.Errorf("%s is now %s: -update takes it from the list of differences", name, o.class)
			}
		}
	}
}

func writePins(outcomes map[string]outcome, known pins, summary string) error {
	var good, bad strings.Builder
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		switch outcomes[name].class {
		case classEqual, classFault:
			fmt.Fprintln(&good, name)
		case classDifferent, classEngine, classNoFault:
			if reason := known.reasons[name]; reason != "" {
				fmt.Fprintf(&bad, "%s: %s\n", name, reason)
			}
		}
	}
	text := "# Entries of GoogleSQL's compliance suite, github.com/google/googlesql at commit\n# " + suiteCommit +
		".\n# Made by: go test ./transforms/gsql -run Compliance -suite DIR -update\n#\n" + summary +
		"\n# Known differences, each with its reason. A new one fails the test.\n" + bad.String() +
		"\n# Equal, or a fault where the suite has one. None may leave this list.\n" + good.String()
	return os.WriteFile(pinFile, []byte(text), 0o644)
}
