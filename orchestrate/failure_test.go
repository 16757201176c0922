package orchestrate

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// The test binary doubles as the holder of a lease that is killed.
const leaseVariable = "RIPEN_TEST_LEASE"

func TestMain(m *testing.M) {
	path := os.Getenv(leaseVariable)
	if path == "" {
		os.Exit(m.Run())
	}
	if _, err := Acquire(path, "ripen run", time.Now()); err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString("held\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // until killed
}

func TestLease_OfAKilledProcessIsFreeAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), leaseVariable+"="+path)
	holder.Stderr = os.Stderr
	if _, err := holder.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	_, readErr := bufio.NewReader(out).ReadString('\n')
	_, heldErr := Acquire(path, "ripen load", time.Now())
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = holder.Wait() // it was killed
	if readErr != nil || !errors.Is(heldErr, ErrHeld) {
		t.Fatalf("the child did not hold the lease: %v, %v", readErr, heldErr)
	}
	lease, err := Acquire(path, "ripen load", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(); err != nil {
		t.Error(err)
	}
}

func TestRun_OutlivesAStepThatEndsItsGoroutine(t *testing.T) {
	results, err := Run(t.Context(), []Step{
		{Name: "bad", Run: func(context.Context) error { runtime.Goexit(); return nil }},
		{Name: "good", Run: func(context.Context) error { return nil }},
	}, Options{})
	if err == nil || results[0].Status != Failed || results[1].Status != Done {
		t.Errorf("%v, %v", err, results)
	}
}

func TestRun_KeepsTheErrorOfAPanic(t *testing.T) {
	_, err := Run(t.Context(), []Step{{Name: "bad", Run: func(context.Context) error { panic(fs.ErrPermission) }}}, Options{})
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
}

func TestRun_SkippedStepNamesTheOneThatFailed(t *testing.T) {
	none := func(context.Context) error { return nil }
	results, _ := Run(t.Context(), []Step{
		{Name: "c", Needs: []string{"b"}, Run: none},
		{Name: "b", Needs: []string{"a"}, Run: none},
		{Name: "a", Run: func(context.Context) error { return errors.New("broken") }},
		{Name: "apart", Run: none},
	}, Options{Workers: 2})
	for _, r := range results[:2] {
		if r.Status != Skipped || !errors.Is(r.Err, ErrSkipped) || !strings.Contains(r.Err.Error(), "a failed") || r.Attempts != 0 {
			t.Errorf("%+v", r)
		}
	}
	if results[3].Status != Done {
		t.Errorf("%+v", results[3])
	}
}

func TestRun_CancelEndsTheWaitBetweenAttempts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	step := Step{Name: "a", Retry: Retry{Attempts: 5, Wait: 24 * time.Hour}, Run: func(context.Context) error { return errors.New("broken") }}
	results, err := Run(ctx, []Step{step}, Options{Wait: func(ctx context.Context, d time.Duration) error {
		cancel()
		return wait(ctx, d)
	}})
	if !errors.Is(err, context.Canceled) || results[0].Attempts != 1 || !strings.Contains(results[0].Err.Error(), "broken") {
		t.Errorf("%v, %+v", err, results)
	}
}

func TestLedger_LeavesNothingBehindWhenARecordCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "1.json", "in the way"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := NewLedger(dir).Add(RunRecord{RunID: "1", Status: Done}); err == nil {
		t.Error("a record was written over a folder")
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}
