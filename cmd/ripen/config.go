package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/ripen-data/ripen/extractors/files"
	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/yamlfault"
	"github.com/ripen-data/ripen/schemas"
)

const configName = "ripen.yaml"

// sandboxAddress in place of an address means the simulated company of the project.
const sandboxAddress = "sandbox"

// Config is ripen.yaml.
type Config struct {
	Name      string                   `yaml:"name"`
	Sandbox   *SandboxConfig           `yaml:"sandbox"`
	Sources   map[string]SourceConfig  `yaml:"sources"`
	Drift     map[string]schemas.Drift `yaml:"drift"` // contract ID -> what happens to its unknown fields, in place of the contract's own policy
	Landing   LandingConfig            `yaml:"landing"`
	Warehouse WarehouseConfig          `yaml:"warehouse"`

	dir string // of ripen.yaml; relative paths start here
}

// SandboxConfig describes the simulated company.
type SandboxConfig struct {
	Seed          uint64 `yaml:"seed"`
	Accounts      int    `yaml:"accounts"`
	Days          int    `yaml:"days"`
	Start         string `yaml:"start"`          // YYYY-MM-DD, founding of the company
	ThrottleEvery int    `yaml:"throttle_every"` // every n-th request is answered with 429
}

// SourceConfig is one entry below sources. Which fields it takes depends on its type.
type SourceConfig struct {
	Type       string            `yaml:"type"`        // segment, stripe, hubspot, files
	Path       string            `yaml:"path"`        // segment: directory or bucket URL
	BaseURL    string            `yaml:"base_url"`    // stripe, hubspot
	APIKeyEnv  string            `yaml:"api_key_env"` // stripe
	TokenEnv   string            `yaml:"token_env"`   // hubspot
	RateLimit  float64           `yaml:"rate_limit"`  // requests a second; 0: the vendor's documented limit
	Properties map[string]string `yaml:"properties"`  // hubspot: property of the contract -> property of the portal
	Files      []files.Mapping   `yaml:"files"`       // files
}

// LandingConfig says where landed files live.
type LandingConfig struct {
	Path string `yaml:"path"`
}

// WarehouseConfig says where tables live.
type WarehouseConfig struct {
	Type        string `yaml:"type"`
	Path        string `yaml:"path"`
	MemoryLimit string `yaml:"memory_limit"`
	Threads     int    `yaml:"threads"`
}

// sourceFields are the fields each type of source takes, beside type.
var sourceFields = map[string][]string{
	"segment": {"path"},
	"stripe":  {"base_url", "api_key_env", "rate_limit"},
	"hubspot": {"base_url", "token_env", "rate_limit", "properties"},
	"files":   {"files"},
}

// readConfig reads ripen.yaml of the project directory.
func readConfig(dir string) (*Config, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if filepath.Base(dir) == configName {
		dir = filepath.Dir(dir) // -C named the file instead of its folder
	}
	path := filepath.Join(dir, configName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &usageError{hint.Wrap(fmt.Errorf("no %s in %s", configName, dir),
			"make a project that runs with `ripen init DIR`, or name its directory with -C DIR")}
	}
	if err != nil {
		return nil, err
	}
	cfg, err := parseConfig(text)
	if err != nil {
		return nil, &usageError{fmt.Errorf("%s: %w", path, err)}
	}
	cfg.dir = dir
	return cfg, nil
}

