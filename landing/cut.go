package landing

import (
	"context"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// cut drops the rows after the last checkpoint: pending rows in memory, whole
// files by removing them, and the file in which the checkpoint lies by reading
// its first rows back into a new one.
func (w *writer) cut(ctx context.Context) error {
	encoded := w.rows - w.pendingRows
	if w.mark >= encoded {
		w.keepPending(w.mark - encoded)
		return nil
	}
	w.dropPending()
	if err := w.finish(); err != nil {
		return err
	}
	files := w.files
	w.files, w.rows = nil, 0
	for _, f := range files {
		switch keep := min(w.mark-w.rows, f.Rows); keep {
		case f.Rows:
			w.files = append(w.files, f)
			w.rows += f.Rows
		default:
			if err := w.copyRows(ctx, f, keep); err != nil {
				return fmt.Errorf("keep %d of %d rows of %s: %w", keep, f.Rows, f.Name, err)
			}
			if err := w.zone.bucket.Delete(ctx, f.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepPending drops all but the first rows of what is pending.
func (w *writer) keepPending(rows int64) {
	records := w.pending
	w.pending, w.rows, w.pendingRows, w.pendingBytes = nil, w.rows-w.pendingRows, 0, 0
	for _, record := range records {
		if keep := min(rows-w.pendingRows, record.NumRows()); keep > 0 {
			piece := record.NewSlice(0, keep)
			w.pending = append(w.pending, piece)
			w.pendingRows += keep
			w.pendingBytes += recordBytes(piece)
		}
		record.Release()
	}
	w.rows += w.pendingRows
	w.charge()
}

// copyRows writes the first rows of a finished file once more.
func (w *writer) copyRows(ctx context.Context, from landed, rows int64) error {
	if rows <= 0 {
		return nil
	}
	if err := verify(ctx, w.zone.bucket, from.Name, from.shape); err != nil {
		return err
	}
	object, err := w.zone.bucket.Open(ctx, from.Name)
	if err != nil {
		return err
	}
	defer object.Close()
	err = guard(func() error {
		return readRecords(ctx, object, w.schema, func(record arrow.Record) (bool, error) {
			piece := record.NewSlice(0, min(rows, record.NumRows()))
			defer piece.Release()
			rows -= piece.NumRows()
			return rows > 0, w.write(piece)
		})
	})
	if err == nil && rows > 0 {
		err = fmt.Errorf("it ended %d rows early", rows)
	}
	return err
}

// readRecords reads a Parquet file of the given schema in batches until take
// wants no more. A panic of the library on a damaged file is the caller's to guard.
func readRecords(ctx context.Context, object Object, schema *arrow.Schema, take func(arrow.Record) (bool, error)) error {
	source, err := file.NewParquetReader(io.NewSectionReader(object, 0, object.Size()))
	if err != nil {
		return err
	}
	defer source.Close()
	reader, err := pqarrow.NewFileReader(source, pqarrow.ArrowReadProperties{BatchSize: encodeRows}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	records, err := reader.GetRecordReader(ctx, nil, nil)
	if err != nil {
		return err
	}
	defer records.Release()
	for more := true; more && records.Next(); {
		read := records.Record()
		// The reader adds field metadata of its own; only names and types matter.
		record := array.NewRecord(schema, read.Columns(), read.NumRows())
		err := checkRecord(schema, record)
		if err == nil {
			more, err = take(record)
		}
		record.Release()
		if err != nil {
			return err
		}
	}
	if err := records.Err(); err != nil && err != io.EOF {
		return err
	}
	return nil
}
