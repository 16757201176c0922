package transforms

import (
	"strings"
	"testing"
	"testing/fstest"
)

// faultLines are the joined faults of an error, one each.
func faultLines(err error) []string {
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

func TestLoad_ReportsAllFaultsOfASettingsFile(t *testing.T) {
	_, err := Load(folderOf(map[string]modelText{"core/a_v1": {
		query: "select 1 as id",
		config: "descripton: A model.\n" +
			"key: [id, id]\n" +
			"tags: nightly\n" +
			"materialized: tabel\n" +
			"columns:\n" +
			"  id: {description: It., not_nul: true}\n" +
			"  b: A column.\n" +
			"checks:\n" +
			"  - uniq: [id]\n" +
			"  - volume: {min: x}\n" +
			"deprecation_date: soon\n",
	}}), nil)
	got := faultLines(err)
	want := []string{
		`1:1: unknown setting "descripton"; did you mean "description"?`,
		`2:1: key column "id" stands twice`,
		"3:7: tags: expected a list of words",
		`4:1: unknown materialization "tabel"; did you mean "table"?`,
		`unknown setting "not_nul"; did you mean "not_null"?`,
		`unknown setting "uniq"`,
		"10:19: min: expected",
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("no %q in\n%s", w, strings.Join(got, "\n"))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d faults, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
}

func TestLoad_ReportsAllFaultsOfASeed(t *testing.T) {
	files := fstest.MapFS{
		"core/a_v1/model.yaml": {Data: []byte("description: A seed.\nkey: [id]\nmaterialized: seed\ncolumns:\n  id: {type: INT64}\n  on: {type: DATE}\n")},
		"core/a_v1/data.csv":   {Data: []byte("id,on\nx,2026-13-01\n2\n3,2026-01-01\n4,yesterday\n")},
	}
	_, err := Load(files, nil)
	got := faultLines(err)
	want := []string{
		`data.csv:2:1: column id: "x"`, `data.csv:2:3: column on: "2026-13-01"`,
		"data.csv:3:1: the row has 1 cells, the header 2", `data.csv:5:3: column on: "yesterday"`,
	}
	if len(got) != len(want) {
		t.Fatalf("%d faults, want %d:\n%s", len(got), len(want), strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.Contains(got[i], want[i]) {
			t.Errorf("got %s, want %s", got[i], want[i])
		}
	}
}
