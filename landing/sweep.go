package landing

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"
)

// clockSlack is how far the clocks of machines that share a bucket may differ.
const clockSlack = time.Hour

// Sweep deletes data files that no manifest names, left by runs that were killed,
// and returns how many. Only files of runs that began more than olderThan ago are
// looked at. It is safe beside living writers: a file is deleted when the only
// manifest that could name it exists and does not, or when its run is past the
// zone's lease and therefore refuses to commit. Files of unknown names stay.
func (z *Zone) Sweep(ctx context.Context, olderThan time.Duration) (n int, err error) {
	now := z.options.Clock()
	var group []string // data files of one manifest number
	var key Key
	for name, err := range z.bucket.List(ctx, "") {
		if err != nil {
			return n, fmt.Errorf("sweep: %w", err)
		}
		data, ok := parseDataName(name)
		if !ok {
			continue
		}
		if data.key != key {
			swept, err := z.sweepFiles(ctx, key, group, now, olderThan)
			n += swept
			if err != nil {
				return n, fmt.Errorf("sweep: %w", err)
			}
			key, group = data.key, nil
		}
		group = append(group, name)
	}
	swept, err := z.sweepFiles(ctx, key, group, now, olderThan)
	n += swept
	if err != nil {
		return n, fmt.Errorf("sweep: %w", err)
	}
	if cleaner, ok := z.bucket.(interface {
		Clean(ctx context.Context, before time.Time) (int, error)
	}); ok {
		// Temporary files carry the time of the file system, not of the zone's
		// clock. One that nobody wrote to for a lease belongs to no run that can commit.
		cleaned, err := cleaner.Clean(ctx, time.Now().Add(-max(olderThan, z.options.Lease+clockSlack)))
		return n + cleaned, err
	}
	return n, nil
}

// sweepFiles deletes those of names, all made for the manifest key, that are dead.
func (z *Zone) sweepFiles(ctx context.Context, key Key, names []string, now time.Time, olderThan time.Duration) (n int, err error) {
	if len(names) == 0 {
		return 0, nil
	}
	m, err := z.Read(ctx, key)
	open := errors.Is(err, fs.ErrNotExist) // some run may still commit this number
	if err != nil && !open {
		return 0, err
	}
	if open {
		olderThan = max(olderThan, z.options.Lease+clockSlack)
	}
	named := slices.Concat(m.Files, m.Rejects)
	for _, name := range names {
		data, _ := parseDataName(name)
		if now.Sub(data.started) < olderThan || slices.ContainsFunc(named, func(f File) bool { return f.Name == name }) {
			continue
		}
		if err := z.bucket.Delete(ctx, name); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
