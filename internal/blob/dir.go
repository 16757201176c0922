package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/hint"
)

type dir struct{ root string }

// NewDir opens a folder. It must exist.
func NewDir(root string) (Store, error) {
	if root == "" {
		return nil, errors.New("no folder given")
	}
	info, err := os.Stat(root)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is a file, not a folder", root)
	}
	if err != nil {
		return nil, hint.Wrap(fmt.Errorf("source folder: %w", err), "check the path; it is relative to the project's folder")
	}
	return dir{root}, nil
}

func (d dir) List(ctx context.Context) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) { d.walk(ctx, "", yield) }
}

// walk reports whether the caller wants more.
func (d dir) walk(ctx context.Context, folder string, yield func(File, error) bool) bool {
	fail := func(err error) bool {
		yield(File{}, fmt.Errorf("list %s: %w", d.Location(folder), err))
		return false
	}
	if err := ctx.Err(); err != nil {
		return fail(err)
	}
	entries, err := os.ReadDir(filepath.Join(d.root, filepath.FromSlash(folder)))
	if err != nil {
		return fail(err)
	}
	// "a/x" sorts behind "a-b/x", although "a" sorts before "a-b".
	key := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(key(a), key(b)) })
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if e.IsDir() {
			if !d.walk(ctx, name, yield) {
				return false
			}
			continue
		}
		info, err := os.Stat(filepath.Join(d.root, filepath.FromSlash(name))) // follows links
		if errors.Is(err, fs.ErrNotExist) {
			continue // gone since the folder was read
		}
		if err != nil {
			return fail(err)
		}
		if info.Mode().IsRegular() && !yield(File{name, info.Size(), info.ModTime()}, nil) {
			return false
		}
	}
	return true
}

func (d dir) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	return openFile(ctx, d.Location(name), offset)
}

func openFile(ctx context.Context, location string, offset int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open %s: %w", location, err)
	}
	file, err := os.Open(location)
	if err != nil {
		return nil, err // names the file
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func (d dir) Location(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d dir) Close() error { return nil }
