package filerun

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/ripen-data/ripen/internal/blob"
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/schemas"
)

var things = schemas.Table{Dataset: "test", Name: "things", Drift: schemas.Discard, Columns: []schemas.Column{
	{Name: "id", Type: schemas.Type{Kind: schemas.String}, Required: true, Fields: []string{"id"}},
}}

// newJob is a job over a folder.
func newJob(t *testing.T, dir string) Job {
	t.Helper()
	store, err := blob.NewDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return Job{
		Store:      store,
		Reader:     func(blob.File) Reader { return Lines{} },
		NewDecoder: func() *jsonrows.Decoder { return jsonrows.New(things, jsonrows.Options{}) },
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func ids(b Batch) []string {
	var ids []string
	if b.Record != nil {
		column := b.Record.Column(0).(*array.String)
		for i := range column.Len() {
			ids = append(ids, column.Value(i))
		}
		b.Record.Release()
	}
	return ids
}

func TestRun_YieldsNothingBehindGapWhenContextEnds(t *testing.T) {
	dir := t.TempDir()
	next := 0
	for file := range 12 {
		var text strings.Builder
		for range 60 {
			fmt.Fprintf(&text, `{"id":"%06d","pad":"%s"}`+"\n", next, strings.Repeat("x", 4000))
			next++
		}
		write(t, dir, fmt.Sprintf("%02d.jsonl", file), text.String())
	}
	for stopAfter := range 12 {
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		var last error
		n := 0
		for b, err := range Run(ctx, newJob(t, dir), "") {
			if n == stopAfter {
				cancel()
			}
			n++
			got, last = append(got, ids(b)...), err
		}
		cancel()
		if !errors.Is(last, context.Canceled) && len(got) != next {
			t.Fatalf("stopped after %d batches: %d records, error %v", stopAfter, len(got), last)
		}
		for i, id := range got {
			if id != fmt.Sprintf("%06d", i) {
				t.Fatalf("stopped after %d batches: record %d is %s", stopAfter, i, id)
			}
		}
	}
}

func TestLines_RejectsOnlyTheLineThatIsTooLong(t *testing.T) {
	long := func(n int) string { return `{"id":"long","pad":"` + strings.Repeat("x", n-22) + `"}` }
	for name, text := range map[string]string{
		"first":      long(MaxLine+1) + "\n{\"id\":\"a\"}\n{\"id\":\"b\"}\n{bad\n",
		"in between": "{\"id\":\"a\"}\n" + long(3*MaxLine) + "\n{\"id\":\"b\"}\n{bad\n",
		"last":       "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{bad\n" + long(MaxLine+chunkBytes+5),
		"as allowed": "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{bad\n" + long(MaxLine) + "\n",
	} {
		dir := t.TempDir()
		write(t, dir, "f.jsonl", text)
		var got []string
		var rejects []schemas.Reject
		for b, err := range Run(t.Context(), newJob(t, dir), "") {
			if err != nil {
				t.Fatal(err)
			}
			got, rejects = append(got, ids(b)...), append(rejects, b.Rejects...)
		}
		if name == "as allowed" {
			if len(got) != 3 || len(rejects) != 1 {
				t.Errorf("%s: %q, %d rejects", name, got, len(rejects))
			}
			continue
		}
		if strings.Join(got, "") != "ab" || len(rejects) != 2 {
			t.Fatalf("%s: %q, %d rejects", name, got, len(rejects))
		}
		for _, r := range rejects {
			wantLine := int64(strings.Count(text[:strings.Index(text, "{bad")], "\n") + 1)
			if r.Payload != "{bad" {
				wantLine = int64(strings.Count(text[:strings.Index(text, `{"id":"long"`)], "\n") + 1)
				if !strings.Contains(r.Detail, "more than 8388608") || len(r.Payload) != schemas.MaxPayload {
					t.Errorf("%s: reject %s with %d bytes of payload", name, r.Detail, len(r.Payload))
				}
			}
			if r.Line != wantLine {
				t.Errorf("%s: reject %.20q on line %d, want %d", name, r.Payload, r.Line, wantLine)
			}
		}
	}
}
