package landing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
)

// tempPrefix starts the names of files that are still being written.
const tempPrefix = ".tmp-"

// Dir is a Bucket in a folder of the local file system. An object is written to
// a temporary file beside its final name, synced, and linked there: link(2)
// fails when the name is taken, which makes Create atomic among processes. The
// folder is synced before Create returns, so a committed manifest survives a
// power cut.
type Dir struct {
	root string
}

// NewDir opens the folder root, creating it where it is missing.
func NewDir(root string) (*Dir, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("landing folder: %w", err)
	}
	if err := makeFolder(root); err != nil {
		return nil, fmt.Errorf("landing folder: %w", err)
	}
	return &Dir{root: root}, nil
}

// Create writes a new object; see Bucket.
func (d *Dir) Create(ctx context.Context, name string, write func(io.Writer) error) (err error) {
	if err := checkName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	target := d.path(name)
	// The common conflict is found before anything is written; link finds the rest.
	if _, err := os.Lstat(target); err == nil {
		return fmt.Errorf("create %s: %w", name, ErrExists)
	}
	folder := filepath.Dir(target)
	if err := makeFolder(folder); err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	temp := filepath.Join(folder, tempPrefix+rand.Text())
	file, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("create %s: %w", name, err)
	}
	defer func() {
		// What cannot be removed now is removed by Clean.
		_ = os.Remove(temp)
		if err == nil {
			err = wrapName("create", name, syncFolder(folder))
		}
	}()
	err = write(file)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = link(temp, target)
	}
	return wrapName("create", name, err)
}

func link(temp, target string) error {
	err := os.Link(temp, target)
	switch {
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, fs.ErrPermission):
		return hint.Wrap(err, "the landing folder must lie on a file system with hard links; move it to another disk")
	}
	return err
}

// Open reads an object; see Bucket.
func (d *Dir) Open(ctx context.Context, name string) (Object, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	file, err := os.Open(d.path(name))
	if missing(err) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, wrapName("open", name, err)
	}
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, wrapName("open", name, errors.Join(err, file.Close()))
	}
	return dirObject{file, info.Size()}, nil
}

type dirObject struct {
	*os.File
	size int64
}

func (o dirObject) Size() int64 { return o.size }

// List yields names in lexical order; see Bucket.
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		// Only the folder part of the prefix can be walked to; the rest is a filter.
		folder := ""
		if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
			folder = prefix[:i]
		}
		if folder != "" && !fs.ValidPath(folder) {
			yield("", fmt.Errorf("list %q: not a prefix of object names", prefix))
			return
		}
		d.walk(ctx, folder, prefix, yield)
	}
}

// walk reports whether the caller wants more.
func (d *Dir) walk(ctx context.Context, folder, prefix string, yield func(string, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield("", fmt.Errorf("list %s: %w", prefix, err))
		return false
	}
	entries, err := os.ReadDir(d.path(folder))
	if missing(err) {
		return true
	}
	if err != nil {
		yield("", fmt.Errorf("list %s: %w", prefix, err))
		return false
	}
	// "a/x" sorts behind "a-b/x", although "a" sorts before "a-b".
	key := func(e os.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return strings.Compare(key(a), key(b)) })
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), tempPrefix):
		case e.IsDir():
			if sub := name + "/"; strings.HasPrefix(sub, prefix) || strings.HasPrefix(prefix, sub) {
				if !d.walk(ctx, name, prefix, yield) {
					return false
				}
			}
		case strings.HasPrefix(name, prefix):
			if !yield(name, nil) {
				return false
			}
		}
	}
	return true
}

// Delete removes an object; see Bucket.
func (d *Dir) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	if err := os.Remove(d.path(name)); err != nil && !missing(err) {
		return wrapName("delete", name, err)
	}
	return nil
}

// Clean removes temporary files that nobody has written to since before; a
// killed process leaves them. A living writer whose file is taken away can only
// fail, because there is nothing left to link.
func (d *Dir) Clean(ctx context.Context, before time.Time) (n int, err error) {
	err = filepath.WalkDir(d.root, func(name string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, fs.ErrNotExist) || err == nil && (e.IsDir() || !strings.HasPrefix(e.Name(), tempPrefix)) {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.ModTime().Before(before) {
			return nil
		}
		if err == nil {
			err = os.Remove(name)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		n++
		return nil
	})
	if err != nil {
		return n, fmt.Errorf("clean landing folder: %w", err)
	}
	return n, nil
}

// URI is the absolute path of the object's file.
func (d *Dir) URI(name string) string { return d.path(name) }

func (d *Dir) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

// missing also knows names below an object, which has no names below it.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func checkName(name string) error {
	if !fs.ValidPath(name) || name == "." || strings.Contains(name, `\`) || strings.Contains("/"+name, "/"+tempPrefix) {
		return fmt.Errorf("%q is not an object name", name)
	}
	return nil
}

func wrapName(operation, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", operation, name, err)
}

// makeFolder is os.MkdirAll whose result survives a power cut.
func makeFolder(folder string) error {
	if info, err := os.Stat(folder); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(folder)
	if parent != folder {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(folder, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	} else if err != nil {
		// Another process made it, or it is a file; Stat knows.
		info, statErr := os.Stat(folder)
		if statErr != nil || !info.IsDir() {
			return err
		}
	}
	return syncFolder(parent)
}

func syncFolder(folder string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there; NTFS journals their entries
	}
	file, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
