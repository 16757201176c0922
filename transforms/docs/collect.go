package docs

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/lineage"
	"github.com/ripen-data/ripen/warehouse"
)

// Collect gathers what the page shows of models, which all have compiled.
// published is what the warehouse shows, of all environments; nil if there is
// none. The faults of files of cases come joined, with the site of the rest.
func Collect(engine *transforms.Engine, g *transforms.Graph, models []*transforms.Model, compiled map[*transforms.Model]*transforms.Compiled, published []warehouse.Publication) (Site, error) {
	c := collector{
		graph: g, lineage: g.Lineage(compiled), chosen: map[string]bool{},
		builds: map[warehouse.TableName]warehouse.Publication{},
	}
	for _, p := range published {
		c.builds[p.View] = p
	}
	for _, m := range models {
		c.chosen[m.String()] = true
		for _, name := range g.RawTables(m) {
			c.chosen[name] = true
		}
	}
	var site Site
	var faults []error
	for _, m := range models {
		page, err := c.model(m, compiled)
		if err != nil {
			return site, err
		}
		cases, err := engine.Cases(compiled[m])
		faults = append(faults, err)
		for _, one := range cases {
			page.Cases = append(page.Cases, one.Name)
		}
		site.Models = append(site.Models, page)
	}
	slices.SortFunc(site.Models, func(a, b Model) int { return strings.Compare(a.Name, b.Name) })
	site.Sources = c.sources(models)
	return site, errors.Join(faults...)
}

type collector struct {
	graph   *transforms.Graph
	lineage *transforms.Lineage
	chosen  map[string]bool // tables that the page has
	builds  map[warehouse.TableName]warehouse.Publication
}

func (c collector) link(name string) Link {
	if c.chosen[name] {
		return Link{Name: name, ID: name}
	}
	return Link{Name: name}
}

func (c collector) model(m *transforms.Model, all map[*transforms.Model]*transforms.Compiled) (Model, error) {
	compiled := all[m]
	if compiled == nil {
		return Model{}, fmt.Errorf("document %s: it did not compile", m)
	}
	page := Model{
		Name: m.String(), Dataset: m.Dataset, Version: m.Version, Kind: string(m.Kind), Origin: "shipped with ripen",
		Grain: m.Grain, Description: m.Description, Owner: m.Owner, Tags: m.Tags, Key: m.Key,
		Checks: modelChecks(m), Path: m.Source.Name, SQL: m.Source.Text, Compiled: c.graph.Inlined(all, m),
	}
	switch {
	case m.Own:
		page.Origin = "the project's own"
	case m.Configured:
		page.Origin = "shipped with ripen, with settings of the project"
	}
	for _, p := range c.graph.Parents(m) {
		page.Parents = append(page.Parents, c.link(p.String()))
	}
	for _, name := range c.graph.RawTables(m) {
		page.Parents = append(page.Parents, c.link(name))
	}
	for _, child := range c.graph.Children(m) {
		page.Children = append(page.Children, c.link(child.String()))
	}
	for _, column := range compiled.Columns {
		from, to := c.ends(transforms.ColumnID{Stage: transforms.ModelStage, Table: m.String(), Column: column.Name})
		page.Columns = append(page.Columns, Column{
			Name: column.Name, Type: column.Type.String(), Description: column.Description,
			IsKey: slices.Contains(m.Key, column.Name), Checks: columnChecks(m.Columns[column.Name]), From: from, To: to,
		})
	}
	if p, ok := c.builds[m.VersionView()]; ok {
		page.Build = &Build{Table: p.Table.String(), Rows: p.Rows, BuiltAt: p.BuiltAt}
	}
	return page, nil
}

// ends are the columns that a column is computed from, and those computed from it.
func (c collector) ends(id transforms.ColumnID) (from, to []Origin) {
	column, ok := c.lineage.Column(id)
	if !ok {
		return nil, nil
	}
	origin := func(other transforms.ColumnID, how []lineage.How) Origin {
		words := make([]string, len(how))
		for i, h := range how {
			words[i] = string(h)
		}
		return Origin{Link: c.link(other.Table), Column: other.Column, How: strings.Join(words, ", ")}
	}
	for _, e := range column.Up {
		if e.Kind == lineage.Value {
			from = append(from, origin(e.From, e.How))
		}
	}
	for _, e := range column.Down {
		if e.Kind == lineage.Value {
			to = append(to, origin(e.To, e.How))
		}
	}
	return from, to
}

