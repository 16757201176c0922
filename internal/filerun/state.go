package filerun

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/internal/blob"
	"github.com/ripen-data/ripen/internal/hint"
)

// state is what a cursor says about the files that were read. It stays small
// with hundreds of thousands of files: the newest ones are kept one by one, the
// others are covered by marks.
//
// A mark (name, instant) says: every file with a name up to that name and last
// written up to that instant was read. It holds because a pass takes the files of
// one listing in the order of their names, and a file that is not in the listing
// was written later than those in it. Files written within slack of the newest
// are kept one by one, since a coarse clock cannot tell them from later ones.
type state struct {
	Version int              `json:"v"`
	Marks   []mark           `json:"marks"`             // names rising, instants falling
	Covered int              `json:"covered,omitempty"` // files that marks alone covered when the last pass ended; 0: it did not
	Files   map[string]entry `json:"files"`
}

const stateVersion = 1

type mark struct {
	Name  string `json:"n"`
	Until int64  `json:"u"` // microseconds since 1970
}

func (s state) covers(name string, modified int64) bool {
	for _, m := range s.Marks {
		if name <= m.Name && modified <= m.Until {
			return true
		}
	}
	return false
}

// entry is one file that was read.
type entry struct {
	Size     int64  `json:"s"`
	Modified int64  `json:"m"` // microseconds since 1970
	Sum      string `json:"h"` // xxHash64 of its bytes, hexadecimal
	Lines    int64  `json:"l,omitempty"`
	// Open is the length of a last line without an end, which may have been a
	// half-written one; -1: what is appended later cannot be read by itself.
	Open int64 `json:"o,omitempty"`
}

// Bounds of a state.
const (
	slack      = 2 * time.Second
	keepNewest = 64 // newest names of which each is known, so that growth is told from replacement
)

func parseState(cursor string) (state, error) {
	s := state{Version: stateVersion, Files: map[string]entry{}}
	if cursor == "" {
		return s, nil
	}
	s.Version = 0
	err := json.Unmarshal([]byte(cursor), &s)
	if err == nil && s.Version != stateVersion {
		err = fmt.Errorf("version %d is not %d", s.Version, stateVersion)
	}
	if err != nil {
		return state{}, hint.Wrap(fmt.Errorf("cursor of the files read: %w", err),
			"it was written by another version of ripen, or by another kind of source under this name; give this source a new name")
	}
	if s.Files == nil {
		s.Files = map[string]entry{}
	}
	return s, nil
}

func (s state) cursor() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings and integers always have a JSON form
	}
	return string(text)
}

// pass is one walk over the files of one listing.
type pass struct {
	state  state
	todo   []blob.File // in the order of names
	until  int64       // files of the listing up to this instant can be covered by a mark
	before []mark      // marks of earlier passes
	names  []string    // names of state.Files, sorted
}

// errOldTimes says that files came with times that hide them.
var errOldTimes = errors.New("files were added with times older than those already read")

// newPass finds what is new or changed in a listing, which is sorted by name.
func newPass(s state, listing []blob.File, now time.Time) (*pass, error) {
	p := &pass{state: s, before: s.Marks}
	covered, newest := 0, int64(0)
	listed := make(map[string]bool, len(s.Files))
	for _, f := range listing {
		modified := f.Modified.UnixMicro()
		newest = max(newest, modified)
		if e, ok := s.Files[f.Name]; ok {
			listed[f.Name] = true
			if e.Size != f.Size || e.Modified != modified {
				p.todo = append(p.todo, f)
			}
			continue
		}
		if s.covers(f.Name, modified) {
			covered++
			continue
		}
		p.todo = append(p.todo, f)
	}
	if s.Covered > 0 && covered > s.Covered {
		return nil, hint.Wrap(fmt.Errorf("%w (%d of them)", errOldTimes, covered-s.Covered),
			"touch the files that were added, so that they count as new")
	}
	// A file from the future must not cover those that come until then.
	p.until = min(newest, now.UnixMicro()) - slack.Microseconds()
	for name := range s.Files {
		if listed[name] {
			p.names = append(p.names, name)
		} else {
			delete(s.Files, name) // the file is gone
		}
	}
	slices.Sort(p.names)
	return p, nil
}

// done notes that f was read and all files to do before it were.
func (p *pass) done(f blob.File, e entry) {
	if _, known := p.state.Files[f.Name]; !known {
		at, _ := slices.BinarySearch(p.names, f.Name)
		p.names = slices.Insert(p.names, at, f.Name)
	}
	p.state.Files[f.Name] = e
	p.state.Covered = 0
	p.state.Marks = addMark(p.before, mark{f.Name, p.until})
}

// finish notes that the pass came to its end.
func (p *pass) finish(listing []blob.File) {
	if len(listing) == 0 {
		return
	}
	p.state.Marks = addMark(p.before, mark{listing[len(listing)-1].Name, p.until})
	p.compact()
	p.state.Covered = 0
	for _, f := range listing {
		if _, ok := p.state.Files[f.Name]; !ok {
			p.state.Covered++
		}
	}
}

// cursor is where to resume after what was done so far.
func (p *pass) cursor() string {
	p.compact()
	return p.state.cursor()
}

// addMark returns the marks with m, without those that another one includes.
func addMark(marks []mark, m mark) []mark {
	var out []mark
	for _, old := range marks {
		if old.Name <= m.Name && old.Until <= m.Until {
			continue
		}
		if m.Name <= old.Name && m.Until <= old.Until {
			return marks
		}
		out = append(out, old)
	}
	out = append(out, m)
	slices.SortFunc(out, func(a, b mark) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// compact drops the entries that a mark covers, but for the newest names.
func (p *pass) compact() {
	kept := p.names[:0]
	for i, name := range p.names {
		if len(p.names)-i > keepNewest && p.state.covers(name, p.state.Files[name].Modified) {
			delete(p.state.Files, name)
			continue
		}
		kept = append(kept, name)
	}
	p.names = kept
}
