package transforms

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// CompiledCheck is one query of checks.sql: the rows that it returns fail.
//
//	-- fail: no trial ends before it starts
//	select * from core.fct_trial where trial_end_at < trial_start_at;
//	-- warn: few trials are longer than a quarter
//	select * from core.fct_trial where trial_length_days > 92;
type CompiledCheck struct {
	Name     string
	Severity Severity
	Columns  []schemas.Column // of the failing rows

	template syntax.Template
}

var checkTitle = regexp.MustCompile(`(?m)^--\s*(fail|warn):\s*(\S.*?)\s*$`)

// ownChecks splits checks.sql; each source keeps its place in the file.
func (m *Model) ownChecks() ([]CompiledCheck, []syntax.Source, error) {
	if strings.TrimSpace(m.OwnChecks.Text) == "" {
		return nil, nil, nil
	}
	statements, err := lex.Split(m.OwnChecks)
	if err != nil {
		return nil, nil, err
	}
	var checks []CompiledCheck
	var sources []syntax.Source
	var faults []error
	names := map[string]bool{}
	for _, statement := range statements {
		source := statement.Source
		title := checkTitle.FindStringSubmatch(source.Text)
		if title == nil {
			faults = append(faults, m.OwnChecks.At(statement.Start, "the check has no title", "write `-- fail: what must hold` or `-- warn: …` on a line before it"))
			continue
		}
		if names[title[2]] {
			faults = append(faults, m.OwnChecks.At(statement.Start, fmt.Sprintf("two checks are called %q", title[2]), "results are told apart by name"))
			continue
		}
		names[title[2]] = true
		checks = append(checks, CompiledCheck{Name: title[2], Severity: Severity(title[1])})
		sources = append(sources, source)
	}
	return checks, sources, errors.Join(faults...)
}

// compileChecks compiles checks.sql of models that compiled; what a check reads
// must have compiled too.
func (e *Engine) compileChecks(g *Graph, compiled map[*Model]*Compiled) error {
	var faults []error
	for _, m := range g.Order {
		c := compiled[m]
		if c == nil {
			continue
		}
		checks, sources, err := m.ownChecks()
		if err != nil {
			faults = append(faults, err)
			continue
		}
		for i := range checks {
			err := e.compileCheck(g, m, &checks[i], sources[i], func(read *Model) ([]schemas.Column, bool) {
				if compiled[read] == nil {
					return nil, false // its own fault is told, or it is not among the chosen
				}
				return compiled[read].Columns, true
			})
			if err != nil {
				faults = append(faults, err)
				continue
			}
			c.Checks = append(c.Checks, checks[i])
		}
	}
	return errors.Join(faults...)
}

// compileCheck compiles one of m's own checks; columns are those of a model, if
// they are known. Without them there is neither a check nor a fault.
func (e *Engine) compileCheck(g *Graph, m *Model, check *CompiledCheck, source syntax.Source, columns func(*Model) ([]schemas.Column, bool)) error {
	refs, err := e.refs(source)
	if err != nil {
		return err
	}
	catalog := syntax.Catalog{Params: map[string]schemas.Type{AsOf: {Kind: schemas.Timestamp}}}
	seen := map[string]bool{}
	own := false
	for _, ref := range refs {
		if seen[ref.Name] {
			continue
		}
		seen[ref.Name] = true
		table := syntax.Table{Name: ref.Name}
		if read, ok := g.Project.Model(ref.Name); ok {
			var known bool
			if table.Columns, known = columns(read); !known {
				return nil
			}
			if read == m {
				own = true
				table.Columns = m.queried(table.Columns)
			}
		} else if raw, ok := g.rawTable[ref.Name]; ok {
			for _, c := range raw.RawColumns() {
				c.Type = schemas.GoogleSQLType(c.Type)
				table.Columns = append(table.Columns, c)
			}
		} else {
			return source.At(ref.Start, "unknown table "+ref.Name, g.adviceOnTable(ref.Name))
		}
		catalog.Tables = append(catalog.Tables, table)
	}
	if !own {
		return source.At(checkStart(source), fmt.Sprintf("the check does not read %s", m), "it runs on the rows that are to be published: name the model")
	}
	entry, _, err := e.entry(source, catalog)
	if err != nil {
		return err
	}
	check.template, check.Columns = entry.SQL, entry.Columns
	return nil
}

// checkStart is where the title stands.
func checkStart(source syntax.Source) int {
	if at := checkTitle.FindStringIndex(source.Text); at != nil {
		return at[0]
	}
	return 0
}

// renderCheck names the tables that a check reads: the model itself is the rows
// that are to be published.
func (b *Builder) renderCheck(w *work, a audited, c CompiledCheck) (string, error) {
	var fault error
	sql := c.template.Render(func(name string) string {
		m, ok := b.graph.Project.Model(name)
		switch {
		case !ok:
			return ""
		case m == w.Model:
			return a.all()
		}
		found, err := b.found(m)
		fault = errors.Join(fault, err)
		return found.Table.String()
	})
	return sql, fault
}

// paramsOf are the values that a check's statement names.
func (t *auditing) paramsOf(c setCheck) map[string]any {
	if !c.own || !namesParameter(c.sql, AsOf) {
		return nil
	}
	return map[string]any{AsOf: t.options.AsOf}
}