func parseConfig(text []byte) (*Config, error) {
	cfg := Config{
		Landing:   LandingConfig{Path: "data/landing"},
		Warehouse: WarehouseConfig{Type: "duckdb", Path: "data/ripen.duckdb", MemoryLimit: "2GB"},
	}
	if f := yamlfault.Unmarshal(string(text), &cfg, configExpects); f != nil {
		if f.Unknown {
			f.Hint = hint.DidYouMean(f.Word, configFields)
		}
		err := fmt.Errorf("line %d: %s", f.Line, f.Message)
		if f.Hint == "" {
			return nil, err
		}
		return nil, hint.Wrap(err, "%s", f.Hint)
	}
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, err
	}
	at := func(path string) int { return lineOf(tree, path) }
	var faults []error
	fault := func(path, message, advice string) {
		faults = append(faults, hint.Wrap(fmt.Errorf("line %d: %s", at(path), message), "%s", advice))
	}
	if cfg.Name == "" {
		fault("$", "name is missing", "add `name: my-company` on the first line")
	}
	if len(cfg.Sources) == 0 {
		fault("$", "sources is missing or empty", "add at least one source, e.g. `sources: {billing: {type: stripe, api_key_env: STRIPE_API_KEY}}`")
	}
	for _, id := range sortedKeys(cfg.Drift) {
		path := "$.drift.'" + id + "'"
		switch contract, ok := schemas.Contract(id); {
		case !ok || contract.Dataset == deadLettersDataset:
			fault(path, fmt.Sprintf("drift: no contract %q", id), hint.DidYouMean(id, landedContracts()))
		case !slices.Contains(driftPolicies, cfg.Drift[id]):
			fault(path, fmt.Sprintf("drift of %s: unknown policy %q", id, cfg.Drift[id]), "it takes evolve, freeze or discard")
		}
	}
	if cfg.Warehouse.Type != "duckdb" {
		fault("$.warehouse.type", fmt.Sprintf("unknown warehouse type %q", cfg.Warehouse.Type), "this version writes to `type: duckdb`")
	}
	usesSandbox := false
	for _, name := range sortedKeys(cfg.Sources) {
		source := cfg.Sources[name]
		path := "$.sources." + name
		allowed, ok := sourceFields[source.Type]
		if source.Type == "" {
			fault(path, fmt.Sprintf("source %s: type is missing", name), "one of "+strings.Join(sortedKeys(sourceFields), ", "))
			continue
		}
		if !ok {
			fault(path+".type", fmt.Sprintf("source %s: unknown type %q", name, source.Type),
				hint.DidYouMean(source.Type, sortedKeys(sourceFields)))
			continue
		}
		for _, field := range fieldsSet(source) {
			if !slices.Contains(allowed, field) {
				fault(path+"."+field, fmt.Sprintf("source %s: a %s source takes no %s", name, source.Type, field),
					"it takes "+strings.Join(allowed, ", "))
			}
		}
		for _, need := range missingFields(source) {
			fault(path, fmt.Sprintf("source %s: %s is missing", name, need.field), need.advice)
		}
		usesSandbox = usesSandbox || source.Path == sandboxAddress || source.BaseURL == sandboxAddress
	}
	if usesSandbox && cfg.Sandbox == nil {
		fault("$.sources", "a source reads the sandbox, but there is no sandbox block", "add `sandbox: {seed: 7, accounts: 1000, days: 90, start: 2026-01-01}`")
	}
	if s := cfg.Sandbox; s != nil {
		if _, err := time.Parse(time.DateOnly, s.Start); err != nil {
			fault("$.sandbox.start", fmt.Sprintf("sandbox.start %q is not a date", s.Start), "write it as YYYY-MM-DD")
		}
		if s.Accounts <= 0 || s.Days <= 0 {
			fault("$.sandbox", "sandbox.accounts and sandbox.days must be above 0", "e.g. `accounts: 1000` and `days: 90`")
		}
	}
	return &cfg, errors.Join(faults...)
}

type missing struct{ field, advice string }

func missingFields(s SourceConfig) []missing {
	switch {
	case s.Type == "segment" && s.Path == "":
		return []missing{{"path", "name the directory or bucket that holds the JSONL files, e.g. `path: s3://my-bucket/segment-logs`"}}
	case s.Type == "stripe" && s.APIKeyEnv == "" && s.BaseURL != sandboxAddress:
		return []missing{{"api_key_env", "name the environment variable that holds the restricted key, e.g. `api_key_env: STRIPE_API_KEY`"}}
	case s.Type == "hubspot" && s.TokenEnv == "" && s.BaseURL != sandboxAddress:
		return []missing{{"token_env", "name the environment variable that holds the private app's token, e.g. `token_env: HUBSPOT_TOKEN`"}}
	case s.Type == "files" && len(s.Files) == 0:
		return []missing{{"files", "map at least one file to a contract, see examples/ravenstack/ripen.yaml"}}
	}
	return nil
}

