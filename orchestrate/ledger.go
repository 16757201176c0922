package orchestrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// RunRecord is the history of one run.
type RunRecord struct {
	RunID   string `json:"run_id"`
	Command string `json:"command"`
	// Environment is that of the views that the run published; empty for production.
	Environment string          `json:"environment,omitempty"`
	AsOf        time.Time       `json:"as_of"`
	StartedAt   time.Time       `json:"started_at"`
	FinishedAt  time.Time       `json:"finished_at"`
	Status      Status          `json:"status"`
	Error       string          `json:"error,omitempty"`
	PeakMemory  int64           `json:"peak_memory_bytes"` // of the process
	Rejects     int64           `json:"rejected_records"`
	Stages      json.RawMessage `json:"stages,omitempty"` // as the command sums them up
	Steps       []StepRecord    `json:"steps"`
	// Request is what the command was asked for, in its own words.
	Request json.RawMessage `json:"request,omitempty"`
}

// StepRecord is the history of one step.
type StepRecord struct {
	Name    string  `json:"name"`
	Status  Status  `json:"status"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"`
}

// Ledger keeps one JSON file per run in a directory; a file is there whole or not
// at all. A run is added when it begins, as Running, and again when it has ended:
// one that was killed stays Running.
type Ledger struct{ dir string }

// NewLedger returns the ledger in dir, which need not exist.
func NewLedger(dir string) *Ledger { return &Ledger{dir} }

// Add writes the record of a run, in place of an earlier one of the same run; its id must sort by time.
func (l *Ledger) Add(r RunRecord) error {
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(l.dir, r.RunID+".*.tmp")
	if err != nil {
		return err
	}
	err = file.Chmod(0o644)
	if err == nil {
		_, err = file.Write(append(text, '\n'))
	}
	if err == nil {
		err = file.Sync() // the name must not survive a power cut without the text
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(l.dir, r.RunID+".json"))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("run record %s: %w", r.RunID, err), os.Remove(file.Name()))
	}
	return nil
}

// Last returns the newest n records, newest first.
func (l *Ledger) Last(n int) ([]RunRecord, error) {
	entries, err := os.ReadDir(l.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	slices.Reverse(names)
	records := make([]RunRecord, 0, min(n, len(names)))
	for _, name := range names[:min(n, len(names))] {
		text, err := os.ReadFile(filepath.Join(l.dir, name))
		if err != nil {
			return records, err
		}
		var r RunRecord
		if err := json.Unmarshal(text, &r); err != nil {
			return records, fmt.Errorf("run record %s: %w", name, err)
		}
		records = append(records, r)
	}
	return records, nil
}
