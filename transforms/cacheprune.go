package transforms

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Bounds of the cache: entries are small, some kilobytes each.
const (
	cacheKeeps  = 30 * 24 * time.Hour // since an entry was written
	pruneMarker = "pruned"            // its time is that of the last look
	pruneEvery  = 24 * time.Hour
)

// PruneCache deletes what the cache has held longer than 30 days; what is still
// needed of it is analysed again. It looks once a day; faults cost disk space,
// nothing else.
func (e *Engine) PruneCache(now time.Time) {
	if e.cache.dir == "" {
		return
	}
	marker := filepath.Join(e.cache.dir, pruneMarker)
	if info, err := os.Stat(marker); err == nil && now.Sub(info.ModTime()) < pruneEvery {
		return
	}
	if os.WriteFile(marker, nil, 0o644) != nil || os.Chtimes(marker, now, now) != nil {
		return
	}
	_ = filepath.WalkDir(e.cache.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path == marker {
			return nil
		}
		if info, err := entry.Info(); err == nil && now.Sub(info.ModTime()) > cacheKeeps {
			_ = os.Remove(path)
		}
		return nil
	})
}
