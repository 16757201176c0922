package transforms

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLoad_ReadsWhatTheFolderSays(t *testing.T) {
	project := loadProject(t, map[string]modelText{
		"core/fct_order_v2": {
			query: "-- One row per order and day.\nselect 1 as id",
			config: "description: Orders.\nowner: finance\ntags: [nightly, money]\nkey: [id, day_on]\n" +
				"columns:\n  id: The order.\n",
			cases: "-- want.csv --\nid\n1\n",
		},
	}, nil)
	m, ok := project.Model("core.fct_order")
	if !ok {
		t.Fatal("core.fct_order is not found")
	}
	if m.Dataset != "core" || m.Name != "fct_order" || m.Version != 2 || !m.Latest || m.Own || m.Grain != "order and day" ||
		m.Description != "Orders." || m.Owner != "finance" || strings.Join(m.Tags, " ") != "nightly money" ||
		strings.Join(m.Key, " ") != "id day_on" || m.Columns["id"].Description != "The order." ||
		m.Source.Name != "sql/core/fct_order_v2/query.sql" || m.Cases.Text == "" {
		t.Errorf("read %+v", m)
	}
	if m.Address() != "core.fct_order_v2" || m.String() != "core.fct_order" {
		t.Errorf("named %s and %s", m.Address(), m)
	}
}

func TestLoad_OwnFolderReplacesAddsAndSwitchesOff(t *testing.T) {
	shipped := map[string]modelText{
		"core/a_v1": {query: "select 1 as id", cases: "-- want.csv --\nid\n1\n"},
		"core/b_v1": {query: "select 1 as id"},
		"core/c_v1": {query: "select 1 as id"},
	}
	project := loadProject(t, shipped, map[string]modelText{
		"core/a_v1": {query: "select 2 as id"},
		"core/b_v1": {config: "enabled: false\n"},
		"mine/d_v1": {query: "select 4 as id"},
	})
	if got := names(project.Models); got != "core.a core.c mine.d" {
		t.Fatalf("models are %s", got)
	}
	a, _ := project.Model("core.a")
	if !a.Own || !strings.Contains(a.Source.Text, "select 2") {
		t.Errorf("core.a is not the project's: %+v", a)
	}
	if a.Cases.Text != "" {
		t.Error("the shipped cases stayed beside the project's own query")
	}
}

func TestLoad_WithoutOwnFolderTakesTheShippedModels(t *testing.T) {
	missing := os.DirFS(filepath.Join(t.TempDir(), "sql"))
	project, err := Load(folderOf(map[string]modelText{"core/a_v1": {query: "select 1 as id"}}), missing)
	if err != nil || names(project.Models) != "core.a" {
		t.Errorf("got %s, %v", names(project.Models), err)
	}
}

func TestLoad_HighestEnabledVersionIsTheLatest(t *testing.T) {
	versions := map[string]modelText{
		"core/a_v1": {query: "select 1 as id"}, "core/a_v9": {query: "select 1 as id"}, "core/a_v10": {query: "select 1 as id"},
		"core/ab_v1": {query: "select 1 as id"},
	}
	project := loadProject(t, versions, nil)
	if got := names(project.Models); got != "core.a_v1 core.a_v9 core.a core.ab" {
		t.Errorf("models are %s", got)
	}
	if m, _ := project.Model("core.a"); m.Version != 10 {
		t.Errorf("core.a is version %d", m.Version)
	}
	project = loadProject(t, versions, map[string]modelText{"core/a_v10": {config: "enabled: false"}})
	if m, _ := project.Model("core.a"); m.Version != 9 {
		t.Errorf("with version 10 off, core.a is version %d", m.Version)
	}
}

