package landing_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/landing/landingtest"
)

func TestDir_IsABucket(t *testing.T) {
	landingtest.TestBucket(t, func() landing.Bucket {
		dir, err := landing.NewDir(filepath.Join(t.TempDir(), "new", "folder"))
		if err != nil {
			t.Fatal(err)
		}
		return dir
	})
}

func TestDir_CleanTakesOnlyOldTemporaryFiles(t *testing.T) {
	root := t.TempDir()
	dir, err := landing.NewDir(root)
	if err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(root, "a", ".tmp-killed")
	err = dir.Create(t.Context(), "a/kept", func(io.Writer) error { return os.WriteFile(old, []byte("half"), 0o644) })
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	err = dir.Create(t.Context(), "a/living", func(io.Writer) error {
		if err := os.Chtimes(old, now.Add(-2*time.Hour), now.Add(-2*time.Hour)); err != nil {
			return err
		}
		if n, err := dir.Clean(t.Context(), now.Add(-time.Hour)); n != 1 || err != nil {
			t.Errorf("cleaned %d files, %v, want the one that nobody writes", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(root, "a"))
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder holds %v, %v, want kept and living", entries, err)
	}
}

func TestNewDir_RefusesAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := landing.NewDir(filepath.Join(name, "sub")); err == nil {
		t.Error("a folder below a file was made")
	}
}
