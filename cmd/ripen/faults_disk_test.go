package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// fileLimitVariable bounds, in bytes, every file that a child writes: a disk that
// is full for any user, without one.
const fileLimitVariable = "RIPEN_TEST_FILE_LIMIT"

func limitFileSize() {
	text := os.Getenv(fileLimitVariable)
	if text == "" {
		return
	}
	signal.Ignore(syscall.SIGXFSZ) // a full disk sends no signal
	limit, err := strconv.ParseUint(text, 10, 64)
	if err == nil {
		err = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "limit of files:", err)
		os.Exit(99)
	}
}

// full runs ripen in a process whose files may have so many bytes.
func (d *desk) full(bytes int64, args ...string) outcome {
	d.t.Helper()
	cmd := child(d.dir, args...)
	cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%d", fileLimitVariable, bytes))
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, ended := err.(*exec.ExitError); err != nil && !ended {
		d.t.Fatal(err)
	}
	return outcome{exitOf(err), stdout.String(), stderr.String()}
}

const manyEvents = 20_000

// many adds a file of events that no compression makes small.
func (d *desk) many() {
	var text strings.Builder
	for n := range manyEvents {
		fmt.Fprintln(&text, strings.Replace(eventLine(9, n), `"event_id":"`, fmt.Sprintf(`"event_id":"%x-`, sha256.Sum256([]byte{byte(n), byte(n >> 8)})), 1))
	}
	d.write("in/events-9.jsonl", text.String())
}

func TestFaults_DiskFullLosesNothing(t *testing.T) {
	t.Parallel()
	calm := newDesk(t)
	calm.many()
	calm.run(exitOK)
	want := tables(t, calm.dir)

	d := newDesk(t)
	d.many()
	for _, fault := range []struct {
		bytes int64
		args  []string
		says  string
	}{
		{0, []string{"run"}, "lease " + filepath.Join(d.dir, ".ripen/lease")},
		{64 << 10, []string{"extract"}, "land product.events of app: app/product.events/data/000001-"}, // the other tables fit
		{8 << 10, []string{"load"}, "open warehouse " + filepath.Join(d.dir, "data/ripen.duckdb")},     // breaks off in the file's first bytes
		{1500 << 10, []string{"run", "--as-of", crashAsOf}, "load product.events from app: run 1: "},
		{7000 << 10, []string{"run", "--as-of", crashAsOf}, "build staging.stg_product__event"},
	} {
		o := d.full(fault.bytes, fault.args...)
		if o.code == exitOK {
			t.Fatalf("%d bytes were enough for %s", fault.bytes, fault.args)
		}
		o.want(t, exitInfra, fault.says, "ile too large", "hint: make room on the disk of "+filepath.Join(d.dir, "data/landing"))
	}
	d.run(exitOK)
	d.raw(deskAccounts, deskAccounts, 2*deskEvents+manyEvents, 0)
	but := []string{"raw_", "staging."} // when rows arrived is told by the clock
	compareTables(t, without(tables(t, d.dir), but), without(want, but))
}
