package transforms

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// Finding is one thing that Validate has to say about a file of a model.
type Finding struct {
	*syntax.Diagnostic
	Model   string // dataset.model; with its version unless it is the latest
	Rule    string // what was looked at, e.g. query or unused
	Warning bool   // nothing is wrong yet
}

// Rules of findings.
const (
	RuleFiles       = "files"       // names and settings of a model's folder
	RuleTables      = "tables"      // tables that do not exist, circles
	RuleQuery       = "query"       // names and types in a query, and what the warehouse cannot run
	RuleCases       = "cases"       // files of cases.txtar
	RuleContract    = "contract"    // model.yaml against what the query returns
	RuleUndescribed = "undescribed" // columns without a description
	RuleUnused      = "unused"      // steps that nothing reads
	RuleDeprecated  = "deprecated"  // reads of versions that will be gone
)

// Validation is the outcome of Validate.
type Validation struct {
	Models   int // looked at
	Findings []Finding
}

// Count returns the number of errors and of warnings.
func (v *Validation) Count() (errors, warnings int) {
	for _, f := range v.Findings {
		if f.Warning {
			warnings++
		} else {
			errors++
		}
	}
	return errors, warnings
}

// Err is all errors joined that stand in the way of a run, which needs no cases;
// nil when there are none.
func (v *Validation) Err() error {
	var errs []error
	for _, f := range v.Findings {
		if !f.Warning && f.Rule != RuleCases {
			errs = append(errs, f.Diagnostic)
		}
	}
	return errors.Join(errs...)
}

// known is what a validation knows of the columns of a model.
type known struct {
	columns []schemas.Column
	unsure  []string // whose type is a guess, in lower case
	open    bool     // there may be others
}

// validator carries one validation.
type validator struct {
	engine   *Engine
	graph    *Graph // of all models, those at fault too
	known    map[*Model]known
	compiled map[*Model]*Compiled // those without a fault
	findings []Finding
	byFolder map[string]*Model
	later    []func() // checks that need what is known of all models
}

// Validate looks at the chosen models and at everything above them without
// touching a warehouse, and reports all that is wrong with the chosen ones. It is
// given what Load returned, its error too. A fault is reported where its cause
// is: models below a faulty one are looked at as far as the columns that they
// read are known all the same. Its own error says that the analyzer does not work.
func (e *Engine) Validate(project *Project, loaded error, selectors, exclude []string) (*Validation, error) {
	v := &validator{engine: e, known: map[*Model]known{}, compiled: map[*Model]*Compiled{}, byFolder: map[string]*Model{}}
	for _, m := range project.Models {
		v.byFolder[path.Dir(m.Source.Name)] = m
	}
	graph, fault := e.Graph(project)
	if err := v.add(loaded, RuleFiles); err != nil {
		return nil, err
	}
	if err := v.add(fault, RuleTables); err != nil {
		return nil, err
	}
	v.widen(graph)
	chosen, err := v.graph.Select(selectors, exclude)
	if err != nil {
		return nil, errors.Join(err, loaded) // what was selected may be what could not be read
	}
	looked := slices.Clone(chosen)
	for _, m := range chosen {
		looked = append(looked, v.graph.checks[m]...)
	}
	wanted := v.graph.ancestors(looked)
	for _, m := range v.graph.Order {
		if !wanted[m] {
			continue
		}
		if err := v.model(m); err != nil {
			return nil, err
		}
	}
	for _, check := range v.later {
		check()
	}
	for _, m := range chosen {
		if err := v.ownChecks(m); err != nil {
			return nil, err
		}
		if c := v.compiled[m]; c != nil {
			_, faults := e.Cases(c)
			if err := v.add(faults, RuleCases); err != nil {
				return nil, err
			}
		}
		v.habits(m)
	}
	return &Validation{Models: len(chosen), Findings: v.sorted(chosen, len(selectors)+len(exclude) == 0)}, nil
}

// widen makes a graph whose order holds the models at fault too, so that they can
// be selected and looked at.
func (v *validator) widen(g *Graph) {
	whole := *g
	whole.Order, whole.children = nil, map[*Model][]*Model{}
	placed := map[*Model]bool{}
	var place func(*Model)
	place = func(m *Model) {
		if placed[m] {
			return // or on a circle, which is reported
		}
		placed[m] = true
		for _, p := range whole.parents[m] {
			place(p)
		}
		whole.Order = append(whole.Order, m)
	}
	for _, m := range g.Project.Models {
		place(m)
	}
	for _, m := range whole.Order {
		for _, p := range whole.parents[m] {
			whole.children[p] = append(whole.children[p], m)
		}
	}
	v.graph = &whole
}

