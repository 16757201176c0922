// Package landing is the hand-off between extractors and the warehouse:
// immutable Parquet files in a bucket and, per run of a table, one manifest.
//
// The manifest is the commit and the resume state in one atomic write: files
// that no manifest names do not exist, and the cursor of the newest manifest of
// a table is where its next extraction starts. Manifests of one table are
// numbered 1, 2, 3 … and created only if absent, so two writers cannot both
// commit the same step: the second gets ErrConflict and nothing is doubled.
//
// Layout, with <source> the name in ripen.yaml and <table> a contract ID:
//
//	<source>/<table>/manifests/000001.json
//	<source>/<table>/data/000001-<start of the run>-<random>-0001.parquet
//	<source>/<table>/data/000001-<start of the run>-<random>-rejects-0001.parquet
//
// A data file starts with the number of the only manifest that can ever name
// it. So once that manifest exists, a file which it does not name is dead, and
// Zone.Sweep needs no lock to tell a dead file from a living writer's.
//
// What happens on failure: a run that cannot write, or whose files do not read
// back as what was written, commits nothing and removes its files. A run that is
// killed leaves files that no manifest names. In both cases the next run resumes
// at the cursor of the newest manifest, so nothing is lost and nothing doubled.
package landing

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/ripen-data/ripen/schemas"
)

// ErrConflict is returned by Run.Commit when another writer committed first.
var ErrConflict = errors.New("another run committed this table first")

// ErrExists is returned by Bucket.Create for a name that is taken.
var ErrExists = errors.New("object exists")

// Bucket is where landed files live.
type Bucket interface {
	// Create writes a new object, durably and all or nothing: it is visible only
	// after write returned nil. A taken name is ErrExists, and the object stays as it was.
	Create(ctx context.Context, name string, write func(io.Writer) error) error
	// Open reads an object; a missing one is fs.ErrNotExist.
	Open(ctx context.Context, name string) (Object, error)
	// List yields the names below prefix in lexical order.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Delete removes an object; a missing one is no error.
	Delete(ctx context.Context, name string) error
	// URI is the address under which a warehouse reads the object.
	URI(name string) string
}

// Object is an open object of a Bucket.
type Object interface {
	io.Reader
	io.ReaderAt
	io.Closer
	Size() int64
}

// Cursor is where the next extraction of a table resumes. Its text belongs to
// the extractor that wrote it; the empty cursor is the beginning.
type Cursor string

// Reject is one record that did not fit its contract: a dead letter.
type Reject = schemas.Reject

// MaxPayload bounds the bytes of a record that a dead letter keeps.
const MaxPayload = schemas.MaxPayload

// Reason classifies a Reject.
type Reason = schemas.Reason

// Reasons.
const (
	Malformed       = schemas.Malformed
	WrongType       = schemas.WrongType
	MissingRequired = schemas.MissingRequired
	FutureTime      = schemas.FutureTime
)

// File is one data file of a run.
type File struct {
	Name   string `json:"name"` // in the bucket
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Manifest commits one run of one table.
type Manifest struct {
	Source      string           `json:"source"` // name in ripen.yaml
	Table       string           `json:"table"`  // contract ID
	Sequence    int64            `json:"sequence"`
	SchemaHash  string           `json:"schema_hash"`
	CommittedAt time.Time        `json:"committed_at"`
	Before      Cursor           `json:"cursor_before"`
	After       Cursor           `json:"cursor_after"`
	Files       []File           `json:"files"`
	Rejects     []File           `json:"rejects"` // contract ripen.dead_letters
	Extra       map[string]int64 `json:"extra"`   // fields the contract does not know, with how often they came
}

// Rows is the number of rows in the run's data files.
func (m Manifest) Rows() int64 { return sum(m.Files, func(f File) int64 { return f.Rows }) }

// Bytes is the size of the run's data files.
func (m Manifest) Bytes() int64 { return sum(m.Files, func(f File) int64 { return f.Bytes }) }

// RejectedRows is the number of dead letters of the run.
func (m Manifest) RejectedRows() int64 { return sum(m.Rejects, func(f File) int64 { return f.Rows }) }

func sum(files []File, of func(File) int64) (n int64) {
	for _, f := range files {
		n += of(f)
	}
	return n
}
