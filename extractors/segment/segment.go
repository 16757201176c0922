// Package segment reads calls of the Segment spec from JSON Lines files, as
// Segment's own copies to S3 and GCS, its replays and most event collectors
// write them: plain or gzip, in a folder or a bucket.
//
// Files are read in the order of their names, each one once; see package
// filerun for files that grow, change or come late. Deliveries that repeat a
// message id are landed as they come: staging keeps one of them.
package segment

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/internal/blob"
	"github.com/ripen-data/ripen/internal/filerun"
	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// Config says where the files lie.
type Config struct {
	Location string           // folder, or URL: file:///folder, s3://bucket/prefix, gs://bucket/prefix
	Pattern  string           // names to read, e.g. **/*.gz; empty: every name ending in .json, .jsonl, .ndjson, also with .gz
	Clock    func() time.Time // nil: time.Now
	Workers  int              // decoding at the same time; 0: filerun.DefaultWorkers
}

// defaultPatterns are the names that an empty Config.Pattern takes.
var defaultPatterns = []string{"**/*.json", "**/*.jsonl", "**/*.ndjson", "**/*.json.gz", "**/*.jsonl.gz", "**/*.ndjson.gz"}

// Extractor reads segment.events.
type Extractor struct {
	config   Config
	patterns []string
	table    schemas.Table
}

// New checks the configuration. Nothing is opened yet.
func New(config Config) (*Extractor, error) {
	if config.Location == "" {
		return nil, hint.New("segment source: no location", "set path to the folder, or to a URL such as s3://bucket/prefix?region=eu-west-1")
	}
	patterns := defaultPatterns
	if config.Pattern != "" {
		if _, err := blob.Match(config.Pattern, ""); err != nil {
			return nil, fmt.Errorf("segment source: pattern %q: %w", config.Pattern, err)
		}
		patterns = []string{config.Pattern}
	}
	if config.Clock == nil {
		config.Clock = time.Now
	}
	table, ok := schemas.Contract("segment.events")
	if !ok {
		return nil, fmt.Errorf("no contract segment.events")
	}
	return &Extractor{config, patterns, table}, nil
}

// Tables returns segment.events.
func (e *Extractor) Tables() []schemas.Table { return []schemas.Table{e.table} }

// Extract yields the calls of the files that are new behind the cursor.
func (e *Extractor) Extract(ctx context.Context, table schemas.Table, after landing.Cursor) iter.Seq2[extractors.Batch, error] {
	return func(yield func(extractors.Batch, error) bool) {
		store, err := blob.Open(ctx, e.config.Location)
		if err != nil {
			yield(extractors.Batch{}, err)
			return
		}
		defer store.Close()
		job := filerun.Job{Store: store, Reader: e.reader, Workers: e.config.Workers, Clock: e.config.Clock}
		job.NewDecoder = func() *jsonrows.Decoder {
			// A call without receivedAt arrived when it happened, as far as anybody knows.
			return jsonrows.New(table, jsonrows.Options{Clock: e.config.Clock, NotAhead: []string{"timestamp"}})
		}
		for b, err := range filerun.Run(ctx, job, string(after)) {
			batch := extractors.Batch{Rows: b.Record, Rejects: b.Rejects, Extra: b.Extra, Cursor: landing.Cursor(b.Cursor), Bytes: b.Bytes}
			if !yield(batch, err) {
				return
			}
		}
	}
}

func (e *Extractor) reader(f blob.File) filerun.Reader {
	for _, pattern := range e.patterns {
		if ok, _ := blob.Match(pattern, f.Name); ok {
			return filerun.Lines{}
		}
	}
	return nil
}
