// Package landingtest holds what every landing.Bucket must pass.
package landingtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/ripen-data/ripen/landing"
)

// TestBucket runs the conformance suite; open returns an empty bucket.
func TestBucket(t *testing.T, open func() landing.Bucket) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, landing.Bucket)
	}{
		{"Create_StoresEveryByte", storesEveryByte},
		{"Create_StoresAnEmptyObject", storesEmpty},
		{"Create_RefusesATakenName", refusesTakenName},
		{"Create_ShowsNothingBeforeItEnds", showsNothingBefore},
		{"Create_LeavesNothingAfterAFailure", leavesNothing},
		{"Create_LetsOneOfManyWin", oneWins},
		{"Open_OfAMissingObjectIsErrNotExist", missingIsNotExist},
		{"List_IsInLexicalOrder", listsInOrder},
		{"List_StopsWhenAsked", listStops},
		{"Delete_RemovesOnce", deletes},
		{"EveryMethod_RefusesBadNames", refusesBadNames},
		{"EveryMethod_HeedsItsContext", heedsContext},
		{"URI_DiffersByName", urisDiffer},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open()) })
	}
}

func create(t *testing.T, b landing.Bucket, name string, content []byte) {
	t.Helper()
	if err := b.Create(t.Context(), name, writeAll(content)); err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
}

func writeAll(content []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}
}

func read(t *testing.T, b landing.Bucket, name string) []byte {
	t.Helper()
	object, err := b.Open(t.Context(), name)
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	content, err := io.ReadAll(object)
	if err := errors.Join(err, object.Close()); err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
	if object.Size() != int64(len(content)) {
		t.Fatalf("%s says it has %d bytes, and %d were read", name, object.Size(), len(content))
	}
	return content
}

func list(t *testing.T, b landing.Bucket, prefix string) []string {
	t.Helper()
	var names []string
	for name, err := range b.List(t.Context(), prefix) {
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		names = append(names, name)
	}
	return names
}

func wantNames(t *testing.T, b landing.Bucket, prefix string, want ...string) {
	t.Helper()
	if got := list(t, b, prefix); !slices.Equal(got, want) {
		t.Errorf("list %q\n got %q\nwant %q", prefix, got, want)
	}
}

