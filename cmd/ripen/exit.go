package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/orchestrate"
	"github.com/ripen-data/ripen/transforms"
	"github.com/ripen-data/ripen/transforms/syntax"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// Exit codes; `ripen --help` prints them.
const (
	exitOK          = 0
	exitCheck       = 1   // a check of a table or a test failed
	exitUsage       = 2   // wrong flags, configuration or SQL
	exitInfra       = 3   // a warehouse, an API, a file system failed
	exitRejects     = 4   // done, but some records became dead letters
	exitHeld        = 5   // another run holds the project, or another program its warehouse
	exitInterrupted = 130 // stopped by Ctrl-C or SIGTERM
)

// usageError is a fault in what the user wrote.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// errRejects says that everything went through except some records.
var errRejects = errors.New("done with rejected records")

// exitCode maps an error to the code a script can rely on: the gravest class in
// the tree of err wins.
func exitCode(err error) int {
	var usage *usageError
	var diagnostic *syntax.Diagnostic
	var check *transforms.CheckError
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, orchestrate.ErrHeld), errors.Is(err, duckdb.ErrLocked):
		return exitHeld
	case errors.As(err, &usage), errors.As(err, &diagnostic):
		return exitUsage
	case errors.As(err, &check), errors.Is(err, errCases), errors.Is(err, errUnformatted), errors.Is(err, errFindings):
		return exitCheck
	case errors.Is(err, errRejects):
		return exitRejects
	default:
		return exitInfra
	}
}

// printError writes the error and, once each, the advice attached to it. Faults in
// files are shown with their lines.
func (a *app) printError(err error) {
	if errors.Is(err, errReported) {
		return
	}
	faults, rest := diagnostics(err)
	if len(faults) == 0 {
		fmt.Fprintf(a.stderr, "ripen: error: %v\n", err)
	} else {
		for _, e := range rest {
			fmt.Fprintf(a.stderr, "ripen: error: %v\n", e)
		}
		for _, d := range faults {
			a.writeDiagnostic(a.stderr, "ripen: error: ", d, false)
		}
	}
	for _, advice := range hint.Of(err) {
		fmt.Fprintf(a.stderr, "ripen: hint: %s\n", advice)
	}
}
