package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/internal/hint"
	shipped "github.com/ripen-data/ripen/sql"
	"github.com/ripen-data/ripen/transforms"
)

// ejected is what `ripen eject` did.
type ejected struct {
	Model string   `json:"model"`
	Files []string `json:"files"` // that were written
}

func (a *app) ejectCommand() *cobra.Command {
	force := false
	cmd := &cobra.Command{
		Use:   "eject MODEL",
		Short: "Copy a shipped model into the project's sql folder, to edit it",
		Long: `Copy a shipped model into the project's sql folder, to edit it.

The copy replaces the shipped model; later versions of ripen do not change it. To
change settings only (tags, owner, descriptions, checks, materialization), write a
model.yaml with just these into the folder instead, without a query.sql: it is laid
over the shipped one. ` + "`enabled: false`" + ` alone switches a model off.`,
		Example: `  ripen eject core.fct_trial -C demo
  ripen eject core.fct_trial -C demo --force    # over an earlier copy`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("eject takes one model, got %d; see `%s --help`", len(args), c.CommandPath())
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			p, err := a.openProject()
			if err != nil {
				return err
			}
			m, err := shippedModel(args[0])
			if err != nil {
				return err
			}
			done, err := p.eject(m, force)
			if err != nil {
				return fmt.Errorf("eject %s: %w", m, err)
			}
			if a.output == "json" {
				return json.NewEncoder(a.stdout).Encode(done)
			}
			for _, file := range done.Files {
				fmt.Fprintln(a.stdout, file)
			}
			a.talk("next: edit %s, then: ripen test -s %s -C %s", path.Dir(m.Source.Name), m, a.dir)
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "overwrite files that are there")
	return cmd
}

// shippedModel finds a shipped model by dataset.model, dataset.model_vN or the model alone.
func shippedModel(name string) (*transforms.Model, error) {
	project, err := transforms.Load(shipped.Models, nil)
	if err != nil {
		return nil, err
	}
	var known []string
	for _, m := range project.Models {
		bare := func(name string) string { return strings.TrimPrefix(name, m.Dataset+".") }
		if slices.Contains([]string{m.String(), m.Address(), bare(m.String()), bare(m.Address())}, name) {
			return m, nil
		}
		known = append(known, m.String(), bare(m.String()))
	}
	return nil, &usageError{hint.Wrap(fmt.Errorf("no model %q ships with ripen; %s", name, hint.DidYouMean(name, known)), "list them: ripen ls")}
}

// eject writes the files of a shipped model into the project.
func (p *project) eject(m *transforms.Model, force bool) (*ejected, error) {
	folder := strings.TrimPrefix(path.Dir(m.Source.Name), "sql/") // as in both file systems
	into := filepath.Join(p.cfg.dir, filepath.FromSlash(path.Dir(m.Source.Name)))
	entries, err := fs.ReadDir(shipped.Models, folder)
	if err != nil {
		return nil, err
	}
	// The query comes last: a folder without one is the shipped model still.
	slices.SortStableFunc(entries, func(x, y fs.DirEntry) int {
		last := func(e fs.DirEntry) int { return map[bool]int{true: 1}[e.Name() == path.Base(m.Source.Name)] }
		return last(x) - last(y)
	})
	if !force {
		if err := refuseOverwrite(into, entries); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(into, 0o755); err != nil {
		return nil, err
	}
	done := &ejected{Model: m.String()}
	for _, entry := range entries {
		text, err := fs.ReadFile(shipped.Models, path.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		if entry.Name() == path.Base(m.Config.Name) {
			text = append([]byte("# Copied by `ripen eject` from ripen "+currentVersion().Ripen+"; this folder replaces the shipped model.\n"), text...)
		}
		target := filepath.Join(into, entry.Name())
		if err := os.WriteFile(target, text, 0o644); err != nil {
			return nil, err
		}
		done.Files = append(done.Files, target)
	}
	return done, nil
}

func refuseOverwrite(into string, entries []fs.DirEntry) error {
	for _, entry := range entries {
		target := filepath.Join(into, entry.Name())
		if _, err := os.Lstat(target); err == nil {
			return &usageError{hint.Wrap(fmt.Errorf("%s is there already", target), "look at it first; --force overwrites it with the shipped file")}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