func storesEveryByte(t *testing.T, b landing.Bucket) {
	random := rand.New(rand.NewPCG(1, 2))
	content := make([]byte, 3<<20+17)
	for i := range content {
		content[i] = byte(random.Uint32())
	}
	err := b.Create(t.Context(), "app/t.x/data/large", func(w io.Writer) error {
		for rest := content; len(rest) > 0; {
			n := min(len(rest), 1+random.IntN(100_000))
			if _, err := w.Write(rest[:n]); err != nil {
				return err
			}
			rest = rest[n:]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, b, "app/t.x/data/large"), content) {
		t.Error("other bytes were read than written")
	}
	object, err := b.Open(t.Context(), "app/t.x/data/large")
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	for range 20 {
		from := random.IntN(len(content))
		part := make([]byte, min(1+random.IntN(50_000), len(content)-from))
		if n, err := object.ReadAt(part, int64(from)); n != len(part) || err != nil && err != io.EOF {
			t.Fatalf("ReadAt(%d, %d) = %d, %v", len(part), from, n, err)
		}
		if !bytes.Equal(part, content[from:from+len(part)]) {
			t.Fatalf("ReadAt(%d, %d) read other bytes", len(part), from)
		}
	}
	if n, err := object.ReadAt(make([]byte, 10), int64(len(content))-4); n != 4 || err != io.EOF {
		t.Errorf("ReadAt over the end = %d, %v, want 4, EOF", n, err)
	}
}

func storesEmpty(t *testing.T, b landing.Bucket) {
	if err := b.Create(t.Context(), "empty", func(io.Writer) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := read(t, b, "empty"); len(got) != 0 {
		t.Errorf("read %q", got)
	}
}

func refusesTakenName(t *testing.T, b landing.Bucket) {
	create(t, b, "a/b", []byte("first"))
	if err := b.Create(t.Context(), "a/b", writeAll([]byte("second"))); !errors.Is(err, landing.ErrExists) {
		t.Errorf("second create: %v, want ErrExists", err)
	}
	if got := read(t, b, "a/b"); string(got) != "first" {
		t.Errorf("the object became %q", got)
	}
	wantNames(t, b, "", "a/b")
}

func showsNothingBefore(t *testing.T, b landing.Bucket) {
	err := b.Create(t.Context(), "a/b", func(w io.Writer) error {
		if _, err := w.Write([]byte("half")); err != nil {
			return err
		}
		if _, err := b.Open(t.Context(), "a/b"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open while it is written: %v, want ErrNotExist", err)
		}
		wantNames(t, b, "")
		_, err := w.Write([]byte(" whole"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, b, "a/b"); string(got) != "half whole" {
		t.Errorf("read %q", got)
	}
}

func leavesNothing(t *testing.T, b landing.Bucket) {
	broken := errors.New("source broke")
	err := b.Create(t.Context(), "a/b", func(w io.Writer) error {
		_, err := w.Write([]byte("half"))
		return errors.Join(err, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("create: %v, want the error of write", err)
	}
	wantNames(t, b, "")
	create(t, b, "a/b", []byte("whole"))
	if got := read(t, b, "a/b"); string(got) != "whole" {
		t.Errorf("read %q", got)
	}
}

func oneWins(t *testing.T, b landing.Bucket) {
	const writers = 16
	errs := make([]error, writers)
	var begun, all sync.WaitGroup
	begun.Add(writers)
	for i := range writers {
		all.Go(func() {
			var once sync.Once
			errs[i] = b.Create(t.Context(), "contested", func(w io.Writer) error {
				// Nobody ends before everybody has begun, as far as the bucket lets them begin.
				once.Do(begun.Done)
				begun.Wait()
				_, err := fmt.Fprint(w, i)
				return err
			})
			once.Do(begun.Done)
		})
	}
	all.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Errorf("writers %d and %d both succeeded", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, landing.ErrExists):
			t.Errorf("writer %d: %v, want ErrExists", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	if got := read(t, b, "contested"); string(got) != fmt.Sprint(winner) {
		t.Errorf("writer %d won, but the object holds %q", winner, got)
	}
	wantNames(t, b, "", "contested")
}

func missingIsNotExist(t *testing.T, b landing.Bucket) {
	create(t, b, "folder/object", nil)
	for _, name := range []string{"missing", "folder", "folder/missing", "missing/object", "folder/object/below"} {
		if object, err := b.Open(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %s: %v, %v, want ErrNotExist", name, object, err)
		}
	}
}

func listsInOrder(t *testing.T, b landing.Bucket) {
	want := []string{
		"a", "app-2/t/data/1", "app/t-2/data/1", "app/t.x/data/1", "app/t/data/1", "app/t/data/10", "app/t/data/2",
		"app/t/manifests/000001.json", "app/t/manifests/000002.json", "b/ä", "b/日本", "c",
	}
	shuffled := slices.Clone(want)
	rand.New(rand.NewPCG(3, 4)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	for _, name := range shuffled {
		create(t, b, name, []byte(name))
	}
	wantNames(t, b, "", want...)
	wantNames(t, b, "app/", want[2:9]...)
	wantNames(t, b, "app", want[1:9]...)
	wantNames(t, b, "app/t/", want[4:9]...)
	wantNames(t, b, "app/t/data/1", want[4:6]...)
	wantNames(t, b, "app/t/manifests/", want[7:9]...)
	wantNames(t, b, "missing/")
	wantNames(t, b, "app/t/data/1/")
}

func listStops(t *testing.T, b landing.Bucket) {
	for i := range 5 {
		create(t, b, fmt.Sprintf("x/%d/y", i), nil)
	}
	n := 0
	for range b.List(t.Context(), "x/") {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d names were yielded after break at 2", n)
	}
}

func deletes(t *testing.T, b landing.Bucket) {
	create(t, b, "a/b", []byte("old"))
	create(t, b, "a/c", nil)
	for range 2 {
		if err := b.Delete(t.Context(), "a/b"); err != nil {
			t.Errorf("delete: %v", err)
		}
	}
	if _, err := b.Open(t.Context(), "a/b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open after delete: %v, want ErrNotExist", err)
	}
	wantNames(t, b, "", "a/c")
	create(t, b, "a/b", []byte("new"))
	if got := read(t, b, "a/b"); string(got) != "new" {
		t.Errorf("read %q", got)
	}
}

func refusesBadNames(t *testing.T, b landing.Bucket) {
	for _, name := range []string{"", ".", "..", "../a", "a/../../b", "/a", "a//b", "a/", "./a"} {
		if err := b.Create(t.Context(), name, writeAll(nil)); err == nil {
			t.Errorf("create %q succeeded", name)
		}
		if _, err := b.Open(t.Context(), name); err == nil {
			t.Errorf("open %q succeeded", name)
		}
		if err := b.Delete(t.Context(), name); err == nil {
			t.Errorf("delete %q succeeded", name)
		}
	}
	wantNames(t, b, "")
}

func heedsContext(t *testing.T, b landing.Bucket) {
	create(t, b, "kept", []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	err := b.Create(ctx, "cancelled", func(w io.Writer) error {
		_, err := w.Write([]byte("x"))
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("create: %v, want Canceled", err)
	}
	if _, err := b.Open(ctx, "kept"); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v, want Canceled", err)
	}
	if err := b.Delete(ctx, "kept"); !errors.Is(err, context.Canceled) {
		t.Errorf("delete: %v, want Canceled", err)
	}
	var listErr error
	for _, err := range b.List(ctx, "") {
		listErr = err
	}
	if !errors.Is(listErr, context.Canceled) {
		t.Errorf("list: %v, want Canceled", listErr)
	}
	wantNames(t, b, "", "kept")
}

func urisDiffer(t *testing.T, b landing.Bucket) {
	if b.URI("a/b") == "" || b.URI("a/b") == b.URI("a/c") {
		t.Errorf("URIs are %q and %q", b.URI("a/b"), b.URI("a/c"))
	}
}
