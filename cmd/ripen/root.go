package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// app is what every command shares: its streams, its clock and the global flags.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	clock          func() time.Time

	dir     string
	output  string
	noColor bool
}

const exitCodesHelp = `Exit codes:
  0    done
  1    a check or a test failed
  2    wrong flags, configuration or SQL
  3    a warehouse, an API or the file system failed
  4    done, but some records became dead letters
  5    another run holds the project, or another program its warehouse
  130  interrupted`

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return runAt(ctx, time.Now, args, stdin, stdout, stderr)
}

// runAt is run by a given wall clock.
func runAt(ctx context.Context, clock func() time.Time, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, clock: clock}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	if code != exitOK && code != exitRejects { // the summary has said what was rejected
		a.printError(err)
	}
	return code
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:     "ripen",
		Version: version,
		Short:   "Which trials convert, which lapse, why, and who should do what today",
		Long: `ripen joins product events, CRM and billing of a company with free trials into
one warehouse and ends with today's queue: every live trial, ranked, with the
reasons in a sentence.`,
		Example: `  ripen init demo && ripen run -C demo     # a project that runs on a simulated company
  ripen show -s rpt_sales_queue -C demo    # look at a table
  ripen status -C demo                     # what ran, what is stale`,
		SilenceUsage:               true,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			if a.output != "text" && a.output != "json" {
				return usagef("--output %q: text or json", a.output)
			}
			return nil
		},
	}
	root.SetHelpTemplate(root.HelpTemplate() + "\n" + exitCodesHelp + "\n")
	flags := root.PersistentFlags()
	flags.StringVarP(&a.dir, "project-dir", "C", ".", "directory that holds ripen.yaml")
	flags.StringVar(&a.output, "output", "text", "text or json")
	flags.BoolVar(&a.noColor, "no-color", os.Getenv("NO_COLOR") != "", "plain text (also NO_COLOR)")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usagef("%w\nsee `%s --help`", err, c.CommandPath())
	})
	root.AddCommand(a.initCommand(), a.runCommand(), a.extractCommand(), a.loadCommand(), a.transformCommand(),
		a.lsCommand(), a.validateCommand(), a.showCommand(), a.renderCommand(), a.statusCommand(), a.sandboxCommand(), a.versionCommand())
	root.AddCommand(a.queryCommand(), a.fmtCommand(), a.lintCommand())
	root.AddCommand(a.planCommand(), a.applyCommand(), a.rollbackCommand(), a.envCommand(), a.retryCommand(), a.backfillCommand(), a.diffCommand())
	root.AddCommand(a.testCommand(), a.ejectCommand(), a.docsCommand())
	root.AddCommand(a.lineageCommand())
	for _, c := range root.Commands() {
		if c.Args == nil {
			c.Args = noArgs
		}
	}
	root.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			suggestions := c.SuggestionsFor(args[0])
			if len(suggestions) > 0 {
				return usagef("unknown command %q; did you mean %s?", args[0], strings.Join(suggestions, " or "))
			}
			return usagef("unknown command %q; see `ripen --help`", args[0])
		}
		return c.Help()
	}
	root.Args = cobra.ArbitraryArgs
	return root
}

func noArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no arguments, got %q; see `%s --help`", c.CommandPath(), args, c.CommandPath())
	}
	return nil
}

// atMost and exactly are cobra's checks of the number of arguments, as faults of the user.
func atMost(n int) cobra.PositionalArgs { return counted(cobra.MaximumNArgs(n)) }

func exactly(n int) cobra.PositionalArgs { return counted(cobra.ExactArgs(n)) }

func counted(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if check(c, args) != nil {
			return usagef("usage: %s; got %q; see `%s --help`", c.UseLine(), args, c.CommandPath())
		}
		return nil
	}
}

// isTTY reports whether w is a terminal on which bars and colours make sense.
func (a *app) isTTY(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && !a.noColor && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// talk writes a line to people, never to data.
func (a *app) talk(format string, args ...any) { fmt.Fprintf(a.stderr, format+"\n", args...) }
