// Package files reads anybody's CSV, JSON Lines and Parquet files into the
// contracts that a mapping names: the way in for dumps of a product database and
// for systems without an extractor of their own.
//
// A file is read once. A text file that has only grown is read on from where it
// ended; any other change makes it a new version that is read whole, as dumps
// are; staging keeps the newest version of each key. A record that does not fit
// is a dead letter; a file that cannot be read to its end, or that lacks a column
// which the mapping names, ends the table with an error, and nothing of it is landed.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/internal/blob"
	"github.com/ripen-data/ripen/internal/filerun"
	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// Config says what to read.
type Config struct {
	Dir      string // folder where relative paths start
	Mappings []Mapping
	Clock    func() time.Time // nil: time.Now
	Workers  int              // decoding at the same time; 0: filerun.DefaultWorkers
}

// Extractor reads the tables that its mappings fill.
type Extractor struct {
	config   Config
	mappings []mapping
	tables   []schemas.Table
}

// New checks the mappings. Nothing is opened yet.
func New(config Config) (*Extractor, error) {
	if len(config.Mappings) == 0 {
		return nil, hint.New("files source: no mappings", "list the files below files:, each with its path and its table")
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	e := &Extractor{config: config}
	for i, m := range config.Mappings {
		checked, err := check(m)
		if err != nil {
			return nil, fmt.Errorf("files source: mapping %d: %w", i+1, err)
		}
		e.mappings = append(e.mappings, checked)
		if !slices.ContainsFunc(e.tables, func(t schemas.Table) bool { return t.ID() == m.Table }) {
			e.tables = append(e.tables, checked.table)
		}
	}
	return e, nil
}

// Tables returns the contracts in the order in which the mappings name them.
func (e *Extractor) Tables() []schemas.Table { return slices.Clone(e.tables) }

// Extract yields the records of the files that are new or changed.
func (e *Extractor) Extract(ctx context.Context, table schemas.Table, after landing.Cursor) iter.Seq2[extractors.Batch, error] {
	return func(yield func(extractors.Batch, error) bool) {
		store, err := e.open(ctx, table)
		if err != nil {
			yield(extractors.Batch{}, err)
			return
		}
		defer store.Close()
		job := e.job(table, store)
		for b, err := range filerun.Run(ctx, job, string(after)) {
			batch := extractors.Batch{Rows: b.Record, Rejects: b.Rejects, Extra: b.Extra, Cursor: landing.Cursor(b.Cursor), Bytes: b.Bytes}
			if !yield(batch, err) {
				return
			}
		}
	}
}

// of are the mappings of a table.
func (e *Extractor) of(table schemas.Table) []mapping {
	return slices.DeleteFunc(slices.Clone(e.mappings), func(m mapping) bool { return m.Table != table.ID() })
}

func (e *Extractor) job(table schemas.Table, store blob.Store) filerun.Job {
	mappings := e.of(table)
	job := filerun.Job{Store: store, Workers: e.config.Workers, Clock: e.config.Clock}
	options := jsonrows.Options{Clock: e.config.Clock}
	if plain, ok := e.plainJSON(mappings); ok {
		plain.table.Drift = table.Drift
		table, options.Preset, options.Known, options.Zone = plain.table, plain.preset, plain.known, mappings[0].zone
		job.Reader = func(f blob.File) filerun.Reader { return filerun.Lines{} }
	} else {
		job.Reader = func(f blob.File) filerun.Reader { return e.reader(table, f) }
	}
	job.NewDecoder = func() *jsonrows.Decoder { return jsonrows.New(table, options) }
	var paths []string
	for _, m := range mappings {
		paths = append(paths, m.Path)
	}
	job.None = hint.New("no file matches "+strings.Join(paths, " or "), "check the path; a relative one starts at %s", e.config.Dir)
	return job
}

// reader is how a file is read for a table.
func (e *Extractor) reader(table schemas.Table, f blob.File) filerun.Reader {
	var mine []mapping
	known := map[string]bool{}
	for _, m := range e.mappings {
		if !m.takes(f.Name) {
			continue
		}
		if m.Table == table.ID() {
			mine = append(mine, m)
		}
		m.know(known)
	}
	if len(mine) == 0 {
		return nil
	}
	source := mapped{mappings: mine, known: known, name: f.Name}
	switch format := mine[0].format(f.Name); format {
	case CSV:
		return csvReader{source}
	case JSONL:
		return newJSONReader(source)
	case Parquet:
		return parquetReader{source}
	}
	return refusing{hint.New("the file's name does not tell its format", "set format to csv, jsonl or parquet")}
}

// know adds the fields that the mapping knows.
func (m mapping) know(known map[string]bool) {
	for _, c := range m.table.Columns {
		spec, ok := m.Columns[c.Name]
		if !ok {
			known[c.Name] = true
			for _, field := range c.Fields {
				known[field] = true
			}
		}
		for _, field := range spec.fields() {
			known[field] = true
		}
	}
	for field := range m.Where {
		known[field] = true
	}
	for _, field := range m.Ignore {
		known[field] = true
	}
}

// mapped is a file with what is to be made of its records.
type mapped struct {
	mappings []mapping
	known    map[string]bool
	name     string
}

// compile makes the row maps of the file's mappings.
func (m mapped) compile(index fieldIndex) ([]rowMap, error) {
	var rows []rowMap
	for _, one := range m.mappings {
		r, err := compile(one, index)
		if err != nil {
			return nil, fmt.Errorf("mapping to %s: %w", one.Table, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// refusing is the reader of a file that cannot be read at all.
type refusing struct{ err error }

func (r refusing) Read(context.Context, *filerun.Input) iter.Seq2[filerun.Piece, error] {
	return func(yield func(filerun.Piece, error) bool) { yield(filerun.Piece{}, r.err) }
}

// union is the files of several patterns as one store. A file that two of them
// spell alike is listed once.
type union struct {
	stores []blob.Store
	owner  map[string]blob.Store // by name of a listed file
}

func (e *Extractor) open(ctx context.Context, table schemas.Table) (*union, error) {
	u := &union{owner: map[string]blob.Store{}}
	opened := map[string]bool{}
	for _, m := range e.of(table) {
		if opened[m.spelling] {
			continue
		}
		opened[m.spelling] = true
		store, err := blob.OpenPattern(ctx, e.config.Dir, m.Path)
		if err != nil {
			return nil, errors.Join(err, u.Close())
		}
		u.stores = append(u.stores, store)
	}
	return u, nil
}

func (u *union) List(ctx context.Context) iter.Seq2[blob.File, error] {
	return func(yield func(blob.File, error) bool) {
		for _, store := range u.stores {
			for f, err := range store.List(ctx) {
				if err == nil && u.owner[f.Name] != nil {
					continue
				}
				u.owner[f.Name] = store
				if !yield(f, err) {
					return
				}
			}
		}
	}
}

func (u *union) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	return u.owner[name].Open(ctx, name, offset)
}

func (u *union) Location(name string) string { return u.owner[name].Location(name) }

func (u *union) Close() error {
	var errs []error
	for _, store := range u.stores {
		errs = append(errs, store.Close())
	}
	return errors.Join(errs...)
}
