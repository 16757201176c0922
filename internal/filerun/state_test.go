package filerun

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/internal/blob"
	"github.com/ripen-data/ripen/internal/hint"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// simulation is a store over time and what a table has read of it.
type simulation struct {
	t      *testing.T
	random *rand.Rand
	now    time.Time
	files  map[string]blob.File
	reads  map[string][]time.Time // modification times under which a file was read
	cursor string
	most   int // bytes of the largest cursor at the end of a pass
}

func (s *simulation) listing() []blob.File {
	var list []blob.File
	for _, f := range s.files {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b blob.File) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// put writes a file, with a coarse clock like that of object stores.
func (s *simulation) put(name string) {
	s.files[name] = blob.File{Name: name, Size: s.random.Int64N(1000) + 1, Modified: s.now.Truncate(time.Second)}
}

// pass reads what is new; at most files of it, then it breaks off.
func (s *simulation) pass(most int) {
	s.t.Helper()
	st, err := parseState(s.cursor)
	if err != nil {
		s.t.Fatal(err)
	}
	listing := s.listing()
	p, err := newPass(st, listing, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	for i, f := range p.todo {
		if i == most {
			return
		}
		s.reads[f.Name] = append(s.reads[f.Name], f.Modified)
		p.done(f, entry{Size: f.Size, Modified: f.Modified.UnixMicro(), Sum: "0123456789abcdef", Lines: 100})
		if i == len(p.todo)-1 {
			p.finish(listing)
		}
		if s.random.IntN(3) == 0 || i == len(p.todo)-1 || i == most-1 {
			s.cursor = p.cursor()
		}
	}
	s.most = max(s.most, len(s.cursor))
}

func TestState_MissesNoFileWhateverHappens(t *testing.T) {
	for seed := range uint64(25) {
		s := &simulation{t: t, random: rand.New(rand.NewPCG(seed, 3)), now: start, files: map[string]blob.File{}, reads: map[string][]time.Time{}}
		next := 0
		for range 40 {
			for range s.random.IntN(30) {
				s.now = s.now.Add(time.Duration(s.random.IntN(1500)) * time.Millisecond)
				switch s.random.IntN(10) {
				case 0: // late: a name among those long read
					s.put(fmt.Sprintf("f%06d-late%d", s.random.IntN(next+1), s.random.IntN(1000)))
				case 1: // replaced or grown
					if list := s.listing(); len(list) > 0 {
						s.put(list[s.random.IntN(len(list))].Name)
					}
				case 2:
					if list := s.listing(); len(list) > 0 {
						delete(s.files, list[s.random.IntN(len(list))].Name)
					}
				default:
					next++
					s.put(fmt.Sprintf("f%06d", next))
				}
			}
			if s.random.IntN(2) == 0 {
				s.pass(s.random.IntN(20))
			} else {
				s.pass(-1)
			}
		}
		s.now = s.now.Add(time.Minute)
		s.pass(-1)
		for name, f := range s.files {
			if reads := s.reads[name]; len(reads) == 0 || !reads[len(reads)-1].Equal(f.Modified) {
				t.Fatalf("seed %d: %s of %s was read under %v", seed, name, f.Modified, reads)
			}
		}
		before := len(s.reads)
		s.reads = map[string][]time.Time{}
		s.pass(-1)
		if len(s.reads) > 0 {
			t.Fatalf("seed %d: of %d files, %d were read again although nothing changed", seed, before, len(s.reads))
		}
	}
}

func TestState_ReadsUnchangedFileOnceWhenPassesBreakOff(t *testing.T) {
	s := &simulation{t: t, random: rand.New(rand.NewPCG(1, 3)), now: start, files: map[string]blob.File{}, reads: map[string][]time.Time{}}
	for i := range 3000 {
		s.now = s.now.Add(time.Second)
		s.put(fmt.Sprintf("f%06d", i))
	}
	for len(s.reads) < 3000 {
		s.pass(170)
	}
	for name, reads := range s.reads {
		if len(reads) != 1 {
			t.Fatalf("%s was read %d times", name, len(reads))
		}
	}
}

func TestState_StaysSmallWithManyFiles(t *testing.T) {
	s := &simulation{t: t, random: rand.New(rand.NewPCG(1, 3)), now: start, files: map[string]blob.File{}, reads: map[string][]time.Time{}}
	for i := range 20_000 {
		s.now = s.now.Add(time.Second)
		s.put(fmt.Sprintf("logs/2026/events-%09d.jsonl.gz", i))
		if i%2000 == 0 {
			s.pass(-1)
		}
	}
	s.pass(-1)
	if len(s.reads) != 20_000 || s.most > 12_000 {
		t.Errorf("%d files read; the largest cursor has %d bytes", len(s.reads), s.most)
	}
}

func TestState_ReportsFilesAddedWithOldTimes(t *testing.T) {
	s := &simulation{t: t, random: rand.New(rand.NewPCG(1, 3)), now: start, files: map[string]blob.File{}, reads: map[string][]time.Time{}}
	for i := range 200 {
		s.now = s.now.Add(time.Minute)
		s.put(fmt.Sprintf("f%06d", i))
	}
	s.pass(-1)
	s.files["f000010-restored"] = blob.File{Name: "f000010-restored", Size: 1, Modified: start.Add(-time.Hour)}
	st, err := parseState(s.cursor)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newPass(st, s.listing(), s.now); !errors.Is(err, errOldTimes) || len(hint.Of(err)) == 0 {
		t.Errorf("a file that its time hides: %v", err)
	}
}

func TestParseState_RefusesForeignCursor(t *testing.T) {
	for _, text := range []string{"x", `{"v":2}`, `{}`, `[1]`, `{"v":1`} {
		if _, err := parseState(text); err == nil || len(hint.Of(err)) == 0 {
			t.Errorf("cursor %s: %v", text, err)
		}
	}
}
