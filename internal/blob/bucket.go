package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"gocloud.dev/blob"
)

type bucket struct {
	*blob.Bucket
	address string // scheme and bucket, for people
	prefix  string // with a slash at its end, or empty
}

// NewBucket makes a store of what lies below prefix in a bucket, and closes the
// bucket when it is closed itself. address names the bucket for people.
func NewBucket(b *blob.Bucket, address, prefix string) Store {
	if prefix != "" {
		prefix = strings.TrimSuffix(prefix, "/") + "/"
	}
	return bucket{b, address, prefix}
}

func (b bucket) List(ctx context.Context) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		objects := b.Bucket.List(&blob.ListOptions{Prefix: b.prefix})
		for {
			object, err := objects.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(File{}, fmt.Errorf("list %s: %w", b.Location(""), err))
				return
			}
			name := strings.TrimPrefix(object.Key, b.prefix)
			// Consoles make empty objects that stand for folders.
			if name == "" || strings.HasSuffix(name, "/") || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
				continue
			}
			if !yield(File{name, object.Size, object.ModTime}, nil) {
				return
			}
		}
	}
}

func (b bucket) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	r, err := b.NewRangeReader(ctx, b.prefix+name, offset, -1, nil)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", b.Location(name), err)
	}
	return r, nil
}

func (b bucket) Location(name string) string { return b.address + "/" + b.prefix + name }
