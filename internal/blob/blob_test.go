package blob

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gocloud.dev/blob/memblob"
)

func names(t *testing.T, s Store) []string {
	t.Helper()
	var names []string
	for f, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if f.Size != 5 || f.Modified.IsZero() {
			t.Errorf("listing shows %+v", f)
		}
		names = append(names, f.Name)
	}
	return names
}

var written = []string{"b.jsonl", "a/x.jsonl", "a-b/y.jsonl", "a/.hidden", ".git/config", "a/b/c/z.csv"}

// Lexical order of whole names: "-" comes before "/".
var listed = []string{"a-b/y.jsonl", "a/b/c/z.csv", "a/x.jsonl", "b.jsonl"}

func TestDir_ListsInLexicalOrderAndReadsFromOffset(t *testing.T) {
	root := t.TempDir()
	for _, name := range written {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("12345"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, address := range []string{root, "file://" + root} {
		store, err := Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(t, store); !slices.Equal(got, listed) {
			t.Errorf("%s: listed %q, want %q", address, got, listed)
		}
		checkOpen(t, store)
	}
}

func TestBucket_ListsBelowPrefix(t *testing.T) {
	b := memblob.OpenBucket(nil)
	for _, name := range append(slices.Clone(written), "folder/") {
		if err := b.WriteAll(t.Context(), "logs/"+name, []byte("12345"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.WriteAll(t.Context(), "logs2/no.jsonl", []byte("12345"), nil); err != nil {
		t.Fatal(err)
	}
	store := NewBucket(b, "mem://x", "logs")
	defer store.Close()
	if got := names(t, store); !slices.Equal(got, listed) {
		t.Errorf("listed %q, want %q", got, listed)
	}
	checkOpen(t, store)
	if got := store.Location("b.jsonl"); got != "mem://x/logs/b.jsonl" {
		t.Errorf("location is %s", got)
	}
}

func checkOpen(t *testing.T, store Store) {
	t.Helper()
	r, err := store.Open(t.Context(), "a/x.jsonl", 3)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if text, err := io.ReadAll(r); err != nil || string(text) != "45" {
		t.Errorf("read %q, %v", text, err)
	}
	if _, err := store.Open(t.Context(), "missing", 0); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("opening a missing file: %v", err)
	}
}

func TestOpen_RefusesWhatIsNoFolder(t *testing.T) {
	for address, want := range map[string]string{
		filepath.Join(t.TempDir(), "nowhere"): "nowhere",
		"":                                    "no folder",
		"file://host/x":                       "names a host",
		"nothing://x":                         "nothing",
	} {
		if _, err := Open(t.Context(), address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q) = %v, want an error with %q", address, err, want)
		}
	}
}

func TestMatch_TakesPartsAndDoubleStar(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"", "a/b", true},
		{"*.csv", "a.csv", true},
		{"*.csv", "d/a.csv", false},
		{"**/*.csv", "a.csv", true},
		{"**/*.csv", "d/e/a.csv", true},
		{"d/**", "d/e/a.csv", true},
		{"d/**/a.csv", "d/a.csv", true},
		{"d/**/e/*.gz", "d/x/e/y/e/1.gz", true},
		{"d/**/e/*.gz", "d/x/e/y/1.gz", false},
		{"events-[0-9].jsonl", "events-7.jsonl", true},
	} {
		if got, err := Match(test.pattern, test.name); got != test.want || err != nil {
			t.Errorf("Match(%q, %q) = %v, %v", test.pattern, test.name, got, err)
		}
	}
	if _, err := Match("a[", "x"); err == nil {
		t.Error("a broken pattern is taken")
	}
}

func TestOpenPattern_ListsOnlyMatchesSpelledAsThePattern(t *testing.T) {
	base := t.TempDir()
	for _, name := range append(slices.Clone(written), "a/b/c/d/z.csv", "top.csv") {
		file := filepath.Join(base, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("12345"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(base, "a-b"), 0); err != nil { // reading it would fail for most users
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(base, "a-b"), 0o755) })
	for pattern, want := range map[string][]string{
		"top.csv":                              {"top.csv"},
		"./top.csv":                            {"top.csv"},
		"a/../top.csv":                         {"top.csv"},
		"../" + filepath.Base(base) + "/*.csv": {"../" + filepath.Base(base) + "/top.csv"},
		"a/*.jsonl":                            {"a/x.jsonl"},
		"a/**/z.csv":                           {"a/b/c/d/z.csv", "a/b/c/z.csv"},
		"a/**/c/**/z.csv":                      {"a/b/c/d/z.csv", "a/b/c/z.csv"},
		"a/**":                                 {"a/b/c/d/z.csv", "a/b/c/z.csv", "a/x.jsonl"},
		"a/b":                                  nil, // a folder
		"nowhere/*.csv":                        nil,
		base + "/[st]op.csv":                   {base + "/top.csv"},
		"file://" + base + "/a/x.*":            {base + "/a/x.jsonl"},
	} {
		store, err := OpenPattern(t.Context(), base, pattern)
		if err != nil {
			t.Fatal(err)
		}
		got := names(t, store)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: listed %q, want %q", pattern, got, want)
		}
		for _, name := range got {
			r, err := store.Open(t.Context(), name, 0)
			if err != nil {
				t.Errorf("%s: %v", pattern, err)
				continue
			}
			r.Close()
		}
	}
	if _, err := OpenPattern(t.Context(), base, "a["); err == nil {
		t.Error("a broken pattern is taken")
	}
}

func TestOpenPattern_TakesBucketURL(t *testing.T) {
	store, err := OpenPattern(t.Context(), "", "mem://bucket/dumps/*.csv?x=1")
	if err == nil {
		store.Close()
		t.Fatal("an option that the driver does not know is taken")
	}
	store, err = OpenPattern(t.Context(), "", "mem://bucket/dumps/*.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	m := store.(matching)
	if m.prefix != "mem://bucket/dumps/" || m.pattern != "*.csv" || store.Location("mem://bucket/dumps/a.csv") != "mem://bucket/dumps/a.csv" {
		t.Errorf("got %+v, location %s", m, store.Location("mem://bucket/dumps/a.csv"))
	}
}
