package main

import (
	"context"
	"crypto/sha256"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
	shipped "github.com/ripen-data/ripen/sql"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/duck"
	"github.com/ripen-data/ripen/transforms/gsql"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// project is an open project directory.
type project struct {
	cfg  *Config
	now  time.Time                  // when the command began: versions that are deprecated by then are gone
	warn func([]*syntax.Diagnostic) // tells people about models that are left out
}

func (a *app) openProject() (*project, error) {
	cfg, err := readConfig(a.dir)
	if err != nil {
		return nil, err
	}
	return &project{cfg: cfg, now: a.clock(), warn: func(faults []*syntax.Diagnostic) {
		for _, d := range faults {
			a.writeDiagnostic(a.stderr, "ripen: left out: ", d, true)
		}
	}}, nil
}

// state is the path of something that ripen keeps beside the data.
func (p *project) state(name ...string) string {
	return filepath.Join(append([]string{p.cfg.dir, ".ripen"}, name...)...)
}

func (p *project) landingPath() string   { return p.cfg.path(p.cfg.Landing.Path) }
func (p *project) warehousePath() string { return p.cfg.path(p.cfg.Warehouse.Path) }

func (p *project) openZone(clock func() time.Time) (*landing.Zone, error) {
	bucket, err := landing.NewDir(p.landingPath())
	if err != nil {
		return nil, err
	}
	return landing.Open(bucket, landing.Options{Clock: clock}), nil
}

func (p *project) openWarehouse(ctx context.Context, readOnly bool, clock func() time.Time) (*duckdb.DB, error) {
	path := p.warehousePath()
	if readOnly {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("nothing was built yet: %s does not exist; run `ripen run` first", path)
		}
	} else if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	db, err := duckdb.Open(ctx, duckdb.Config{
		Path: path, Threads: p.cfg.Warehouse.Threads, MemoryLimit: p.cfg.Warehouse.MemoryLimit,
		Setup: []string{duck.Prelude}, ReadOnly: readOnly, Clock: clock,
	})
	if err != nil || readOnly {
		return db, err
	}
	if err := db.Prepare(ctx, schemas.Contracts()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// loadModels reads the shipped models with the project's own laid over them, but
// for versions whose deprecation date has come.
func (p *project) loadModels() (*transforms.Project, error) {
	var own fs.FS
	if info, err := os.Stat(filepath.Join(p.cfg.dir, "sql")); err == nil && info.IsDir() {
		own = os.DirFS(filepath.Join(p.cfg.dir, "sql"))
	}
	models, err := transforms.Load(shipped.Models, own)
	if models != nil {
		models.Retire(p.now)
	}
	return models, err
}

// openGraph puts the models in order. raw are the tables they may read. Models at
// fault are reported and left out, with those that read them: what a command was
// asked for may be among the rest.
func (p *project) openGraph(raw []schemas.Table) (*transforms.Engine, *transforms.Graph, error) {
	models, loaded := p.loadModels()
	if models == nil {
		return nil, nil, &usageError{loaded}
	}
	models.Raw = raw
	engine := p.engine()
	graph, err := engine.Graph(models)
	return engine, graph, p.leaveOut(errors.Join(loaded, err))
}

// leaveOut tells people about models that an error is about; any other error is
// returned.
func (p *project) leaveOut(err error) error {
	faults, rest := diagnostics(err)
	if len(rest) > 0 {
		return err
	}
	if len(faults) > 0 {
		p.warn(faults)
	}
	return nil
}

func (p *project) engine() *transforms.Engine {
	return transforms.NewEngine(
		func() (transforms.Analyzer, error) { return gsql.Open() },
		compileDuckDB, engineVersion(), p.state("cache"))
}

func compileDuckDB(statement *syntax.Statement) (syntax.Template, []schemas.Column, error) {
	compiled, err := duck.Compile(statement)
	return compiled.Template, compiled.Columns, err
}

// engineVersion names what the cache of compiled models depends on: the analyzer
// and this very binary, which holds the compiler.
func engineVersion() string {
	v := currentVersion()
	id := "unknown"
	if path, err := os.Executable(); err == nil {
		id = binaryID(path)
	}
	return v.Ripen + " " + v.GoogleSQL + " " + id
}

// binaryID tells binaries apart: by the build id that the Go linker writes into
// ELF files, which a build that changes nothing keeps; elsewhere by size and time.
func binaryID(path string) string {
	if file, err := elf.Open(path); err == nil {
		defer file.Close() //nolint:errcheck // opened for reading
		if section := file.Section(".note.go.buildid"); section != nil {
			if id, err := section.Data(); err == nil {
				return fmt.Sprintf("%x", sha256.Sum256(id))
			}
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
}

// rawTables returns the contracts with what their raw tables have gained by drift;
// the bare contracts while there is no warehouse yet, or another run holds it.
func (p *project) rawTables(ctx context.Context, clock func() time.Time) ([]schemas.Table, error) {
	contracts := schemas.Contracts()
	if _, err := os.Stat(p.warehousePath()); err != nil {
		return contracts, nil
	}
	db, err := p.openWarehouse(ctx, true, clock)
	if errors.Is(err, duckdb.ErrLocked) {
		return contracts, nil
	}
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // opened for reading
	return db.Evolved(ctx, contracts)
}