// sources are the raw tables below the models.
func (c collector) sources(models []*transforms.Model) []Source {
	children := map[string][]Link{}
	for _, m := range models {
		for _, name := range c.graph.RawTables(m) {
			children[name] = append(children[name], c.link(m.String()))
		}
	}
	var sources []Source
	for _, t := range c.graph.Project.Raw {
		name := t.RawDataset() + "." + t.Name
		if children[name] == nil {
			continue
		}
		source := Source{Name: name, Description: t.Description, Children: children[name]}
		for _, column := range t.RawColumns() {
			from, to := c.ends(transforms.ColumnID{Stage: transforms.RawStage, Table: name, Column: column.Name})
			source.Columns = append(source.Columns, Column{
				Name: column.Name, Type: column.Type.String(), Description: column.Description,
				IsKey: slices.Contains(t.Key, column.Name), From: from, To: to,
			})
		}
		sources = append(sources, source)
	}
	slices.SortFunc(sources, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	return sources
}

// columnChecks says what is checked of a column, in words.
func columnChecks(c transforms.ColumnSettings) []string {
	var checks []string
	add := func(is bool, text string) {
		if is {
			checks = append(checks, text+severity(c.Severity))
		}
	}
	add(c.NotNull, "not null")
	add(c.Unique, "unique")
	add(len(c.AcceptedValues) > 0, "one of "+strings.Join(c.AcceptedValues, ", "))
	add(c.References != "", "in "+c.References)
	return checks
}

// modelChecks says what is checked of a model's rows, in words.
func modelChecks(m *transforms.Model) []string {
	key := strings.Join(m.Key, ", ")
	checks := []string{"unique: " + key, "not null: " + key}
	for _, c := range m.Checks {
		checks = append(checks, checkText(c)+severity(c.Severity))
	}
	if strings.TrimSpace(m.OwnChecks.Text) != "" {
		checks = append(checks, "queries of "+m.OwnChecks.Name)
	}
	return checks
}

func severity(s transforms.Severity) string {
	if s == transforms.Warn {
		return " (warns)"
	}
	return ""
}

func checkText(c transforms.CheckSettings) string {
	name := c.Name
	if name != "" {
		name += ": "
	}
	switch {
	case len(c.Unique) > 0:
		return name + "unique: " + strings.Join(c.Unique, ", ")
	case len(c.NotNull) > 0:
		return name + "not null: " + strings.Join(c.NotNull, ", ")
	case c.AcceptedValues != nil:
		return name + c.AcceptedValues.Column + " is one of " + strings.Join(c.AcceptedValues.Values, ", ")
	case c.Relationship != nil:
		return name + c.Relationship.Column + " is in " + c.Relationship.To
	case c.Volume != nil:
		return name + volumeText(c.Volume)
	case c.Freshness != nil:
		return name + freshnessText(c.Freshness)
	}
	return name
}

func volumeText(v *transforms.Volume) string {
	var parts []string
	if v.Min != nil {
		parts = append(parts, fmt.Sprintf("at least %d rows", *v.Min))
	}
	if v.Max != nil {
		parts = append(parts, fmt.Sprintf("at most %d rows", *v.Max))
	}
	if v.MaxDrop != nil {
		parts = append(parts, fmt.Sprintf("at most %g %% fewer than before", *v.MaxDrop))
	}
	if v.MaxGrowth != nil {
		parts = append(parts, fmt.Sprintf("at most %g %% more than before", *v.MaxGrowth))
	}
	return strings.Join(parts, ", ")
}

func freshnessText(f *transforms.Freshness) string {
	var parts []string
	if f.WarnAfter > 0 {
		parts = append(parts, fmt.Sprintf("warns when older than %s", f.WarnAfter))
	}
	if f.ErrorAfter > 0 {
		parts = append(parts, fmt.Sprintf("fails when older than %s", f.ErrorAfter))
	}
	return f.Column + " " + strings.Join(parts, ", ")
}
