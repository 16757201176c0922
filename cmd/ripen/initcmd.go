package main

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/internal/hint"
)

//go:embed init
var initFiles embed.FS

type initOptions struct {
	Name      string
	Seed      uint64
	Accounts  int
	Days      int
	Start     string
	ifMissing bool
}

func (a *app) initCommand() *cobra.Command {
	o := initOptions{}
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a project that runs at once, on a simulated company",
		Long: `Writes ripen.yaml and a folder for your own models into DIR (default: the current
directory). The project reads a simulated company, so it runs without accounts;
the comments in ripen.yaml say what to change for real sources.`,
		Example: "  ripen init demo && ripen run -C demo",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usagef("init takes one directory, got %d", len(args))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			dir := a.dir
			if len(args) == 1 {
				if dir = args[0]; !filepath.IsAbs(dir) {
					dir = filepath.Join(a.dir, dir)
				}
			}
			if o.Accounts <= 0 || o.Days <= 0 {
				return usagef("--accounts and --days must be above 0")
			}
			o.Start = a.clock().UTC().AddDate(0, 0, -o.Days).Format(time.DateOnly)
			return a.initProject(dir, o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Name, "name", "", "name of the project (default: name of the directory)")
	flags.Uint64Var(&o.Seed, "seed", 7, "seed of the simulated company")
	flags.IntVar(&o.Accounts, "accounts", 1000, "sign-ups of the simulated company within --days")
	flags.IntVar(&o.Days, "days", 90, "days of history of the simulated company")
	flags.BoolVar(&o.ifMissing, "if-missing", false, "leave a project that exists as it is, without an error")
	return cmd
}

func (a *app) initProject(dir string, o initOptions) error {
	path := filepath.Join(dir, configName)
	if _, err := os.Stat(path); err == nil {
		if o.ifMissing {
			return nil
		}
		return &usageError{hint.New(path+" exists", "remove it first, or choose another directory")}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if o.Name == "" {
		o.Name = filepath.Base(abs)
	}
	err = fs.WalkDir(initFiles, "init", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := template.ParseFS(initFiles, name)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, strings.TrimSuffix(strings.TrimPrefix(name, "init/"), ".tmpl"))
		target = strings.Replace(target, "dot_", ".", 1)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		f, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			return nil // somebody's own file stays as it is
		}
		if err != nil {
			return err
		}
		return errors.Join(text.Execute(f, o), f.Close())
	})
	if err != nil {
		return fmt.Errorf("init %s: %w", dir, err)
	}
	a.talk("wrote %s; next: ripen run -C %s", path, dir)
	return nil
}
