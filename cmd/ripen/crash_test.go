package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/orchestrate"
	"github.com/ripen-data/ripen/warehouse"
)

const crashAsOf = "2026-03-02T10:00:00Z"

// newShop makes a project on a small simulated company and returns its directory.
func newShop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	code := runAt(context.Background(), func() time.Time { return testNow },
		[]string{"init", dir, "--name", "shop", "--accounts", "200", "--days", "45"}, strings.NewReader(""), &out, &out)
	if code != exitOK {
		t.Fatalf("init: exit code %d\n%s", code, &out)
	}
	return dir
}

// child is ripen in a process of its own.
func child(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), childVariable+"=1", "NO_COLOR=1")
	return cmd
}

// tables returns a digest of the content of every raw table and every published
// model, the load that brought a row left aside: an interrupted extraction may
// commit the same rows in other portions.
func tables(t *testing.T, dir string) map[string]string {
	t.Helper()
	ctx := context.Background()
	cfg, err := readConfig(dir)
	if err != nil {
		t.Fatal(err)
	}
	db, err := (&project{cfg: cfg}).openWarehouse(ctx, true, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	read := func(name, sql string) *rowSet {
		rows, err := readRows(ctx, db, warehouse.Statement{Name: name, SQL: sql})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	digests := map[string]string{}
	for _, row := range read("tables", "select table_schema || '.' || table_name as name, "+
		"string_agg(case when column_name in ('_ripen_load_id', 'batch_id') then null else column_name end, ', ' order by ordinal_position) as columns "+
		"from information_schema.columns where table_schema not in ('ripen_meta', 'ripen_build', 'information_schema', 'main', 'bq') group by 1 order by 1").rows {
		name, columns := row[0].(string), row[1].(string)
		h := sha256.New()
		content := read(name, "select "+columns+" from "+name+" order by all")
		fmt.Fprintln(h, content.columns)
		for _, r := range content.rows {
			fmt.Fprintln(h, r...)
		}
		digests[name] = fmt.Sprintf("%d rows, %s", len(content.rows), hex.EncodeToString(h.Sum(nil))[:16])
	}
	return digests
}

func compareTables(t *testing.T, got, want map[string]string) {
	t.Helper()
	names := slices.Sorted(maps.Keys(want))
	if gotNames := slices.Sorted(maps.Keys(got)); !slices.Equal(gotNames, names) {
		t.Fatalf("tables %q, want %q", gotNames, names)
	}
	for _, name := range names {
		if got[name] != want[name] {
			t.Errorf("%s: %s, want %s", name, got[name], want[name])
		}
	}
}

func mustFinish(t *testing.T, dir string) {
	t.Helper()
	out, err := child(dir, "run", "--as-of", crashAsOf).CombinedOutput()
	if err != nil && exitOf(err) != exitRejects {
		t.Fatalf("run: %v\n%s", err, out)
	}
}

func exitOf(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return exitOK
}

func TestRun_TwiceOnTheSameInputGivesTheSameTables(t *testing.T) {
	one, two := newShop(t), newShop(t)
	mustFinish(t, one)
	mustFinish(t, two)
	want := tables(t, one)
	if len(want) < 30 {
		t.Fatalf("only %d tables: %v", len(want), want)
	}
	compareTables(t, tables(t, two), want)
	mustFinish(t, one)
	compareTables(t, tables(t, one), want)
}

// The run is killed after a random number of lines of progress, several times,
// and must end where an undisturbed one ends.
func TestRun_KilledAnywhereConvergesToTheSameTables(t *testing.T) {
	calm := newShop(t)
	mustFinish(t, calm)
	want := tables(t, calm)
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 9))
		dir := newShop(t)
		kills := 0
		for range 5 {
			if killAfter(t, dir, 1+r.IntN(30)) {
				kills++
			}
		}
		if kills == 0 {
			t.Fatalf("seed %d: nothing was killed", seed)
		}
		mustFinish(t, dir)
		compareTables(t, tables(t, dir), want)
	}
}

// killAfter starts a run and kills it after so many lines; false if it ended first.
func killAfter(t *testing.T, dir string, lines int) bool {
	t.Helper()
	cmd := child(dir, "run", "--as-of", crashAsOf)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(pipe)
	for n := 0; n < lines && scanner.Scan(); n++ {
	}
	_ = cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, pipe)
	return exitOf(cmd.Wait()) == -1 // ended by a signal
}

func TestRun_TwoAtOnceLoseAndDoubleNothing(t *testing.T) {
	calm := newShop(t)
	mustFinish(t, calm)
	dir := newShop(t)
	first, second := child(dir, "run", "--as-of", crashAsOf), child(dir, "run", "--as-of", crashAsOf)
	for _, cmd := range []*exec.Cmd{first, second} {
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	codes := []int{exitOf(first.Wait()), exitOf(second.Wait())}
	for _, code := range codes {
		if !slices.Contains([]int{exitOK, exitRejects, exitHeld}, code) {
			t.Errorf("exit codes %v", codes)
		}
	}
	if codes[0] == exitHeld && codes[1] == exitHeld {
		t.Error("neither run went through")
	}
	compareTables(t, tables(t, dir), tables(t, calm))
}

func TestRun_NamesTheHolderOfTheProject(t *testing.T) {
	dir := newShop(t)
	lease, err := orchestrate.Acquire(dir+"/.ripen/lease", "ripen load", testNow)
	if err != nil {
		t.Fatal(err)
	}
	defer lease.Release()
	var stderr bytes.Buffer
	code := runAt(context.Background(), time.Now, []string{"-C", dir, "run"}, strings.NewReader(""), io.Discard, &stderr)
	if code != exitHeld || !strings.Contains(stderr.String(), "`ripen load`, process ") {
		t.Errorf("exit code %d\n%s", code, &stderr)
	}
}
