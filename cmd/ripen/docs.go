package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/docs"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

func (a *app) docsCommand() *cobra.Command {
	var s selection
	out := "docs.html"
	cmd := &cobra.Command{
		Use:   "docs",
		Short: "Write one HTML page about all models: graph, columns, checks, lineage, queries",
		Long: `Write one HTML page about all models: graph, columns, checks, lineage, queries, last
builds. It is a single file that opens without a server and without a network.`,
		Example: `  ripen docs -C demo                       # writes docs.html into the project
  ripen docs -C demo -s +fct_trial --out trial.html`,
		RunE: func(c *cobra.Command, _ []string) error { return a.writeDocs(c.Context(), s, out) },
	}
	s.add(cmd)
	cmd.Flags().StringVar(&out, "out", out, "file to write, from the project; - for standard output")
	return cmd
}

func (a *app) writeDocs(ctx context.Context, s selection, out string) error {
	p, err := a.openProject()
	if err != nil {
		return err
	}
	engine, graph, models, err := s.models(ctx, p, a.clock)
	if err != nil {
		return err
	}
	compiled, fault := engine.Compile(graph, graph.Order) // all of them: lineage goes down as well as up
	if err := p.leaveOut(fault); err != nil {
		return err
	}
	models = slices.DeleteFunc(models, func(m *transforms.Model) bool { return compiled[m] == nil })
	if len(models) == 0 {
		return fault
	}
	published, err := a.published(ctx, p)
	if err != nil {
		return err
	}
	site, err := docs.Collect(engine, graph, models, compiled, published)
	if err := p.leaveOut(err); err != nil {
		return err
	}
	site.Project, site.Version = p.cfg.Name, currentVersion().Ripen
	var page bytes.Buffer
	if err := docs.Write(&page, site); err != nil {
		return fmt.Errorf("write docs: %w", err)
	}
	if out == "-" {
		_, err := a.stdout.Write(page.Bytes())
		return err
	}
	out = p.cfg.path(out)
	if err := replaceFile(out, page.Bytes()); err != nil {
		return err
	}
	if a.output == "json" {
		return json.NewEncoder(a.stdout).Encode(map[string]any{"path": out, "models": len(site.Models), "bytes": page.Len()})
	}
	_, err = fmt.Fprintf(a.stdout, "%s: %d models, %d KB\n", out, len(site.Models), (page.Len()+1023)>>10)
	return err
}

// published is what the warehouse shows; nothing while there is none, or another
// run holds it.
func (a *app) published(ctx context.Context, p *project) ([]warehouse.Publication, error) {
	if _, err := os.Stat(p.warehousePath()); err != nil {
		return nil, nil
	}
	db, err := p.openWarehouse(ctx, true, a.clock)
	if errors.Is(err, duckdb.ErrLocked) {
		a.talk("ripen: note: another run holds the warehouse; the page names no builds")
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer db.Close() //nolint:errcheck // opened for reading
	return db.Published(ctx)
}

// replaceFile writes a file whole or not at all.
func replaceFile(path string, text []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(file.Name()))
	}
	return err
}
