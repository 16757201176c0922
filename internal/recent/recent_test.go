package recent

import (
	"fmt"
	"testing"
)

func mustParse(t *testing.T, text string) *Set {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSet_KnowsWhatItMetAfterTheRoundTrip(t *testing.T) {
	s := mustParse(t, "")
	if s.Meet(10, "a", "1") || s.Meet(20, "b", "1") {
		t.Error("a new record was taken for a known one")
	}
	if !s.Meet(10, "a", "1") {
		t.Error("the same record twice in one run was not noticed")
	}
	next := mustParse(t, s.Text(15))
	if next.Meet(10, "a", "1") {
		t.Error("a record before the kept stretch was kept")
	}
	if !next.Meet(20, "b", "1") {
		t.Error("a record of the kept stretch was forgotten")
	}
	if next.Meet(20, "b", "2") || next.Meet(20, "", "b1") || next.Meet(20, "b1", "") {
		t.Error("another version, or other parts with the same text, were taken for a known record")
	}
}

func TestSet_ForgetsWhatTheNextRunDidNotMeet(t *testing.T) {
	s := mustParse(t, "")
	s.Meet(5, "a")
	dropped := mustParse(t, mustParse(t, s.Text(0)).Text(0))
	if dropped.Meet(5, "a") {
		t.Error("kept without being met")
	}
	resumed := mustParse(t, s.Text(0))
	resumed.Keep()
	if !mustParse(t, resumed.Text(1<<40)).Meet(5, "a") {
		t.Error("Keep did not carry the record over")
	}
}

func TestSet_IsBoundedAndForgetsTheOldest(t *testing.T) {
	s := mustParse(t, "")
	for i := range 5 * MaxEntries {
		s.Meet(int64(i), fmt.Sprint(i))
	}
	if len(s.met) > 4*MaxEntries || !s.Full() {
		t.Errorf("holds %d entries, full: %t", len(s.met), s.Full())
	}
	text := s.Text(0)
	if len(text) > 11*MaxEntries {
		t.Errorf("the text has %d bytes", len(text))
	}
	next := mustParse(t, text)
	if !next.Meet(0, fmt.Sprint(5*MaxEntries-1)) || next.Meet(0, "0") {
		t.Error("kept the oldest instead of the newest")
	}
}

func TestParse_RefusesADamagedText(t *testing.T) {
	for _, text := range []string{"!", "AAAA", "AAAAAAAAAAA="} {
		if _, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) took it", text)
		}
	}
}
