package landing

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
)

// RowGroupRows is the number of rows of a full row group. DuckDB stores tables
// in groups of this size and loads aligned files about 1.5 times as fast.
const RowGroupRows = 122_880

// Options tune a Zone; the zero value is good.
type Options struct {
	Clock       func() time.Time // default time.Now
	MaxFileRows int64            // rows of a data file before the next one is begun, default 8*RowGroupRows
	// MemoryBytes bounds what all runs of the zone together buffer, default
	// 256 MiB. Where it is hit, row groups are closed before they are full.
	MemoryBytes int64
	// Lease is how long after Begin a run may commit, default 7 days. Sweep
	// relies on it: a file older than the lease has no writer that could commit it.
	Lease time.Duration
}

// Zone is where runs of tables are landed. It is safe for concurrent use, also
// by several processes on one bucket.
type Zone struct {
	bucket  Bucket
	options Options
	// One encoder for all: it holds a few states and hands them to whoever
	// compresses, while the library's own codec makes a new one (8 MB) per page.
	zstd     *zstd.Encoder
	buffered atomic.Int64 // bytes that the zone's runs hold
}

// Open makes a Zone of a bucket. Nothing is read or written yet.
func Open(bucket Bucket, opts Options) *Zone {
	if opts.Clock == nil {
		opts.Clock = time.Now
	}
	opts.MaxFileRows = cmp.Or(opts.MaxFileRows, 8*RowGroupRows)
	opts.MemoryBytes = cmp.Or(opts.MemoryBytes, 256<<20)
	opts.Lease = cmp.Or(opts.Lease, 7*24*time.Hour)
	encoder, err := zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithWindowSize(1<<20), // pages are hardly larger
		zstd.WithZeroFrames(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return &Zone{bucket: bucket, options: opts, zstd: encoder}
}

// URI is the address under which a warehouse reads a file of a manifest.
func (z *Zone) URI(name string) string { return z.bucket.URI(name) }

// Latest returns the newest manifest of a table, false when there is none. It
// lists names and reads one object, however many runs there were.
func (z *Zone) Latest(ctx context.Context, source, table string) (Manifest, bool, error) {
	latest := Key{Source: source, Table: table}
	for name, err := range z.bucket.List(ctx, tableFolder(source, table)+manifestFolder+"/") {
		if err != nil {
			return Manifest{}, false, fmt.Errorf("newest manifest of %s in %s: %w", table, source, err)
		}
		if key, ok := parseKey(name); ok && key.Sequence > latest.Sequence {
			latest = key
		}
	}
	if latest.Sequence == 0 {
		return Manifest{}, false, nil
	}
	m, err := z.Read(ctx, latest)
	return m, err == nil, err
}

// Keys yields the keys of all manifests, of the given sources if there are any,
// table by table and in sequence order within a table. No manifest is read.
func (z *Zone) Keys(ctx context.Context, sources ...string) iter.Seq2[Key, error] {
	return func(yield func(Key, error) bool) {
		prefixes := []string{""}
		if len(sources) > 0 {
			prefixes = nil
			for _, source := range slices.Compact(slices.Sorted(slices.Values(sources))) {
				prefixes = append(prefixes, source+"/")
			}
		}
		var table []Key // names sort by text; seven digits would come before six
		flush := func() bool {
			slices.SortFunc(table, func(a, b Key) int { return cmp.Compare(a.Sequence, b.Sequence) })
			for _, key := range table {
				if !yield(key, nil) {
					return false
				}
			}
			table = table[:0]
			return true
		}
		for _, prefix := range prefixes {
			for name, err := range z.bucket.List(ctx, prefix) {
				if err != nil {
					yield(Key{}, fmt.Errorf("list manifests: %w", err))
					return
				}
				key, ok := parseKey(name)
				if !ok {
					continue
				}
				if len(table) > 0 && table[0].folder() != key.folder() && !flush() {
					return
				}
				table = append(table, key)
			}
		}
		flush()
	}
}

// Read returns one committed manifest.
func (z *Zone) Read(ctx context.Context, key Key) (Manifest, error) {
	return readManifest(ctx, z.bucket, key)
}

// Manifests yields what Keys names, read. The first error ends it.
func (z *Zone) Manifests(ctx context.Context, sources ...string) iter.Seq2[Manifest, error] {
	return func(yield func(Manifest, error) bool) {
		for key, err := range z.Keys(ctx, sources...) {
			var m Manifest
			if err == nil {
				m, err = z.Read(ctx, key)
			}
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}
