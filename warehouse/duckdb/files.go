package duckdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"runtime"
	"strings"

	"github.com/sourcegraph/conc/pool"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/warehouse"
)

// file is a landed file and where it lies on this machine.
type file struct {
	landing.File
	path string
}

// runFiles pairs the files of a manifest with their addresses.
func runFiles(what string, files []landing.File, uris []string) ([]file, error) {
	if len(files) != len(uris) {
		return nil, fmt.Errorf("the run has %d %s files and %d addresses", len(files), what, len(uris))
	}
	paired := make([]file, len(files))
	for i, f := range files {
		path, err := localPath(uris[i])
		if err != nil {
			return nil, err
		}
		paired[i] = file{f, path}
	}
	return paired, nil
}

func localPath(uri string) (string, error) {
	scheme, _, found := strings.Cut(uri, "://")
	switch {
	case !found:
		return uri, nil
	case scheme == "file":
		u, err := url.Parse(uri)
		if err != nil {
			return "", fmt.Errorf("file address: %w", err)
		}
		return u.Path, nil
	default:
		return "", hint.Wrap(fmt.Errorf("file %s is not on this machine", uri),
			"DuckDB loads from a local landing folder; a landing zone in a bucket goes with BigQuery")
	}
}

// globEscaper keeps read_parquet from taking a path for a pattern.
var globEscaper = strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]")

// pathList is the SQL list of the paths.
func pathList(files []file) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, f := range files {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text(globEscaper.Replace(f.path)))
	}
	b.WriteByte(']')
	return b.String()
}

// checkSizes finds files that are gone or cut short, before anything is read.
func checkSizes(files []file) error {
	for _, f := range files {
		info, err := os.Stat(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return hint.Wrap(fmt.Errorf("landed file is missing: %s", f.path),
				"restore it, or extract the table again with `ripen backfill`")
		case err != nil:
			return fmt.Errorf("landed file: %w", err)
		case info.Size() != f.Bytes:
			return changed(f, fmt.Sprintf("it has %d bytes, its manifest says %d", info.Size(), f.Bytes))
		}
	}
	return nil
}

// check is a running comparison of files with the checksums of their manifests.
type check struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

func startCheck(ctx context.Context, files []file) *check {
	ctx, cancel := context.WithCancel(ctx)
	c := &check{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.err = checkContents(ctx, files)
	}()
	return c
}

// wait returns nil when every file was read and is as it was landed.
func (c *check) wait() error {
	<-c.done
	return c.err
}

// stop ends the check; no file is open any more afterwards.
func (c *check) stop() {
	c.cancel()
	<-c.done
}

func checkContents(ctx context.Context, files []file) error {
	p := pool.New().WithContext(ctx).WithCancelOnError().WithFirstError().WithMaxGoroutines(runtime.GOMAXPROCS(0))
	for _, f := range files {
		p.Go(func(ctx context.Context) error { return checkContent(ctx, f) })
	}
	return p.Wait()
}

func checkContent(ctx context.Context, f file) error {
	in, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("landed file: %w", err)
	}
	defer in.Close()
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, &contextReader{ctx, in}, make([]byte, 256<<10)); err != nil {
		return fmt.Errorf("landed file %s: %w", f.path, err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != f.SHA256 {
		return changed(f, fmt.Sprintf("its SHA-256 is %s, its manifest says %s", got, f.SHA256))
	}
	return nil
}

type contextReader struct {
	ctx context.Context
	in  io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.in.Read(p)
}

func changed(f file, how string) error {
	return hint.Wrap(fmt.Errorf("landed file %s was changed: %s", f.path, how),
		"landed files are immutable: restore it, or extract the table again with `ripen backfill`")
}

// aligned reports whether the files fill whole row groups of DuckDB, but for the
// last one.
func aligned(files []file) bool {
	for i, f := range files {
		if i < len(files)-1 && f.Rows%landing.RowGroupRows != 0 {
			return false
		}
	}
	return true
}

// loadRun is a run with its files found.
type loadRun struct {
	warehouse.Run
	files, rejects []file
}

func openRuns(id string, runs []warehouse.Run) ([]loadRun, error) {
	opened := make([]loadRun, len(runs))
	for i, run := range runs {
		if run.Manifest.Table != id {
			return nil, fmt.Errorf("the run is one of table %s", run.Manifest.Table)
		}
		if run.LoadID == "" {
			return nil, fmt.Errorf("run %d of %s has no load id", run.Manifest.Sequence, run.Manifest.Source)
		}
		files, err := runFiles("data", run.Manifest.Files, run.Files)
		if err != nil {
			return nil, err
		}
		rejects, err := runFiles("reject", run.Manifest.Rejects, run.Rejects)
		if err != nil {
			return nil, err
		}
		opened[i] = loadRun{run, files, rejects}
	}
	return opened, nil
}
