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
	"strings"
)

// OpenPattern opens the files that a pattern names: a path, absolute or relative
// to base, or a URL; see Match for wildcards. Names of files are spelled as the
// pattern spells them. Only folders that can hold matches are read, and that
// nothing matches is no error.
func OpenPattern(ctx context.Context, base, pattern string) (Store, error) {
	if pattern == "" {
		return nil, errors.New("no path given")
	}
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, fmt.Errorf("path %q: %w", pattern, err)
	}
	if scheme, rest, ok := strings.Cut(pattern, "://"); ok && scheme != "file" {
		rest, query := cutQuery(rest)
		fixed, wild := splitPattern(rest)
		store, err := Open(ctx, scheme+"://"+fixed+query)
		if err != nil {
			return nil, err
		}
		return matching{store, scheme + "://" + fixed + "/", wild}, nil
	}
	return tree{base, Spelling(pattern)}, nil
}

// Spelling is a pattern as the names of its files are spelled; Match takes it.
func Spelling(pattern string) string {
	scheme, rest, ok := strings.Cut(pattern, "://")
	switch {
	case ok && scheme == "file":
		return path.Clean(rest)
	case ok:
		rest, _ := cutQuery(rest)
		return scheme + "://" + rest
	}
	return path.Clean(filepath.ToSlash(pattern))
}

// cutQuery cuts the query off a URL. "?" is a wildcard too, so only what looks
// like a query is one.
func cutQuery(rest string) (withoutQuery, query string) {
	if i := strings.LastIndexByte(rest, '?'); i >= 0 && strings.Contains(rest[i:], "=") {
		return rest[:i], rest[i:]
	}
	return rest, ""
}

// splitPattern cuts a pattern before its first part with a wildcard, or before its last part.
func splitPattern(pattern string) (fixed, wild string) {
	parts := strings.Split(pattern, "/")
	n := 0
	for n < len(parts)-1 && !strings.ContainsAny(parts[n], `*?[\`) {
		n++
	}
	return strings.Join(parts[:n], "/"), strings.Join(parts[n:], "/")
}

// matching is what a pattern takes of a bucket.
type matching struct {
	Store
	prefix  string // of names, with a slash at its end
	pattern string
}

func (m matching) List(ctx context.Context) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		for f, err := range m.Store.List(ctx) {
			if err == nil {
				if ok, _ := Match(m.pattern, f.Name); !ok {
					continue
				}
				f.Name = m.prefix + f.Name
			}
			if !yield(f, err) {
				return
			}
		}
	}
}

func (m matching) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	return m.Store.Open(ctx, strings.TrimPrefix(name, m.prefix), offset)
}

func (m matching) Location(name string) string {
	return m.Store.Location(strings.TrimPrefix(name, m.prefix))
}

// tree is what a pattern takes of the local file system.
type tree struct{ base, pattern string }

func (t tree) List(ctx context.Context) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		start := ""
		parts := strings.Split(t.pattern, "/")
		if parts[0] == "" {
			start, parts = "/", parts[1:]
		}
		seen := map[string]bool{} // two ** may reach a file on several ways
		t.walk(ctx, start, parts, func(f File, err error) bool {
			if seen[f.Name] {
				return true
			}
			seen[f.Name] = true
			return yield(f, err)
		})
	}
}

// walk yields what parts match below folder and reports whether the caller wants more.
func (t tree) walk(ctx context.Context, folder string, parts []string, yield func(File, error) bool) bool {
	if err := ctx.Err(); err != nil {
		yield(File{}, err)
		return false
	}
	part, rest := parts[0], parts[1:]
	if !strings.ContainsAny(part, `*?[\`) {
		return t.step(ctx, path.Join(folder, part), rest, yield)
	}
	entries, err := os.ReadDir(t.Location(folder))
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		yield(File{}, fmt.Errorf("list %s: %w", t.Location(folder), err))
		return false
	}
	if part == "**" && len(rest) > 0 && !t.walk(ctx, folder, rest, yield) {
		return false
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		more := true
		switch ok, _ := path.Match(part, e.Name()); {
		case part == "**" && e.IsDir():
			more = t.walk(ctx, name, parts, yield)
		case part == "**" && len(rest) == 0, part != "**" && ok:
			more = t.step(ctx, name, rest, yield)
		}
		if !more {
			return false
		}
	}
	return true
}

// step goes on at a name that was matched.
func (t tree) step(ctx context.Context, name string, rest []string, yield func(File, error) bool) bool {
	if len(rest) > 0 {
		return t.walk(ctx, name, rest, yield)
	}
	info, err := os.Stat(t.Location(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true
	case err != nil:
		yield(File{}, err)
		return false
	case !info.Mode().IsRegular():
		return true
	}
	return yield(File{name, info.Size(), info.ModTime()}, nil)
}

func (t tree) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	return openFile(ctx, t.Location(name), offset)
}

func (t tree) Location(name string) string {
	if path.IsAbs(name) || filepath.IsAbs(name) {
		return filepath.FromSlash(name)
	}
	return filepath.Join(t.base, filepath.FromSlash(name))
}

func (t tree) Close() error { return nil }
