// Package blob lists and opens the files of a source: a folder of the local
// file system, or a bucket (s3://, gs://, mem:// and whatever else
// gocloud.dev/blob has a driver for in the binary).
package blob

import (
	"context"
	"fmt"
	"io"
	"iter"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"gocloud.dev/blob"

	"github.com/ripen-data/ripen/internal/hint"
)

// File is a file of a Store as a listing shows it.
type File struct {
	Name     string // slash-separated, relative to the store
	Size     int64
	Modified time.Time
}

// Store is where files lie.
type Store interface {
	// List yields the files below the store in lexical order of their names. Files
	// and folders whose name starts with a dot are left out.
	List(ctx context.Context) iter.Seq2[File, error]
	// Open reads a file from the offset to its end.
	Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error)
	// Location is the address of a file for people.
	Location(name string) string
	io.Closer
}

// Open opens a store. The address is a folder, or a URL: file:///folder,
// s3://bucket/prefix?region=…, gs://bucket/prefix.
func Open(ctx context.Context, address string) (Store, error) {
	scheme, rest, isURL := strings.Cut(address, "://")
	if !isURL {
		return NewDir(address)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("source address: %w", err)
	}
	if scheme == "file" {
		if u.Host != "" {
			return nil, hint.New("source address "+address+" names a host",
				"write file:///%s with three slashes for an absolute path", rest)
		}
		return NewDir(filepath.FromSlash(u.Path))
	}
	prefix := strings.Trim(u.Path, "/")
	u.Path = ""
	bucket, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("open %s://%s: %w", scheme, u.Host, err)
	}
	return NewBucket(bucket, scheme+"://"+u.Host, prefix), nil
}
