package segment

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/landing"
)

func clock() time.Time { return time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC) }

func call(id string) string {
	return fmt.Sprintf(`{"messageId":%q,"type":"track","event":"Login","userId":"u","timestamp":"2026-03-01T10:00:00Z"}`, id)
}

func zip(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// folder is a source folder in a test. Its files get modification times of their own, a minute apart.
type folder struct {
	t    *testing.T
	dir  string
	tick int
}

func newFolder(t *testing.T) *folder { return &folder{t: t, dir: t.TempDir()} }

func (f *folder) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
	f.tick++
	at := clock().Add(time.Duration(f.tick-10_000) * time.Minute)
	if err := os.Chtimes(path, at, at); err != nil {
		f.t.Fatal(err)
	}
}

// got is what an extraction yielded.
type got struct {
	ids       []string // all rows
	committed []string // rows up to the last cursor
	rejects   []landing.Reject
	extra     map[string]int64
	cursor    landing.Cursor
	batches   int
	err       error
}

func (f *folder) extract(after landing.Cursor) got {
	f.t.Helper()
	e, err := New(Config{Location: f.dir, Clock: clock})
	if err != nil {
		f.t.Fatal(err)
	}
	g := got{cursor: after, extra: map[string]int64{}}
	for b, err := range e.Extract(f.t.Context(), e.Tables()[0], after) {
		if err != nil {
			g.err = err
			continue
		}
		g.batches++
		if b.Rows != nil {
			ids := b.Rows.Column(0).(*array.String)
			for i := range ids.Len() {
				g.ids = append(g.ids, ids.Value(i))
			}
			b.Rows.Release()
		}
		g.rejects = append(g.rejects, b.Rejects...)
		for name, n := range b.Extra {
			g.extra[name] += n
		}
		if b.Cursor != "" {
			g.cursor = b.Cursor
			g.committed = slices.Clone(g.ids)
		}
	}
	return g
}

func (g got) want(t *testing.T, ids ...string) {
	t.Helper()
	if g.err != nil || !slices.Equal(g.ids, ids) || !slices.Equal(g.committed, ids) {
		t.Errorf("got %q, committed %q, error %v; want %q", g.ids, g.committed, g.err, ids)
	}
}

func TestExtract_ReadsFilesInOrderOnce(t *testing.T) {
	f := newFolder(t)
	f.write("2026/b.jsonl.gz", zip(call("b1")+"\n"+call("b2")+"\n"))
	f.write("2026/a.jsonl", call("a1")+"\n\n"+call("a2")) // no newline at the end
	f.write("2026/c.json", "\ufeff"+call("c1")+"\r\n"+call("c1")+"\r\n")
	f.write("2026/empty.jsonl", "")
	f.write("2026/empty.jsonl.gz", "")
	f.write("notes.txt", "not events")
	first := f.extract("")
	// Repeated message ids pass: staging keeps one.
	first.want(t, "a1", "a2", "b1", "b2", "c1", "c1")
	if len(first.rejects) > 0 {
		t.Errorf("rejects: %v", first.rejects)
	}
	second := f.extract(first.cursor)
	second.want(t)
	if second.batches > 0 {
		t.Errorf("a run with nothing new yields %d batches", second.batches)
	}
	f.write("2026/d.jsonl", call("d1"))
	f.write("2026/aa.jsonl", call("late"))
	f.extract(first.cursor).want(t, "late", "d1")
}

func TestExtract_TurnsBadRecordsIntoRejects(t *testing.T) {
	f := newFolder(t)
	lines := []string{
		call("ok1"),
		`{"messageId":"x","type":`,
		`{"messageId":"x","type":"track","timestamp":"tomorrow"}`,
		`{"type":"track","timestamp":"2026-03-01T10:00:00Z"}`,
		`{"messageId":"x","type":"track","timestamp":"2026-03-12T00:00:00Z"}`,
		call("ok2"),
		`{"messageId":"ok3","type":"track","timestamp":"2026-03-10T23:00:00Z","surprise":1,"version":2}`,
	}
	f.write("a.jsonl", strings.Join(lines, "\n"))
	g := f.extract("")
	g.want(t, "ok1", "ok2", "ok3")
	want := []landing.Reason{landing.Malformed, landing.WrongType, landing.MissingRequired, landing.FutureTime}
	if len(g.rejects) != len(want) {
		t.Fatalf("rejects: %+v", g.rejects)
	}
	for i, r := range g.rejects {
		if r.Reason != want[i] || r.Line != int64(i+2) || r.Payload != lines[i+1] || r.Location != "a.jsonl" {
			t.Errorf("reject %d is %+v, want %s on line %d", i, r, want[i], i+2)
		}
	}
	if g.extra["surprise"] != 1 || g.extra["version"] != 1 || len(g.extra) != 2 {
		t.Errorf("unknown fields: %v", g.extra)
	}
}

