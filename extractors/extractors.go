// Package extractors reads source systems and yields Arrow record batches that
// fit a contract. One folder per vendor; Run carries the batches of every table
// of a source into the landing zone.
//
// A batch may carry a cursor: then everything up to and including that batch
// can be committed, and the next run resumes behind it. Rows after the last
// cursor are never committed: when a table ends in an error, the next run reads
// them again. So a record is landed once, whatever breaks where.
package extractors

import (
	"context"
	"iter"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/ripen-data/ripen/landing"
	"github.com/ripen-data/ripen/schemas"
)

// Extractor reads one configured source.
type Extractor interface {
	// Tables returns the contracts this source fills, in a stable order.
	Tables() []schemas.Table
	// Extract yields the records of table changed after the cursor. The first
	// non-nil error ends the sequence; batches before it stay valid.
	Extract(ctx context.Context, table schemas.Table, after landing.Cursor) iter.Seq2[Batch, error]
}

// Batch is a piece of one table. The receiver releases Rows.
type Batch struct {
	Rows    arrow.Record     // columns of the contract, then schemas.ExtraColumn; nil when the batch only moves the cursor or rejects
	Rejects []landing.Reject // records of this piece that did not fit
	Extra   map[string]int64 // how often each field came that the contract does not know
	Cursor  landing.Cursor   // where to resume once all rows so far are committed; empty: not here
	Bytes   int64            // bytes read at the source for this piece, for progress
}