// add takes the diagnostics of an error in; any other error is returned.
func (v *validator) add(err error, rule string) error {
	switch e := err.(type) {
	case nil:
	case *syntax.Diagnostic:
		v.findings = append(v.findings, Finding{Diagnostic: e, Model: v.modelOf(e.Name), Rule: rule})
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			if err := v.add(one, rule); err != nil {
				return err
			}
		}
	default:
		var d *syntax.Diagnostic
		if !errors.As(err, &d) {
			return err
		}
		return v.add(d, rule)
	}
	return nil
}

// modelOf names the model that a file belongs to.
func (v *validator) modelOf(file string) string {
	folder := path.Dir(file)
	if m := v.byFolder[folder]; m != nil {
		return m.String()
	}
	if !strings.HasSuffix(file, ".sql") && !strings.Contains(path.Base(file), ".") {
		folder = file // a fault of the folder itself
	}
	return path.Base(path.Dir(folder)) + "." + path.Base(folder)
}

// model analyses one model with what is known of those that it reads.
func (v *validator) model(m *Model) error {
	names, connected := v.graph.tables[m]
	if !connected {
		v.assume(m, nil)
		return nil // its text does not parse
	}
	columns := map[*Model][]schemas.Column{}
	unsure, open := map[string][]string{}, map[string]bool{}
	for name := range names {
		parent, ok := v.graph.Project.Model(name)
		if !ok {
			continue
		}
		k, ok := v.known[parent]
		if !ok {
			v.assume(m, nil)
			return nil // the fault of the parent comes first
		}
		columns[parent], unsure[name], open[name] = k.columns, k.unsure, k.open
	}
	catalog := v.graph.catalog(m, columns)
	guessed := false
	for i := range catalog.Tables {
		table := &catalog.Tables[i]
		table.Unsure = unsure[table.Name]
		guessed = guessed || len(table.Unsure) > 0
		if _, model := v.graph.Project.Model(table.Name); !model {
			_, raw := v.graph.rawTable[table.Name]
			table.Open = !raw || v.graph.Project.Growing[table.Name]
		}
		table.Open = table.Open || open[table.Name]
	}
	entry, statement, err := v.engine.entry(m.Source, catalog)
	if fault := v.add(v.overlaid(m, err), RuleQuery); fault != nil {
		return fault
	}
	returned, sure := entry.Columns, err == nil && (statement == nil || !statement.Partial)
	var doubtful []string
	switch {
	case !sure && statement == nil:
		v.assume(m, nil)
		return nil
	case !sure:
		returned, doubtful = statement.Columns, statement.Unsure
	case guessed: // types that rest on guesses are guesses
		for _, c := range returned {
			doubtful = append(doubtful, strings.ToLower(c.Name))
		}
	}
	if returned == nil {
		v.assume(m, nil)
		return nil
	}
	if !sure && statement.Open {
		v.known[m] = known{columns: m.stores(returned), unsure: doubtful, open: true}
		return nil
	}
	described, fault := m.describe(returned)
	if err := v.add(fault, RuleContract); err != nil {
		return err
	}
	v.settings(m, described, doubtful)
	v.known[m] = known{columns: m.stores(described), unsure: doubtful}
	if sure && fault == nil {
		v.compiled[m] = m.compiled(entry, described, catalog)
	}
	return nil
}

// ownChecks analyses checks.sql as far as the columns that it reads are known.
func (v *validator) ownChecks(m *Model) error {
	checks, sources, err := m.ownChecks()
	if err := v.add(err, RuleQuery); err != nil {
		return err
	}
	for i := range checks {
		err := v.engine.compileCheck(v.graph, m, &checks[i], sources[i], func(read *Model) ([]schemas.Column, bool) {
			k, ok := v.known[read]
			return k.columns, ok && !k.open && len(k.unsure) == 0
		})
		if err := v.add(err, RuleQuery); err != nil {
			return err
		}
	}
	return nil
}

