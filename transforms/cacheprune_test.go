package transforms

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestPruneCache_DeletesOldEntriesOnceADay(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	put := func(name string, age time.Duration) string {
		path := filepath.Join(dir, name[:2], name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }
	old, young := put("aa1.json", 31*24*time.Hour), put("aa2.json", time.Hour)
	e := NewEngine(nil, nil, "1", dir)
	e.PruneCache(now)
	if there(old) || !there(young) {
		t.Errorf("old entry there: %v, young entry there: %v", there(old), there(young))
	}
	again := put("aa3.json", 31*24*time.Hour)
	e.PruneCache(now.Add(time.Hour))
	if !there(again) {
		t.Error("it looked again within a day")
	}
	e.PruneCache(now.Add(25 * time.Hour))
	if there(again) {
		t.Error("it did not look again after a day")
	}
}
