package transforms

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse"
)

// NotThere is a table that a statement names and that is not in scope.
type NotThere struct{ Message, Hint string }

func (e *NotThere) Error() string { return e.Message }

// Deployed is what a warehouse holds, as a session reads it.
type Deployed interface {
	Tables(context.Context) ([]warehouse.TableName, error)
	Columns(context.Context, warehouse.TableName) ([]schemas.Column, error)
	// SQL is how statements name a table.
	SQL(warehouse.TableName) string
}

// DeployedScope is a Scope of the tables and views that lie in a warehouse: the
// stable views of models with the types of the build that they show, and raw
// tables with the columns that drift brought.
type DeployedScope struct {
	Warehouse Deployed
	// Project reads the models of the files, to tell a model that was never built from
	// a name that nobody knows; nil where there is no project.
	Project func() (*Project, error)
	// View is where a stable view lies in the environment that is looked at; nil for
	// production.
	View func(warehouse.TableName) warehouse.TableName
	// Missing is the hint for an unknown name where there is no project.
	Missing string

	names []warehouse.TableName
	found map[string]syntax.Table
	read  bool
}

// Table implements Scope.
func (d *DeployedScope) Table(ctx context.Context, name string) (syntax.Table, string, error) {
	if !d.read {
		names, err := d.Warehouse.Tables(ctx)
		if err != nil {
			return syntax.Table{}, "", err
		}
		d.names, d.found, d.read = names, map[string]syntax.Table{}, true
	}
	dataset, table, _ := strings.Cut(name, ".")
	asked := warehouse.TableName{Dataset: dataset, Table: table}
	there := asked
	if d.View != nil {
		if view := d.View(asked); slices.Contains(d.names, view) {
			there = view
		}
	}
	if !slices.Contains(d.names, there) {
		return syntax.Table{}, "", d.notThere(name)
	}
	found, ok := d.found[name]
	if !ok {
		columns, err := d.columns(ctx, there)
		if err != nil {
			return syntax.Table{}, "", err
		}
		found = syntax.Table{Name: name, Columns: columns}
		d.found[name] = found
	}
	return found, d.Warehouse.SQL(there), nil
}

// columns are those that lie there; what a contract says of a column of a raw
// table is said with more care than the warehouse can.
func (d *DeployedScope) columns(ctx context.Context, name warehouse.TableName) ([]schemas.Column, error) {
	columns, err := d.Warehouse.Columns(ctx, name)
	if err != nil {
		return nil, err
	}
	contract, ok := schemas.Contract(strings.TrimPrefix(name.Dataset, "raw_") + "." + name.Table)
	if !ok || contract.RawDataset() != name.Dataset {
		return columns, nil
	}
	for i, c := range columns {
		for _, known := range contract.RawColumns() {
			if known.Name == c.Name {
				columns[i].Type = schemas.GoogleSQLType(known.Type)
			}
		}
	}
	return columns, nil
}

func (d *DeployedScope) notThere(name string) error {
	unknown := &NotThere{Message: "Table not found: " + name, Hint: d.Missing}
	if d.Project == nil {
		return unknown
	}
	project, err := d.Project()
	if project == nil {
		return fmt.Errorf("look for %s among the models: %w", name, err)
	}
	// Faults of other models' files are none of this statement.
	if m, ok := project.Model(name); ok {
		return &NotThere{Message: "the model " + name + " was never built", Hint: fmt.Sprintf("build it: ripen transform --select +%s", m)}
	}
	if config, ok := project.disabled[name]; ok {
		return &NotThere{Message: "the model " + name + " is switched off", Hint: "remove `enabled: false` from " + config}
	}
	if advice := project.retirement(name); advice != "" {
		unknown.Hint = advice
		return unknown
	}
	var known []string
	for _, n := range d.names {
		if !strings.HasPrefix(n.Dataset, "ripen_") {
			known = append(known, n.String())
		}
	}
	for _, m := range project.Models {
		known = append(known, m.View().String(), m.Address())
	}
	for _, t := range project.Raw {
		raw := t.RawDataset() + "." + t.Name
		if raw == name {
			return &NotThere{Message: "the raw table " + name + " does not exist yet", Hint: "load it: ripen extract, then ripen load"}
		}
		known = append(known, raw)
	}
	if strings.Count(name, ".") > 1 {
		unknown.Hint = "tables are dataset.table, without a project"
		return unknown
	}
	unknown.Hint = closestTable(name, known)
	return unknown
}

// closestTable looks for a slip in the whole name, then for the table in another
// dataset.
func closestTable(name string, known []string) string {
	slices.Sort(known)
	known = slices.Compact(known)
	if advice := hint.DidYouMean(name, known); strings.HasPrefix(advice, "did you mean") {
		return advice
	}
	table := name[strings.LastIndex(name, ".")+1:]
	for _, k := range known {
		if strings.EqualFold(k[strings.LastIndex(k, ".")+1:], table) {
			return fmt.Sprintf("did you mean %q?", k)
		}
	}
	return "see `ripen ls` for the models; raw tables are raw_<dataset>.<table>"
}
