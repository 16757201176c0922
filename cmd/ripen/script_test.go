package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// childVariable makes the test binary behave as ripen itself, for tests that
// need a process of its own.
const childVariable = "RIPEN_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		limitFileSize()
		main()
	}
	if sql := os.Getenv(duckdbVariable); sql != "" {
		if err := runDuckDB(sql); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// testNow is the wall clock of the first command of a script; each next one begins
// a microsecond later, as ids of runs differ by their time.
var testNow = time.Date(2026, 3, 2, 10, 20, 30, 0, time.UTC)

// TestScripts runs testdata/script/*.txtar. Beside testscript's commands there is
//
//	ripen CODE ARGS…    runs ripen in this process and expects the exit code
func TestScripts(t *testing.T) {
	var commands atomic.Int64
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ripen": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) < 1 {
					ts.Fatalf("usage: ripen CODE ARGS…")
				}
				want, err := strconv.Atoi(args[0])
				ts.Check(err)
				dir := ts.MkAbs(".")
				now := testNow.Add(time.Duration(commands.Add(1)) * time.Microsecond)
				got := runAt(context.Background(), func() time.Time { return now },
					append([]string{"-C", dir}, args[1:]...), strings.NewReader(""), ts.Stdout(), ts.Stderr())
				if got != want {
					ts.Fatalf("exit code %d, want %d", got, want)
				}
			},
		},
	})
}