// assume takes the columns that model.yaml promises, with their types, for those
// of a model whose query does not say.
func (v *validator) assume(m *Model, returned []schemas.Column) {
	if !m.Contract || len(m.Columns) == 0 {
		return
	}
	for name, settings := range m.Columns {
		typ, err := schemas.ParseType(settings.Type)
		if err != nil {
			return
		}
		returned = append(returned, schemas.Column{Name: name, Type: typ})
	}
	slices.SortFunc(returned, func(a, b schemas.Column) int { return strings.Compare(a.Name, b.Name) })
	v.known[m] = known{columns: m.stores(returned)}
}

// overlaid adds to faults about columns that a parent does not return, but the
// shipped model in whose place it stands does.
func (v *validator) overlaid(m *Model, err error) error {
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, one := range joined.Unwrap() {
				walk(one)
			}
			return
		}
		var d *syntax.Diagnostic
		if !errors.As(err, &d) {
			return
		}
		for _, parent := range v.graph.parents[m] {
			for column := range v.graph.Project.replaced[parent.Address()] {
				lacks := !slices.ContainsFunc(v.known[parent].columns, func(c schemas.Column) bool { return strings.EqualFold(c.Name, column) })
				if lacks && slices.Contains(strings.FieldsFunc(d.Message, notNameRune), column) {
					d.Hint = fmt.Sprintf("the project's own %s stands in the place of the shipped one, which returns %s: add the column there, or replace %s too",
						path.Dir(parent.Source.Name), column, m)
				}
			}
		}
	}
	if err != nil {
		walk(err)
	}
	return err
}

// sorted are the findings on the chosen models by file and place; with all models
// chosen also those on files that belong to none.
func (v *validator) sorted(chosen []*Model, all bool) []Finding {
	names := map[string]bool{}
	for _, m := range chosen {
		names[m.String()] = true
	}
	findings := slices.DeleteFunc(v.findings, func(f Finding) bool { return !all && !names[f.Model] })
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), a.Line-b.Line, a.Column-b.Column)
	})
	return slices.CompactFunc(findings, func(a, b Finding) bool { return *a.Diagnostic == *b.Diagnostic })
}

// habits warns of what works and is most likely not meant.
func (v *validator) habits(m *Model) {
	warn := func(source syntax.Source, offset int, rule, message, advice string) {
		v.findings = append(v.findings, Finding{Diagnostic: source.At(offset, message, advice), Model: m.String(), Rule: rule, Warning: true})
	}
	if isStep(m.Name) && len(v.graph.children[m]) == 0 {
		warn(m.Source, 0, RuleUnused, m.String()+" is a step that no model reads",
			"delete it, or switch it off with `enabled: false` in "+configFile)
	}
	var missing []string
	if k := v.known[m]; !k.open && len(k.unsure) == 0 && !m.Contract && len(m.Columns) > 0 {
		for _, c := range k.columns {
			if strings.TrimSpace(c.Description) == "" {
				missing = append(missing, c.Name)
			}
		}
	}
	if len(missing) > 0 {
		warn(m.Config, m.columnsAt(), RuleUndescribed, "no description of "+strings.Join(missing, ", "),
			"add it below `columns:` for those who read the table")
	}
	refs, err := v.engine.refs(m.Source)
	if err != nil {
		return // reported with the graph
	}
	seen := map[*Model]bool{}
	for _, ref := range refs {
		parent, ok := v.graph.Project.Model(ref.Name)
		if !ok || parent.Deprecated.IsZero() || seen[parent] {
			continue
		}
		seen[parent] = true
		advice := "read a newer version"
		if newest, ok := v.graph.Project.Model(parent.View().String()); ok && newest != parent {
			advice = fmt.Sprintf("read %s, which is version %d now", newest, newest.Version)
		}
		warn(m.Source, ref.Start, RuleDeprecated, fmt.Sprintf("%s is gone from %s on", parent.Address(), parent.Deprecated.Format(time.DateOnly)), advice)
	}
}

// isStep reports whether a model is named like one that only other models read.
func isStep(name string) bool {
	for _, prefix := range []string{"stg_", "int_", "snap_", "map_", "base_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// columnsAt is where model.yaml describes columns.
func (m *Model) columnsAt() int {
	if i := strings.Index(m.Config.Text, "\ncolumns:"); i >= 0 {
		return i + 1
	}
	return 0
}