func TestLoad_NamesEveryFaultWithFileAndLine(t *testing.T) {
	good := "description: d\nkey: [id]\n"
	for name, test := range map[string]struct {
		path  string
		model modelText
		want  []string
	}{
		"unknown setting": {"core/a_v1", modelText{query: "select 1", config: "description: d\nkeys: [id]\n"},
			[]string{"sql/core/a_v1/model.yaml:2:1", `unknown setting "keys"`, `did you mean "key"?`}},
		"wrong type": {"core/a_v1", modelText{query: "select 1", config: "description: d\nkey: [id]\ntags: {a: b}\n"},
			[]string{"sql/core/a_v1/model.yaml:3:7", "tags: expected a list of words"}},
		"broken YAML": {"core/a_v1", modelText{query: "select 1", config: "description: d\nkey: [id\n"},
			[]string{"sql/core/a_v1/model.yaml:2:"}},
		"no key": {"core/a_v1", modelText{query: "select 1", config: "description: d\n"},
			[]string{"sql/core/a_v1/model.yaml:1:1", "no key", "key: [column"}},
		"key twice": {"core/a_v1", modelText{query: "select 1", config: "description: d\nkey: [id, id]\n"},
			[]string{"model.yaml:2:1", `"id" stands twice`}},
		"key is an expression": {"core/a_v1", modelText{query: "select 1", config: "description: d\nkey: [\"id; drop\"]\n"},
			[]string{"model.yaml:2:1", "not a column name"}},
		"no description": {"core/a_v1", modelText{query: "select 1", config: "key: [id]\n"},
			[]string{"sql/core/a_v1/model.yaml:1:1", "no description"}},
		"tag with a comma": {"core/a_v1", modelText{query: "select 1", config: good + "tags: ['a,b']\n"},
			[]string{"model.yaml:3:1", "cannot be selected"}},
		"no grain": {"core/a_v1", modelText{query: "-- Orders.\nselect 1", config: good},
			[]string{"sql/core/a_v1/query.sql:1:1", "grain", "-- One row per"}},
		"no query": {"core/a_v1", modelText{config: good},
			[]string{"sql/core/a_v1/query.sql:1:1", "missing", "enabled: false"}},
		"no version":       {"core/a", modelText{query: "select 1"}, []string{"sql/core/a:1:1", "<model>_v<N>"}},
		"version zero":     {"core/a_v0", modelText{query: "select 1"}, []string{"<model>_v<N>"}},
		"two versions":     {"core/a_v1_v1", modelText{query: "select 1"}, []string{`model "a_v1" ends like a version`}},
		"upper case":       {"Core/a_v1", modelText{query: "select 1"}, []string{`"Core" is not a dataset name`}},
		"reserved dataset": {"raw_shop/a_v1", modelText{query: "select 1"}, []string{"reserved"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(folderOf(map[string]modelText{test.path: test.model}), nil)
			wantError(t, err, test.want...)
		})
	}
}

func TestLoad_CollectsFaultsOfAllModels(t *testing.T) {
	_, err := Load(folderOf(map[string]modelText{
		"core/a_v1": {query: "-- no grain\nselect 1", config: "key: [id]\n"},
		"core/b_v1": {query: "select 1", config: "description: d\nkeys: [id]\n"},
	}), nil)
	wantError(t, err, "a_v1/query.sql:1:1", "a_v1/model.yaml:1:1", "b_v1/model.yaml:2:1")
}

func TestLoad_RefusesAFileThatNothingReads(t *testing.T) {
	files := folderOf(map[string]modelText{"core/a_v1": {query: "select 1"}}).(fstest.MapFS)
	files["core/a_v1/modle.yaml"] = &fstest.MapFile{Data: []byte("enabled: false")}
	_, err := Load(files, nil)
	wantError(t, err, "sql/core/a_v1/modle.yaml:1:1", `did you mean "model.yaml"?`)
}

func TestLoad_ReadsFilesWithWindowsLineEnds(t *testing.T) {
	project := loadProject(t, map[string]modelText{"core/a_v1": {
		query: "-- One row per order.\r\nselect 1 as id\r\n", config: "description: d\r\nkey: [id]\r\n",
	}}, nil)
	if m := project.Models[0]; m.Grain != "order" || strings.Contains(m.Source.Text, "\r") {
		t.Errorf("read %q and %q", m.Grain, m.Source.Text)
	}
}

func TestLoad_PassesOnAFolderThatCannotBeRead(t *testing.T) {
	_, err := Load(unreadable{}, nil)
	wantError(t, err, "read models", "permission denied")
}

type unreadable struct{}

func (unreadable) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
}
