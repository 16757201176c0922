package transforms

import (
	"cmp"
	"maps"
	"slices"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/lineage"
)

// Stage says where on its way from a source to the CRM a column stands.
type Stage string

// Stages, in the order in which data pass them.
const (
	FieldStage    Stage = "field"    // field of a source's object, e.g. stripe:subscription.trial_end
	RawStage      Stage = "raw"      // column of a landed table, e.g. raw_stripe.subscriptions.trial_end
	ModelStage    Stage = "model"    // column of a model, e.g. core.fct_trial.trial_ends_at
	PropertyStage Stage = "property" // property of a CRM object, e.g. hubspot:companies.trial_score
)

var stages = []Stage{FieldStage, RawStage, ModelStage, PropertyStage}

// ColumnID names a column of lineage.
type ColumnID struct {
	Stage  Stage  `json:"stage"`
	Table  string `json:"table"`  // e.g. core.fct_trial, raw_stripe.subscriptions, stripe:subscription
	Column string `json:"column"` // of a field the dotted path in its object; "$" is the whole object
}

func (c ColumnID) String() string { return c.Table + "." + c.Column }

func compareColumnIDs(a, b ColumnID) int {
	return cmp.Or(cmp.Compare(slices.Index(stages, a.Stage), slices.Index(stages, b.Stage)),
		cmp.Compare(a.Table, b.Table), cmp.Compare(a.Column, b.Column))
}

// LineageEdge is one step of lineage: what From does to To.
type LineageEdge struct {
	From ColumnID      `json:"from"`
	To   ColumnID      `json:"to"`
	Kind lineage.Kind  `json:"kind"`
	How  []lineage.How `json:"how"`
}

// LineageColumn is a column with its direct neighbours.
type LineageColumn struct {
	ColumnID
	Type        string        `json:"type,omitempty"` // GoogleSQL; empty for a field or a property
	Description string        `json:"description,omitempty"`
	Up          []LineageEdge `json:"up"`   // To is this column; value edges first
	Down        []LineageEdge `json:"down"` // From is this column
}

// Lineage is where the columns of a project come from and where they go: field of
// a source -> column of a raw table -> columns of models -> property of a CRM
// object. It marshals to JSON as the list of its columns.
type Lineage struct {
	Columns []*LineageColumn `json:"columns"` // by stage and table; of one table in its own order

	byID   map[ColumnID]*LineageColumn
	tables map[string]bool
	alias  map[string]string // other name of a model -> its table; empty where two models have it
}

// Lineage joins the lineage of compiled models. Raw tables that none of them
// reads are left out.
func (g *Graph) Lineage(compiled map[*Model]*Compiled) *Lineage {
	l := &Lineage{byID: map[ColumnID]*LineageColumn{}, tables: map[string]bool{}, alias: map[string]string{}}
	raw := map[string]bool{}
	for _, m := range g.Order {
		if compiled[m] != nil {
			for _, name := range g.raw[m] {
				raw[name] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		l.addRaw(name, g.rawTable[name])
	}
	for _, m := range g.Order { // parents first, so that every source is there
		if c := compiled[m]; c != nil {
			l.addModel(g, c)
		}
	}
	l.sort()
	return l
}

// Column returns a column.
func (l *Lineage) Column(id ColumnID) (*LineageColumn, bool) {
	c, ok := l.byID[id]
	return c, ok
}

func (l *Lineage) add(c LineageColumn) *LineageColumn {
	if known, ok := l.byID[c.ColumnID]; ok {
		return known
	}
	c.Up, c.Down = []LineageEdge{}, []LineageEdge{}
	l.byID[c.ColumnID] = &c
	l.tables[c.Table] = true
	l.Columns = append(l.Columns, &c)
	return &c
}

func (l *Lineage) connect(from, to *LineageColumn, kind lineage.Kind, how []lineage.How) {
	edge := LineageEdge{From: from.ColumnID, To: to.ColumnID, Kind: kind, How: how}
	from.Down = append(from.Down, edge)
	to.Up = append(to.Up, edge)
}

// madeByRipen is the dataset of contracts whose records no source has.
const madeByRipen = "ripen"

func (l *Lineage) addRaw(name string, t schemas.Table) {
	for _, c := range t.RawColumns() {
		typ := schemas.GoogleSQLType(c.Type).String()
		column := l.add(LineageColumn{ColumnID: ColumnID{RawStage, name, c.Name}, Type: typ, Description: c.Description})
		if t.Dataset == madeByRipen {
			continue
		}
		paths := c.SourceFields()
		how := lineage.Identity
		if len(paths) > 1 || c.Format != schemas.Text {
			how = lineage.Transformation // the first of several with a value; a number of seconds read as an instant
		}
		for _, path := range paths {
			field := l.add(LineageColumn{ColumnID: ColumnID{FieldStage, t.Dataset + ":" + t.SourceObject(), path}})
			l.connect(field, column, lineage.Value, []lineage.How{how})
		}
	}
}

func (l *Lineage) addModel(g *Graph, compiled *Compiled) {
	m := compiled.Model
	l.addAlias(m)
	sources := map[string][]lineage.Source{}
	for _, c := range compiled.Lineage {
		sources[c.Name] = c.Sources
	}
	for _, c := range compiled.Columns {
		column := l.add(LineageColumn{
			ColumnID: ColumnID{ModelStage, m.String(), c.Name}, Type: c.Type.String(), Description: c.Description,
		})
		for _, source := range sources[c.Name] {
			id := ColumnID{RawStage, source.Table, source.Column}
			if parent, ok := g.Project.Model(source.Table); ok {
				id = ColumnID{ModelStage, parent.String(), source.Column}
			}
			if from, ok := l.byID[id]; ok {
				l.connect(from, column, source.Kind, source.How)
			}
		}
	}
	if m.Sync != nil {
		l.addSync(m)
	}
}

func (l *Lineage) addSync(m *Model) {
	for _, column := range slices.Sorted(maps.Keys(m.Sync.Fields)) {
		from, ok := l.byID[ColumnID{ModelStage, m.String(), column}]
		if !ok {
			continue // describe has refused it
		}
		property := l.add(LineageColumn{ColumnID: ColumnID{PropertyStage, syncTable(m.Sync.Object), m.Sync.Fields[column]}})
		l.connect(from, property, lineage.Value, []lineage.How{lineage.Identity})
	}
}

// compareKinds puts values before influences.
func compareKinds(a, b lineage.Kind) int { return -cmp.Compare(a, b) }

// sort orders columns by stage and table, and edges by kind (value first) and
// the column at their other end.
func (l *Lineage) sort() {
	slices.SortStableFunc(l.Columns, func(a, b *LineageColumn) int {
		return cmp.Or(cmp.Compare(slices.Index(stages, a.Stage), slices.Index(stages, b.Stage)), cmp.Compare(a.Table, b.Table))
	})
	for _, c := range l.Columns {
		slices.SortFunc(c.Up, func(a, b LineageEdge) int {
			return cmp.Or(compareKinds(a.Kind, b.Kind), compareColumnIDs(a.From, b.From))
		})
		slices.SortFunc(c.Down, func(a, b LineageEdge) int {
			return cmp.Or(compareKinds(a.Kind, b.Kind), compareColumnIDs(a.To, b.To))
		})
	}
}
