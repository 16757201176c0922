package main

import (
	"fmt"
	"io"
	"sort"
	"sync"
	"time"

	prettyprogress "github.com/jedib0t/go-pretty/v6/progress"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/ripen-data/ripen/internal/progress"
)

// stageTotals is what one stage did, for the summary and the run ledger.
type stageTotals struct {
	Stage   string  `json:"stage"`
	Items   int     `json:"items"`
	Skipped int     `json:"unchanged"`
	Failed  int     `json:"failed"`
	Rows    int64   `json:"rows"`
	Files   int64   `json:"files"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

// meter adds up the events of a run and shows them: bars on a terminal, one
// plain line per finished item elsewhere.
type meter struct {
	mu     sync.Mutex
	w      io.Writer
	clock  func() time.Time
	bars   prettyprogress.Writer // nil without a terminal
	track  map[string]*prettyprogress.Tracker
	begun  map[string]time.Time
	sums   map[string]*progress.Event
	totals map[string]*stageTotals
	order  []string
}

func newMeter(w io.Writer, tty bool, clock func() time.Time) *meter {
	m := &meter{
		w: w, clock: clock, track: map[string]*prettyprogress.Tracker{}, begun: map[string]time.Time{},
		sums: map[string]*progress.Event{}, totals: map[string]*stageTotals{},
	}
	if tty {
		m.bars = prettyprogress.NewWriter()
		m.bars.SetOutputWriter(w)
		m.bars.SetAutoStop(false)
		m.bars.SetTrackerLength(20)
		m.bars.SetMessageLength(44)
		m.bars.SetUpdateFrequency(100 * time.Millisecond)
		m.bars.Style().Visibility.ETA = false
		m.bars.Style().Visibility.Percentage = false
		m.bars.Style().Colors.Message = text.Colors{}
		go m.bars.Render()
	}
	return m
}

// stage times f as one stage.
func (m *meter) stage(name string, f func() error) error {
	begin := m.clock()
	err := f()
	m.mu.Lock()
	m.total(name).Seconds += m.clock().Sub(begin).Seconds()
	m.mu.Unlock()
	return err
}

func (m *meter) total(stage string) *stageTotals {
	t := m.totals[stage]
	if t == nil {
		t = &stageTotals{Stage: stage}
		m.totals[stage] = t
		m.order = append(m.order, stage)
	}
	return t
}

// event is a progress.Func.
func (m *meter) event(e progress.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := e.Stage + " " + e.Item
	sum := m.sums[key]
	if sum == nil {
		sum = &progress.Event{}
		m.sums[key] = sum
		m.begun[key] = m.clock()
	}
	total := m.total(e.Stage)
	sum.Rows, sum.Bytes, sum.Files = sum.Rows+e.Rows, sum.Bytes+e.Bytes, sum.Files+e.Files
	total.Rows, total.Bytes, total.Files = total.Rows+e.Rows, total.Bytes+e.Bytes, total.Files+e.Files
	if m.bars != nil {
		m.bar(key, e)
	}
	if e.State < progress.Done {
		return
	}
	total.Items++
	switch {
	case e.State == progress.Failed:
		total.Failed++
	case e.State == progress.Skipped && e.Err == nil:
		total.Skipped++
	case e.State == progress.Skipped:
		total.Failed++
	}
	line := m.line(key, e, *sum)
	switch {
	case m.bars != nil && e.Err != nil:
		m.bars.Log("%s", line)
	case m.bars == nil:
		fmt.Fprintln(m.w, line)
	}
	delete(m.sums, key)
}

func (m *meter) bar(key string, e progress.Event) {
	t := m.track[key]
	if t == nil {
		t = &prettyprogress.Tracker{Message: key, Units: prettyprogress.Units{Formatter: prettyprogress.FormatNumber}}
		m.track[key] = t
		m.bars.AppendTracker(t)
	}
	t.Increment(e.Rows)
	switch e.State {
	case progress.Done:
		t.MarkAsDone()
	case progress.Skipped:
		t.UpdateMessage(key + " unchanged")
		t.MarkAsDone()
	case progress.Failed:
		t.MarkAsErrored()
	}
}

func (m *meter) line(key string, e progress.Event, sum progress.Event) string {
	head := fmt.Sprintf("%-48s", key)
	switch {
	case e.Err != nil && e.State == progress.Skipped:
		return head + " skipped: " + e.Err.Error()
	case e.Err != nil:
		return head + " failed: " + e.Err.Error()
	case e.State == progress.Skipped:
		return head + " unchanged"
	}
	line := fmt.Sprintf("%s %10s rows %9s %8.2f s", head, count(sum.Rows), size(sum.Bytes), m.clock().Sub(m.begun[key]).Seconds())
	if e.Note != "" {
		line += "  " + e.Note
	}
	return line
}

// stop waits until the bars are drawn.
func (m *meter) stop() {
	if m.bars == nil {
		return
	}
	m.bars.Stop()
	for m.bars.IsRenderInProgress() {
		time.Sleep(10 * time.Millisecond)
	}
}

// stages returns the totals in the order in which the stages began.
func (m *meter) stages() []stageTotals {
	m.mu.Lock()
	defer m.mu.Unlock()
	rank := map[string]int{"extract": 0, "load": 1, "transform": 2}
	names := append([]string{}, m.order...)
	sort.SliceStable(names, func(i, j int) bool { return rank[names[i]] < rank[names[j]] })
	list := make([]stageTotals, len(names))
	for i, name := range names {
		list[i] = *m.totals[name]
	}
	return list
}

// count prints 1234567 as 1,234,567.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// size prints bytes with a decimal unit.
func size(n int64) string {
	value, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if value < 1000 {
			break
		}
		value, unit = value/1000, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", value, unit)
}
