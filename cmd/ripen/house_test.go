package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/ripen-data/ripen/"

// mayImport is the dependency rule: which stages a stage may import beside itself.
// README.md draws it.
var mayImport = map[string][]string{
	"internal":    {"schemas"},
	"schemas":     {"internal"},
	"landing":     {"internal", "schemas"},
	"extractors":  {"internal", "schemas", "landing"},
	"warehouse":   {"internal", "schemas", "landing"},
	"transforms":  {"internal", "schemas", "warehouse"},
	"orchestrate": {"internal"},
	"sandbox":     {"internal"},
	"sql":         {},
}

// onlyIn names libraries that one package owns, with the reason.
var onlyIn = map[string]struct{ owner, why string }{
	"github.com/goccy/go-googlesql":         {"transforms/gsql", "its link takes seconds; hand over plain trees of transforms/syntax"},
	"github.com/duckdb/duckdb-go/v2":        {"warehouse/duckdb", "other packages speak to warehouse.Warehouse"},
	"github.com/xitongsys/parquet-go":       {"landing", "it verifies landed files; nothing else reads Parquet with it"},
	"github.com/hashicorp/go-retryablehttp": {"internal/httpx", "every source goes through one client with a policy of its own"},
	"github.com/spf13/cobra":                {"cmd/ripen", "the command line ends at cmd/ripen"},
}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func TestHouse_KeepsTheDependencyRule(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %s", exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) < 10 {
		t.Fatalf("go list found %d packages", len(packages))
	}
	for _, fault := range houseFaults(packages) {
		t.Error(fault)
	}
}

func TestHouse_FindsEveryKindOfFault(t *testing.T) {
	faults := houseFaults([]goPackage{
		{module + "schemas", []string{module + "landing"}},
		{module + "extractors/stripe", []string{module + "extractors", module + "extractors/hubspot"}},
		{module + "extractors", []string{module + "extractors/stripe"}},
		{module + "transforms/duck", []string{"github.com/goccy/go-googlesql"}},
		{module + "orchestrate", []string{module + "warehouse"}},
		{module + "pkg", nil},
		{module + "cmd/ripen", []string{module + "warehouse/duckdb"}},
	})
	if len(faults) != 6 {
		t.Errorf("found %d faults:\n%s", len(faults), strings.Join(faults, "\n"))
	}
}

func houseFaults(packages []goPackage) (faults []string) {
	fault := func(parts ...string) { faults = append(faults, strings.Join(parts, "")) }
	for _, p := range packages {
		name := strings.TrimPrefix(p.ImportPath, module)
		stage, adapter, _ := strings.Cut(name, "/")
		if stage == "cmd" {
			continue
		}
		allowed, known := mayImport[stage]
		if !known {
			fault(name, " is no stage of the house: put it into one, or give it a place in mayImport with a reason in DECISIONS.md")
			continue
		}
		for _, path := range p.Imports {
			for library, rule := range onlyIn {
				if (path == library || strings.HasPrefix(path, library+"/")) && name != rule.owner && !strings.HasSuffix(name, "test") {
					fault(name, " imports ", path, ": that belongs into ", rule.owner, " alone: ", rule.why)
				}
			}
			imported, ours := strings.CutPrefix(path, module)
			if !ours {
				continue
			}
			importedStage, importedAdapter, _ := strings.Cut(imported, "/")
			switch {
			case importedStage != stage && !slices.Contains(allowed, importedStage):
				fault(name, " imports ", imported, ": ", stage, " may use ", strings.Join(allowed, ", "),
					"; pass what it needs in from cmd/ripen, or move the shared word to schemas")
			case importedStage == stage && stage != "internal" && adapter == "" && importedAdapter != "" && stage != "transforms":
				fault(name, " imports its adapter ", imported, ": only cmd/ripen names adapters")
			case importedStage == stage && stage != "internal" && stage != "transforms" && adapter != "" && importedAdapter != "" && adapter != importedAdapter:
				fault(name, " imports its sibling ", imported, ": move what both need into ", stage, " or internal")
			}
		}
	}
	return faults
}
