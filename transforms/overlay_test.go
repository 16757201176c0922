package transforms

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ripen-data/ripen/transforms/syntax"
)

const shippedConfig = `description: Shipped.
owner: revops
key: [id]
tags: [core, daily]
columns:
  id: The thing.
  amount: {description: What it costs., not_null: true}
checks:
  - volume: {min: 1}
`

// overlaid loads a shipped model core/a_v1 with files of a project over it.
func overlaid(t *testing.T, own map[string]string) (*Project, error) {
	t.Helper()
	shipped := map[string]modelText{"core/a_v1": {query: "select id, amount from raw_shop.orders", config: shippedConfig, cases: "-- want.csv --\nid\n"}}
	files := fstest.MapFS{}
	for name, text := range own {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Load(folderOf(shipped), files)
}

func TestLoad_LaysSettingsOverAShippedModel(t *testing.T) {
	project, err := overlaid(t, map[string]string{"core/a_v1/model.yaml": `
owner: finance
tags: [mine]
columns:
  amount: In cents.
  id: {unique: true}
checks: null
`})
	if err != nil {
		t.Fatal(err)
	}
	m, ok := project.Model("core.a")
	if !ok {
		t.Fatal("the model is gone")
	}
	if m.Own || !m.Configured || m.Description != "Shipped." || m.Owner != "finance" || strings.Join(m.Tags, " ") != "mine" || strings.Join(m.Key, " ") != "id" {
		t.Errorf("model is %+v", m)
	}
	if c := m.Columns["amount"]; c.Description != "In cents." || !c.NotNull {
		t.Errorf("amount is %+v", c)
	}
	if c := m.Columns["id"]; c.Description != "The thing." || !c.Unique {
		t.Errorf("id is %+v", c)
	}
	if len(m.Checks) != 0 || !strings.Contains(m.Source.Text, "raw_shop.orders") || m.Cases.Text == "" {
		t.Errorf("model is %+v", m)
	}
}

func TestMergeConfigs_KeepsTheTypesOfValues(t *testing.T) {
	beneath := "description: d\nkey: [id]\ndeprecation_date: 2030-01-01\nchecks:\n  - freshness: {column: at, warn_after: 26h}\n" +
		"columns:\n  id: {accepted_values: [\"007\", \"true\", \"null\", \"a: b\", \"1e3\", \"2020-01-01\"]}\n"
	f := &folder{dataset: "core", base: "a_v1", files: map[string]string{configFile: "owner: me\n"}, beneath: syntax.Source{Name: "m", Text: beneath}}
	c, err := f.config()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Columns["id"].AcceptedValues, "|"); got != "007|true|null|a: b|1e3|2020-01-01" {
		t.Errorf("accepted values are %s", got)
	}
	if c.DeprecationDate != "2030-01-01" || len(c.Checks) != 1 || c.Checks[0].Freshness.WarnAfter != 26*time.Hour || c.Owner != "me" {
		t.Errorf("config is %+v", c)
	}
}

func TestLoad_OtherFilesOfAnOverlayTakeThePlaceOfShippedOnes(t *testing.T) {
	project, err := overlaid(t, map[string]string{"core/a_v1/cases.txtar": "-- mine/want.csv --\nid\n"})
	if err != nil {
		t.Fatal(err)
	}
	m, _ := project.Model("core.a")
	if m.Owner != "revops" || !strings.HasPrefix(m.Cases.Text, "-- mine/") {
		t.Errorf("model is %+v", m)
	}
}

func TestLoad_AnOverlayMaySwitchAModelOff(t *testing.T) {
	project, err := overlaid(t, map[string]string{"core/a_v1/model.yaml": "enabled: false\n"})
	if err != nil || len(project.Models) != 0 {
		t.Errorf("%d models, %v", len(project.Models), err)
	}
}

func TestLoad_FaultsOfAnOverlayAreInTheProjectsFile(t *testing.T) {
	_, err := overlaid(t, map[string]string{"core/a_v1/model.yaml": "owner: me\ncolumns:\n  amount: {not_nul: true}\n"})
	wantError(t, err, "sql/core/a_v1/model.yaml:3:12:", "not_nul")
	_, err = overlaid(t, map[string]string{"core/a_v1/model.yaml": "owner: me\nkey: null\n"})
	wantError(t, err, "sql/core/a_v1/model.yaml:2:1: the model has no key")
	_, err = overlaid(t, map[string]string{"core/b_v1/model.yaml": "description: No query.\nkey: [id]\n"})
	wantError(t, err, "sql/core/b_v1/query.sql:1:1: the query is missing")
	_, err = overlaid(t, map[string]string{"core/a_v1/model.yaml": "owner: [me\n"})
	wantError(t, err, "sql/core/a_v1/model.yaml:")
}