func fieldsSet(s SourceConfig) []string {
	var set []string
	for field, is := range map[string]bool{
		"path": s.Path != "", "base_url": s.BaseURL != "", "api_key_env": s.APIKeyEnv != "", "token_env": s.TokenEnv != "",
		"rate_limit": s.RateLimit != 0, "properties": len(s.Properties) > 0, "files": len(s.Files) > 0,
	} {
		if is {
			set = append(set, field)
		}
	}
	slices.Sort(set)
	return set
}

// lineOf is the line of the node at path, or of its nearest parent that exists.
func lineOf(file *ast.File, path string) int {
	for path != "" {
		if p, err := yaml.PathString(path); err == nil {
			if node, err := p.FilterFile(file); err == nil && node != nil {
				return node.GetToken().Position.Line
			}
		}
		path = path[:max(strings.LastIndex(path, "."), 0)]
	}
	return 1
}

// configExpects says what the settings of ripen.yaml hold.
var configExpects = map[string]string{
	"name": "a text", "sources": "sources, each as `billing: {type: stripe, …}`", "sandbox": "settings, e.g. {seed: 7, accounts: 1000, days: 90, start: 2026-01-01}",
	"drift": "a policy per contract, e.g. stripe.invoices: freeze", "landing": "settings, e.g. {path: data/landing}",
	"warehouse": "settings, e.g. {type: duckdb, path: data/ripen.duckdb}", "accounts": "a whole number", "days": "a whole number", "threads": "a whole number",
	"rate_limit": "requests per second, e.g. 10", "files": "a list of files, see examples/ravenstack/ripen.yaml", "memory_limit": "a size, e.g. 2GB",
}

// driftPolicies are the values that drift takes.
var driftPolicies = []schemas.Drift{schemas.Evolve, schemas.Freeze, schemas.Discard}

// deadLettersDataset holds the contract that ripen fills itself.
const deadLettersDataset = "ripen"

// landedContracts are the IDs of the contracts that sources fill.
func landedContracts() []string {
	var ids []string
	for _, t := range schemas.Contracts() {
		if t.Dataset != deadLettersDataset {
			ids = append(ids, t.ID())
		}
	}
	return ids
}

// contracts are all contracts, with the drift policies of the project.
func (c *Config) contracts() []schemas.Table {
	tables := slices.Clone(schemas.Contracts())
	for i := range tables {
		if drift, ok := c.Drift[tables[i].ID()]; ok {
			tables[i].Drift = drift
		}
	}
	return tables
}

// configFields are all names that ripen.yaml may hold, for advice on a misspelt one.
var configFields = []string{
	"name", "sandbox", "sources", "drift", "landing", "warehouse", "seed", "accounts", "days", "start", "throttle_every",
	"type", "path", "base_url", "api_key_env", "token_env", "rate_limit", "properties", "files", "memory_limit", "threads",
	"format", "table", "columns", "where", "zone",
}

// path resolves a path of the configuration against the project directory.
func (c *Config) path(p string) string {
	if filepath.IsAbs(p) || strings.Contains(p, "://") {
		return p
	}
	return filepath.Join(c.dir, p)
}

// secret reads a secret from the environment variable named in the configuration.
func secret(source, field, variable string) (string, error) {
	value := strings.TrimSpace(os.Getenv(variable))
	if value == "" {
		return "", &usageError{hint.Wrap(fmt.Errorf("source %s: environment variable %s (%s) is empty", source, variable, field),
			"export %s=… before the run", variable)}
	}
	return value, nil
}
