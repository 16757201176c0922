package orchestrate_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/orchestrate"
)

func record(id string, status orchestrate.Status) orchestrate.RunRecord {
	return orchestrate.RunRecord{
		RunID: id, Command: "run", AsOf: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Status: status,
		Steps: []orchestrate.StepRecord{}, Request: json.RawMessage(`{"stages": ["transform"]}`),
	}
}

func TestLedger_RunIsRunningUntilItsEndIsAdded(t *testing.T) {
	l := orchestrate.NewLedger(filepath.Join(t.TempDir(), "runs"))
	if records, err := l.Last(5); err != nil || len(records) != 0 {
		t.Fatalf("of no run: %v, %v", records, err)
	}
	for _, r := range []orchestrate.RunRecord{record("a", orchestrate.Running), record("a", orchestrate.Done), record("b", orchestrate.Running)} {
		if err := l.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	records, err := l.Last(5)
	if err != nil || len(records) != 2 {
		t.Fatalf("%v, %v", records, err)
	}
	// b was killed: nobody added its end.
	if records[0].RunID != "b" || records[0].Status != orchestrate.Running || records[1].Status != orchestrate.Done {
		t.Errorf("records %+v", records)
	}
	var asked struct{ Stages []string }
	if err := json.Unmarshal(records[0].Request, &asked); err != nil || len(asked.Stages) != 1 {
		t.Errorf("request %s, %v", records[0].Request, err)
	}
	if newest, err := l.Last(1); err != nil || len(newest) != 1 || newest[0].RunID != "b" {
		t.Errorf("the newest: %v, %v", newest, err)
	}
}

func TestLedger_HalfWrittenRecordsAreNotThere(t *testing.T) {
	dir := t.TempDir()
	l := orchestrate.NewLedger(dir)
	if err := l.Add(record("a", orchestrate.Done)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.1.tmp"), []byte(`{"run_id": "b`), 0o644); err != nil {
		t.Fatal(err)
	}
	if records, err := l.Last(5); err != nil || len(records) != 1 {
		t.Errorf("%v, %v", records, err)
	}
	if err := os.WriteFile(filepath.Join(dir, "c.json"), []byte(`{"run_id": "c`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Last(5); err == nil || !strings.Contains(err.Error(), "run record c.json") {
		t.Errorf("a spoilt record: %v", err)
	}
}

func TestHeld_TellsARunUnderWayFromOneThatWasKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lease")
	if held, err := orchestrate.Held(path); err != nil || held {
		t.Errorf("before any run: %v, %v", held, err)
	}
	lease, err := orchestrate.Acquire(path, "ripen run", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if held, err := orchestrate.Held(path); err != nil || !held {
		t.Errorf("under way: %v, %v", held, err)
	}
	if err := lease.Release(); err != nil {
		t.Fatal(err)
	}
	if held, err := orchestrate.Held(path); err != nil || held {
		t.Errorf("afterwards: %v, %v", held, err)
	}
}
