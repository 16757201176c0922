package transforms

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/lineage"
)

// Schemas of what is written, from https://openlineage.io/spec.
const (
	openLineageEvent         = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
	openLineageColumns       = "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
	openLineageSchema        = "https://openlineage.io/spec/facets/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
	openLineageDocumentation = "https://openlineage.io/spec/facets/1-1-0/DocumentationDatasetFacet.json#/$defs/DocumentationDatasetFacet"
	openLineageJobType       = "https://openlineage.io/spec/facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
	openLineageSQL           = "https://openlineage.io/spec/facets/1-1-0/SQLJobFacet.json#/$defs/SQLJobFacet"
	openLineageStatistics    = "https://openlineage.io/spec/facets/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"
)

// OpenLineage writes OpenLineage events about models.
type OpenLineage struct {
	Producer         string // URI of the program that writes them
	JobNamespace     string // e.g. the project's name
	DatasetNamespace string // of the warehouse, e.g. duckdb:///data/warehouse.duckdb
}

// ModelRun is what an event tells of one run of a model.
type ModelRun struct {
	ID     string // UUID; see RunID
	Type   string // START, COMPLETE, ABORT or FAIL
	At     time.Time
	Result *Result // of a build; nil while there is none
}

// RunID is a UUID (version 8, RFC 9562) made from names: equal names, equal id.
func RunID(names ...string) string {
	sum := sha256.Sum256([]byte(digest(names)))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[0:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// RunEvent is an OpenLineage run event.
type RunEvent struct {
	EventType string               `json:"eventType"`
	EventTime string               `json:"eventTime"`
	Producer  string               `json:"producer"`
	SchemaURL string               `json:"schemaURL"`
	Run       OpenLineageRun       `json:"run"`
	Job       OpenLineageJob       `json:"job"`
	Inputs    []OpenLineageDataset `json:"inputs"`
	Outputs   []OpenLineageDataset `json:"outputs"`
}

// OpenLineageRun is the run of an event.
type OpenLineageRun struct {
	RunID string `json:"runId"`
}

// OpenLineageJob is the job of an event: a model.
type OpenLineageJob struct {
	Namespace string         `json:"namespace"`
	Name      string         `json:"name"`
	Facets    map[string]any `json:"facets,omitempty"`
}

// OpenLineageDataset is a table that a job reads or writes.
type OpenLineageDataset struct {
	Namespace    string         `json:"namespace"`
	Name         string         `json:"name"`
	Facets       map[string]any `json:"facets,omitempty"`
	OutputFacets map[string]any `json:"outputFacets,omitempty"`
}

type facet struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
}

type schemaFacet struct {
	facet
	Fields []schemaField `json:"fields"`
}

type schemaField struct {
	Name        string `json:"name"`
	Type        string `json:"type,omitempty"`
	Description string `json:"description,omitempty"`
}

type documentationFacet struct {
	facet
	Description string `json:"description"`
}

type statisticsFacet struct {
	facet
	RowCount int64 `json:"rowCount"`
}

type jobTypeFacet struct {
	facet
	ProcessingType string `json:"processingType"`
	Integration    string `json:"integration"`
	JobType        string `json:"jobType"`
}

type sqlFacet struct {
	facet
	Query   string `json:"query"`
	Dialect string `json:"dialect"`
}

type columnLineageFacet struct {
	facet
	Fields map[string]columnLineageField `json:"fields"`
}

type columnLineageField struct {
	InputFields []inputField `json:"inputFields"`
}

type inputField struct {
	Namespace       string           `json:"namespace"`
	Name            string           `json:"name"`
	Field           string           `json:"field"`
	Transformations []transformation `json:"transformations"`
}

type transformation struct {
	Type    string `json:"type"`
	Subtype string `json:"subtype"`
}

// transformations are OpenLineage's words. It counts a condition among the
// indirect ones.
var transformations = map[lineage.How]transformation{
	lineage.Identity:       {"DIRECT", "IDENTITY"},
	lineage.Transformation: {"DIRECT", "TRANSFORMATION"},
	lineage.Aggregation:    {"DIRECT", "AGGREGATION"},
	lineage.Condition:      {"INDIRECT", "CONDITIONAL"},
	lineage.Filter:         {"INDIRECT", "FILTER"},
	lineage.Join:           {"INDIRECT", "JOIN"},
	lineage.GroupBy:        {"INDIRECT", "GROUP_BY"},
	lineage.Sort:           {"INDIRECT", "SORT"},
	lineage.Window:         {"INDIRECT", "WINDOW"},
}

// Event tells what a run of a compiled model reads and writes, column by column.
func (o OpenLineage) Event(g *Graph, c *Compiled, run ModelRun) RunEvent {
	m := c.Model
	output := o.dataset(m.String(), c.Columns, m.Description)
	output.Facets["columnLineage"] = o.columnLineage(g, c)
	if run.Result != nil && !run.Result.Unchanged {
		output.OutputFacets = map[string]any{
			"outputStatistics": statisticsFacet{o.facet(openLineageStatistics), run.Result.Rows},
		}
	}
	event := RunEvent{
		EventType: run.Type, EventTime: run.At.UTC().Format(time.RFC3339Nano),
		Producer: o.Producer, SchemaURL: openLineageEvent, Run: OpenLineageRun{run.ID},
		Job: OpenLineageJob{Namespace: o.JobNamespace, Name: m.String(), Facets: map[string]any{
			"jobType": jobTypeFacet{o.facet(openLineageJobType), "BATCH", "RIPEN", "MODEL"},
			"sql":     sqlFacet{o.facet(openLineageSQL), m.Source.Text, "googlesql"},
		}},
		Inputs: []OpenLineageDataset{}, Outputs: []OpenLineageDataset{output},
	}
	for _, table := range c.catalog.Tables {
		description := g.rawTable[table.Name].Description
		if parent, ok := g.Project.Model(table.Name); ok {
			description = parent.Description
		}
		event.Inputs = append(event.Inputs, o.dataset(g.tableName(table.Name), table.Columns, description))
	}
	return event
}

func (o OpenLineage) facet(schemaURL string) facet { return facet{o.Producer, schemaURL} }

// tableName is the one name under which a table appears, however a query names it.
func (g *Graph) tableName(name string) string {
	if m, ok := g.Project.Model(name); ok {
		return m.String()
	}
	return name
}

func (o OpenLineage) dataset(name string, columns []schemas.Column, description string) OpenLineageDataset {
	schema := schemaFacet{facet: o.facet(openLineageSchema), Fields: make([]schemaField, len(columns))}
	for i, c := range columns {
		schema.Fields[i] = schemaField{c.Name, c.Type.String(), c.Description}
	}
	facets := map[string]any{"schema": schema}
	if description != "" {
		facets["documentation"] = documentationFacet{o.facet(openLineageDocumentation), description}
	}
	return OpenLineageDataset{Namespace: o.DatasetNamespace, Name: name, Facets: facets}
}

// columnLineage joins the value and the influence of one column into one input
// field, as the facet has it.
func (o OpenLineage) columnLineage(g *Graph, c *Compiled) columnLineageFacet {
	f := columnLineageFacet{o.facet(openLineageColumns), map[string]columnLineageField{}}
	for _, column := range c.Lineage {
		inputs := []inputField{}
		at := map[[2]string]int{}
		for _, s := range column.Sources {
			table := g.tableName(s.Table)
			i, ok := at[[2]string{table, s.Column}]
			if !ok {
				i = len(inputs)
				at[[2]string{table, s.Column}] = i
				inputs = append(inputs, inputField{Namespace: o.DatasetNamespace, Name: table, Field: s.Column})
			}
			for _, how := range s.How {
				inputs[i].Transformations = append(inputs[i].Transformations, transformations[how])
			}
		}
		f.Fields[column.Name] = columnLineageField{inputs}
	}
	return f
}
