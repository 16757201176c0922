package transforms

import (
	"bytes"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ripen-data/ripen/transforms/lineage"
)

// openLineageSpec names a copy of the folder spec/ of the OpenLineage project.
// With it, events and their facets are held against the official schemas as well:
//
//	RIPEN_OPENLINEAGE_SPEC=…/OpenLineage/spec go test ./transforms -run OpenLineage
const openLineageSpec = "RIPEN_OPENLINEAGE_SPEC"

func compileSchema(t *testing.T, at string, files map[string]string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for url, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if err := c.AddResource(url, doc); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := c.Compile(at)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// checkEvent holds an event against the schemas.
func checkEvent(t *testing.T, event RunEvent) error {
	t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	const own = "https://ripen.invalid/runevent.schema.json"
	if err := compileSchema(t, own, map[string]string{own: "testdata/runevent.schema.json"}).Validate(doc); err != nil {
		return err
	}
	if dir := os.Getenv(openLineageSpec); dir != "" {
		return checkOfficially(t, dir, doc)
	}
	return nil
}

// checkOfficially validates the event by the schema that it names, and every
// facet by the one that the facet names: the event's own schema leaves them open.
func checkOfficially(t *testing.T, dir string, doc any) error {
	t.Helper()
	const event = "https://openlineage.io/spec/2-0-2/OpenLineage.json"
	files := map[string]string{event: filepath.Join(dir, "OpenLineage.json")}
	if err := compileSchema(t, event, files).Validate(doc); err != nil {
		return err
	}
	checked := 0
	var walk func(v any) error
	walk = func(v any) error {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				if err := walk(e); err != nil {
					return err
				}
			}
		case map[string]any:
			if at, ok := v["_schemaURL"].(string); ok {
				url, _, _ := strings.Cut(at, "#")
				files[url] = filepath.Join(dir, "facets", path.Base(url))
				if err := compileSchema(t, at, files).Validate(v); err != nil {
					return err
				}
				checked++
			}
			for _, e := range v {
				if err := walk(e); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk(doc); err != nil {
		return err
	}
	if checked < 4 {
		t.Errorf("only %d facets were checked", checked)
	}
	return nil
}

func openLineageFixture(t *testing.T, result *Result) RunEvent {
	t.Helper()
	g, compiled := lineageFixture(t)
	m, ok := g.Project.Model("shop.total")
	if !ok {
		t.Fatal("no model")
	}
	writer := OpenLineage{Producer: "https://example.com/ripen", JobNamespace: "acme", DatasetNamespace: "duckdb:///data/warehouse.duckdb"}
	return writer.Event(g, compiled[m], ModelRun{
		ID: RunID("acme", "shop.total"), Type: "COMPLETE", At: time.Date(2026, 3, 2, 11, 20, 30, 0, time.FixedZone("CET", 3600)), Result: result,
	})
}

func TestOpenLineage_EventsFitTheirSchemas(t *testing.T) {
	for name, result := range map[string]*Result{
		"of a compiled model": nil,
		"of a build":          {Rows: 3},
		"of an unchanged one": {Rows: 3, Unchanged: true},
	} {
		t.Run(name, func(t *testing.T) {
			event := openLineageFixture(t, result)
			if err := checkEvent(t, event); err != nil {
				t.Error(err)
			}
			if got, want := event.Outputs[0].OutputFacets != nil, result != nil && !result.Unchanged; got != want {
				t.Errorf("has statistics: %t, want %t", got, want)
			}
		})
	}
	broken := openLineageFixture(t, nil)
	broken.Run.RunID = "one"
	if checkEvent(t, broken) == nil {
		t.Error("an event whose run id is no UUID passes")
	}
}

func TestOpenLineage_NamesSourcesOfColumnsUnderOneName(t *testing.T) {
	event := openLineageFixture(t, nil)
	if event.EventTime != "2026-03-02T10:20:30Z" || event.Job.Namespace != "acme" || event.Job.Name != "shop.total" {
		t.Errorf("event of %s at %s", event.Job, event.EventTime)
	}
	if len(event.Inputs) != 1 || event.Inputs[0].Name != "shop.order" || event.Outputs[0].Name != "shop.total" {
		t.Errorf("reads %v, writes %v", event.Inputs, event.Outputs)
	}
	columns, ok := event.Outputs[0].Facets["columnLineage"].(columnLineageFacet)
	if !ok {
		t.Fatal("no column lineage")
	}
	const namespace = "duckdb:///data/warehouse.duckdb"
	want := map[string]columnLineageField{
		"id": {[]inputField{
			{namespace, "shop.order", "id", []transformation{{"DIRECT", "AGGREGATION"}}},
			{namespace, "shop.order", "ordered_at", []transformation{{"INDIRECT", "FILTER"}}},
		}},
		"total": {[]inputField{
			{namespace, "shop.order", "amount", []transformation{{"DIRECT", "AGGREGATION"}}},
			{namespace, "shop.order", "ordered_at", []transformation{{"INDIRECT", "FILTER"}}},
		}},
	}
	if diff := cmp.Diff(want, columns.Fields); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOpenLineage_KnowsEveryUseOfAColumn(t *testing.T) {
	for _, how := range []lineage.How{
		lineage.Identity, lineage.Transformation, lineage.Aggregation, lineage.Condition,
		lineage.Filter, lineage.Join, lineage.GroupBy, lineage.Sort, lineage.Window,
	} {
		if transformations[how].Subtype == "" {
			t.Errorf("%s has no word in OpenLineage", how)
		}
	}
}

func TestRunID_IsTheSameForTheSameNamesOnly(t *testing.T) {
	a, again, b := RunID("ab", "c"), RunID("ab", "c"), RunID("a", "bc")
	if a != again || a == b {
		t.Errorf("got %s, %s, %s", a, again, b)
	}
	if len(a) != 36 || a[14] != '8' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Errorf("%s is no UUID of version 8", a)
	}
}
