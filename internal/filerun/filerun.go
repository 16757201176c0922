// Package filerun reads the files of a store for one table: what is new since a
// cursor, in the order of names, with decoding spread over several workers.
//
// A file is read once. One that has only grown since (its former bytes are still
// there, as a hash proves) is read from where it ended; one that was replaced is
// read again from its start, so its records come as new versions. A file that
// cannot be read to its end ends the table with an error; the cursor before it
// covers the files before it, and nothing of the file itself.
package filerun

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sourcegraph/conc/panics"
	"github.com/sourcegraph/conc/stream"

	"github.com/ripen-data/ripen/internal/blob"
	"github.com/ripen-data/ripen/internal/jsonrows"
)

// Sizes of what is decoded together. A group closes at the end of a file once it
// is worth a batch, and anywhere once it is full.
const (
	groupBytes    = 3 << 19
	minGroupBytes = 128 << 10
	maxGroupFiles = 1000
)

// DefaultWorkers is how many groups are decoded at the same time.
const DefaultWorkers = 2

// Job is what to read.
type Job struct {
	Store blob.Store
	// Reader returns how to read a file; nil: the file is none of this table's.
	Reader     func(blob.File) Reader
	NewDecoder func() *jsonrows.Decoder // one per worker
	Workers    int                      // 0: DefaultWorkers
	Clock      func() time.Time         // nil: time.Now
	// None is the error when no file of the store is the table's; nil: that is no error.
	None error
}

// Batch is a piece of the table.
type Batch struct {
	jsonrows.Rows
	Cursor string // where to resume behind it; empty: not here
	Bytes  int64  // read from files, before decompression
}

// Reader splits one file.
type Reader interface {
	// Read yields the file's pieces in order. When it ends without an error, it has
	// taken everything from in.Bytes and has set in.Lines and in.Open.
	Read(ctx context.Context, in *Input) iter.Seq2[Piece, error]
}

// Piece is some records of a file, still to be decoded.
type Piece struct {
	Bytes  int                     // memory it holds
	Decode func(*jsonrows.Decoder) // called once, from any goroutine
}

// group is what one worker decodes into one batch.
type group struct {
	pieces []Piece
	names  map[string]string // of its files, by location
	read   int64             // Batch.Bytes
	cursor string
}

// Run yields what is new behind the cursor. The first error ends it.
func Run(ctx context.Context, job Job, after string) iter.Seq2[Batch, error] {
	if job.Workers == 0 {
		job.Workers = DefaultWorkers
	}
	if job.Clock == nil {
		job.Clock = time.Now
	}
	return func(yield func(Batch, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		type result struct {
			batch Batch
			err   error
		}
		results := make(chan result)
		var catcher panics.Catcher
		send := func(r result) {
			// Once something was held back, nothing behind it may come: its cursor
			// would cover what is missing.
			if ctx.Err() != nil {
				release(r.batch)
				return
			}
			select {
			case results <- r:
			case <-ctx.Done():
				release(r.batch)
			}
		}
		go func() {
			defer close(results)
			catcher.Try(func() {
				workers := stream.New().WithMaxGoroutines(job.Workers)
				defer workers.Wait()
				decoders := sync.Pool{New: func() any { return job.NewDecoder() }}
				err := split(ctx, job, after, func(g group) {
					workers.Go(func() stream.Callback {
						decoder := decoders.Get().(*jsonrows.Decoder)
						batch, err := decode(g, decoder)
						if err == nil {
							decoders.Put(decoder)
						}
						return func() { send(result{batch, err}) }
					})
				})
				if err != nil {
					workers.Go(func() stream.Callback { return func() { send(result{err: err}) } })
				}
			})
		}()
		// Whoever stops early waits for the workers, so that nothing reads on behind its back.
		defer func() {
			cancel()
			for r := range results {
				release(r.batch)
			}
			catcher.Repanic()
		}()
		for r := range results {
			if !yield(r.batch, r.err) || r.err != nil {
				return
			}
		}
		if err := context.Cause(ctx); err != nil {
			yield(Batch{}, err)
		}
	}
}

func release(b Batch) {
	if b.Record != nil {
		b.Record.Release()
	}
}

func decode(g group, decoder *jsonrows.Decoder) (Batch, error) {
	for _, piece := range g.pieces {
		piece.Decode(decoder)
	}
	rows, err := decoder.Flush()
	// A dead letter is the same one wherever the store lies, so it has the name of
	// its file within the store. Errors have the address that people look at.
	for i := range rows.Rejects {
		rows.Rejects[i].Location = g.names[rows.Rejects[i].Location]
	}
	return Batch{rows, g.cursor, g.read}, err
}

// split reads the files that are new and hands their pieces over in groups.
func split(ctx context.Context, job Job, after string, emit func(group)) error {
	state, err := parseState(after)
	if err != nil {
		return err
	}
	var listing []blob.File
	for f, err := range job.Store.List(ctx) {
		if err != nil {
			return err
		}
		if job.Reader(f) != nil {
			listing = append(listing, f)
		}
	}
	if len(listing) == 0 && job.None != nil {
		return job.None
	}
	slices.SortFunc(listing, func(a, b blob.File) int { return strings.Compare(a.Name, b.Name) })
	pass, err := newPass(state, listing, job.Clock())
	if err != nil || len(pass.todo) == 0 {
		return err
	}
	s := splitter{job: job, pass: pass, emit: emit}
	for i, f := range pass.todo {
		if err := s.file(ctx, f); err != nil {
			s.fileFails()
			return err
		}
		last := i == len(pass.todo)-1
		if last {
			pass.finish(listing)
		}
		s.fileEnds(last)
	}
	return nil
}
