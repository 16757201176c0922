package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/transforms/format"
	"github.com/ripen-data/ripen/transforms/lex"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// errUnformatted says that --check found files to format; they have been named.
var errUnformatted = errors.New("not in the house style")

// maxSQL bounds a file of SQL in memory, in bytes.
const maxSQL = 16 << 20

// fmtRun is one call of `ripen fmt`.
type fmtRun struct{ check, diff bool }

// fmtReport is what `ripen fmt` did.
type fmtReport struct {
	Files   int      `json:"files"`   // that were looked at
	Changed []string `json:"changed"` // or would be
	faults  []error
}

func (a *app) fmtCommand() *cobra.Command {
	var f fmtRun
	cmd := &cobra.Command{
		Use:   "fmt [PATH...]",
		Short: "Write SQL in the house style; comments stay where they are",
		Long: `Write the SQL files of a project in the house style: keywords in lower case, four
spaces, a column and a clause per line, CTEs apart by empty lines, lines of up to
120 characters. Comments stay, and what stands on several lines does so after.

PATH is a file or a folder, whose *.sql files are taken; - formats standard input
to standard output. Without one, the sql folder of the project is formatted.`,
		Example: `  ripen fmt -C demo
  ripen fmt -C demo --check --diff
  ripen fmt - < query.sql`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "-" {
				return f.stream(a)
			}
			return f.files(a, args)
		},
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "write nothing; exit with 1 if a file would change")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "write nothing; print what would change")
	return cmd
}

// stream formats standard input.
func (f fmtRun) stream(a *app) error {
	before, err := readSQL(a.stdin, "standard input")
	if err != nil {
		return err
	}
	after, err := formatSQL("standard input", before)
	if err != nil {
		return err
	}
	switch {
	case f.diff:
		printDiff(a.stdout, "standard input", before, after)
	case !f.check:
		if _, err := io.WriteString(a.stdout, after); err != nil {
			return err
		}
	}
	if f.check && before != after {
		return fmt.Errorf("standard input is %w", errUnformatted)
	}
	return nil
}

// files formats files in place. One that cannot be formatted does not keep the
// others from it.
func (f fmtRun) files(a *app, paths []string) error {
	if len(paths) == 0 {
		folder := filepath.Join(a.dir, "sql")
		if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
			return &usageError{hint.New(fmt.Sprintf("%s does not exist", folder), "name files or folders, or - for standard input")}
		}
		paths = []string{folder}
	}
	report := fmtReport{Changed: []string{}}
	for _, path := range paths {
		err := eachSQL(path, func(file string) {
			report.Files++
			changed, err := f.file(a, file)
			if err != nil {
				report.faults = append(report.faults, err)
			}
			if changed {
				report.Changed = append(report.Changed, file)
			}
		})
		if err != nil {
			return err
		}
	}
	return f.report(a, report)
}

func (f fmtRun) report(a *app, report fmtReport) error {
	switch {
	case a.output == "json":
		if err := json.NewEncoder(a.stdout).Encode(report); err != nil {
			return err
		}
	case !f.diff:
		for _, file := range report.Changed {
			fmt.Fprintln(a.stdout, file)
		}
	}
	if err := errors.Join(report.faults...); err != nil {
		return err
	}
	if f.check && len(report.Changed) > 0 {
		return hint.Wrap(fmt.Errorf("%d of %d files are %w", len(report.Changed), report.Files, errUnformatted), "format them: ripen fmt")
	}
	a.talk("%d of %d files %s", len(report.Changed), report.Files,
		map[bool]string{true: "would change", false: "changed"}[f.check || f.diff])
	return nil
}

// eachSQL calls do with a file, or with the *.sql files of a folder.
func eachSQL(path string, do func(file string)) error {
	return filepath.WalkDir(path, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return usagef("%s does not exist", file)
		case err != nil:
			return err
		case file == path && !entry.IsDir():
			do(file)
		case file != path && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
		case entry.Type().IsRegular() && strings.HasSuffix(entry.Name(), ".sql"):
			do(file)
		}
		return nil
	})
}

// file formats one file and says whether that changes it.
func (f fmtRun) file(a *app, name string) (changed bool, err error) {
	file, err := os.Open(name)
	if err != nil {
		return false, err
	}
	before, err := readSQL(file, name)
	if err := errors.Join(err, file.Close()); err != nil {
		return false, err
	}
	after, err := formatSQL(name, before)
	if err != nil || before == after {
		return false, err
	}
	if f.diff && a.output != "json" {
		printDiff(a.stdout, name, before, after)
	}
	if f.check || f.diff {
		return true, nil
	}
	return true, rewriteFile(name, after)
}

func readSQL(r io.Reader, name string) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSQL+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read %s: %w", name, err)
	case len(text) > maxSQL:
		return "", usagef("%s is larger than %d MB: this is no SQL to format", name, maxSQL>>20)
	case !utf8.Valid(text):
		return "", usagef("%s is not UTF-8 text", name)
	}
	return string(text), nil
}

// formatSQL is Format with faults at their place in the file.
func formatSQL(name, text string) (string, error) {
	formatted, err := format.Format(text)
	var fault *lex.Error
	if errors.As(err, &fault) {
		return "", fault.In(syntax.Source{Name: name, Text: text})
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return formatted, nil
}

func printDiff(w io.Writer, name, before, after string) {
	text := string(diff.Diff(name, []byte(before), name+" (formatted)", []byte(after)))
	_, text, _ = strings.Cut(text, "\n") // the first line is a command that nobody ran
	fmt.Fprint(w, text)
}

// rewriteFile gives the file another content at once, and keeps its mode. Behind
// a link, the file that it leads to is replaced.
func rewriteFile(name, text string) (err error) {
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(temporary.Name()))
		}
	}()
	_, err = temporary.WriteString(text)
	if err := errors.Join(err, temporary.Chmod(info.Mode().Perm()), temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), name)
}