func TestExtract_StopsAtBrokenFileAndKeepsGoodOnesBefore(t *testing.T) {
	var long strings.Builder
	for i := range 60_000 { // several pieces of text, so that some are handed over before the fault is met
		fmt.Fprintln(&long, call(fmt.Sprint("long", i)))
	}
	whole := zip(long.String())
	damaged := []byte(whole)
	damaged[len(damaged)-6] ^= 1 // in the checksum
	for name, broken := range map[string]string{
		"cut off":   whole[:len(whole)*9/10],
		"damaged":   string(damaged),
		"cut early": zip(call("x") + "\n")[:12],
		"UTF-16":    "\xff\xfe{\x00}\x00",
	} {
		t.Run(name, func(t *testing.T) {
			f := newFolder(t)
			f.write("a.jsonl", call("a1"))
			f.write("b.jsonl", call("b1"))
			f.write("c.jsonl.gz", broken)
			f.write("d.jsonl", call("d1"))
			g := f.extract("")
			if g.err == nil || !strings.Contains(g.err.Error(), filepath.Join(f.dir, "c.jsonl.gz")+": byte ") || len(hint.Of(g.err)) == 0 {
				t.Errorf("the error is %v with hints %q", g.err, hint.Of(g.err))
			}
			if strings.Contains(name, "cut") && !errors.Is(g.err, io.ErrUnexpectedEOF) {
				t.Errorf("the error is %v", g.err)
			}
			if !slices.Equal(g.committed, []string{"a1", "b1"}) {
				t.Errorf("committed %q", g.committed)
			}
			f.write("c.jsonl.gz", zip(call("c1")))
			f.extract(g.cursor).want(t, "c1", "d1")
		})
	}
}

func TestExtract_ReadsOnWhereFileHasGrown(t *testing.T) {
	f := newFolder(t)
	f.write("a.jsonl", call("a1")+"\n"+call("a2")+"\n")
	f.write("b.jsonl", call("b1")+"\n"+`{"messageId":"b2","type":"tr`)
	f.write("c.jsonl", call("c1"))
	f.write("d.jsonl.gz", zip(call("d1")+"\n"))
	first := f.extract("")
	first.want(t, "a1", "a2", "b1", "c1", "d1")
	if len(first.rejects) != 1 {
		t.Errorf("rejects: %v", first.rejects)
	}
	f.write("a.jsonl", call("a1")+"\n"+call("a2")+"\n"+call("a3")+"\n{\n")
	f.write("b.jsonl", call("b1")+"\n"+call("b2")+"\n"+call("b3")+"\n{\n")
	f.write("c.jsonl", call("c1")+"\n"+call("c2"))
	f.write("d.jsonl.gz", zip(call("d1")+"\n")+zip(call("d2")+"\n"))
	second := f.extract(first.cursor)
	second.want(t, "a3", "b2", "b3", "c2", "d2")
	for i, want := range []int64{4, 4} {
		if len(second.rejects) != 2 || second.rejects[i].Line != want {
			t.Fatalf("rejects %+v, want lines counted on", second.rejects)
		}
	}
	f.extract(second.cursor).want(t)
}

func TestExtract_ReadsReplacedFileAgain(t *testing.T) {
	f := newFolder(t)
	f.write("a.jsonl", call("a1")+"\n"+call("a2")+"\n")
	f.write("b.jsonl", call("b1")+"\n")
	f.write("c.jsonl", call("c1")+"\n")
	first := f.extract("")
	f.write("a.jsonl", call("A9")+"\n") // shorter
	f.write("b.jsonl", call("B1")+"\n") // as long
	f.write("c.jsonl", call("c1")+"\n") // only touched
	second := f.extract(first.cursor)
	second.want(t, "A9", "B1")
	f.extract(second.cursor).want(t)
}
