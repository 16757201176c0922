package landing

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
)

const (
	batchShare = 16      // a run encodes its batches once they fill 1/16 of the memory
	groupShare = 4       // and closes a row group that held 1/4 of the memory before encoding
	idleBytes  = 4 << 20 // what a run may hold although the memory of the zone is used up
	fileBytes  = 1 << 30 // a file that has grown to this ends with its row group
)

// landed is a finished data file and what an independent reader must find in it.
type landed struct {
	File
	shape shape
}

// writer streams the records of one run, or its dead letters, into data files.
// Small batches are collected until a row group is full.
type writer struct {
	zone   *Zone
	ctx    context.Context
	key    Key    // of the manifest to come
	run    string // start and random part of the file names
	kind   string // "" or "rejects-"
	schema *arrow.Schema

	dictionary   []bool // chosen from the first records
	pending      []arrow.Record
	pendingRows  int64
	pendingBytes int64
	file         *openFile // nil between files
	files        []landed
	names        []string // every file that was ever begun
	rows         int64    // given to write
	mark         int64    // rows up to the last checkpoint
	charged      int64    // bytes accounted with the zone
}

type openFile struct {
	upload     *upload
	parquet    *parquetFile
	rows       int64 // encoded into the file
	groupRows  int64 // encoded into the open row group
	groupBytes int64 // of them before encoding
}

// write takes a record that fits the schema. It is kept until it is encoded.
func (w *writer) write(record arrow.Record) error {
	for from := int64(0); from < record.NumRows(); {
		room := w.room()
		to := min(record.NumRows(), from+room)
		piece := record.NewSlice(from, to)
		w.pending = append(w.pending, piece)
		w.pendingRows += piece.NumRows()
		w.pendingBytes += recordBytes(piece)
		w.rows += piece.NumRows()
		var err error
		switch {
		case piece.NumRows() == room:
			err = w.closeGroup()
		case w.pendingBytes >= w.zone.options.MemoryBytes/batchShare:
			err = w.encode()
		}
		if err != nil {
			return err
		}
		from = to
	}
	if w.charge() > idleBytes && w.zone.buffered.Load() > w.zone.options.MemoryBytes {
		return w.closeGroup()
	}
	return nil
}

// room is the number of rows that the open row group still takes, at least 1.
func (w *writer) room() int64 {
	limit, used := min(RowGroupRows, w.zone.options.MaxFileRows), int64(0)
	if w.file != nil {
		limit = min(RowGroupRows, w.zone.options.MaxFileRows-(w.file.rows-w.file.groupRows))
		used = w.file.groupRows
	}
	return limit - used - w.pendingRows
}

// charge tells the zone how much this writer holds, and returns it.
func (w *writer) charge() int64 {
	held := w.pendingBytes
	if w.file != nil {
		held += w.file.parquet.buffered()
	}
	w.zone.buffered.Add(held - w.charged)
	w.charged = held
	return held
}

// encode moves the pending records into the open row group.
func (w *writer) encode() error {
	if w.pendingRows == 0 {
		return nil
	}
	if w.dictionary == nil {
		w.dictionary = chooseDictionaries(w.pending)
	}
	if w.file == nil {
		if err := w.beginFile(); err != nil {
			return err
		}
	}
	f := w.file
	if err := f.parquet.write(w.pending); err != nil {
		return fmt.Errorf("%s: %w", f.upload.name, err)
	}
	f.rows += w.pendingRows
	f.groupRows += w.pendingRows
	f.groupBytes += w.pendingBytes
	w.dropPending()
	if f.groupBytes >= w.zone.options.MemoryBytes/groupShare {
		return w.closeGroup()
	}
	return nil
}

// closeGroup writes what is held, and the file's end if it is full.
func (w *writer) closeGroup() error {
	if err := w.encode(); err != nil {
		return err
	}
	f := w.file
	if f == nil {
		return nil
	}
	if err := f.parquet.closeGroup(); err != nil {
		return fmt.Errorf("%s: %w", f.upload.name, err)
	}
	f.groupRows, f.groupBytes = 0, 0
	if f.rows >= w.zone.options.MaxFileRows || f.upload.out.bytes >= fileBytes {
		return w.closeFile()
	}
	w.charge()
	return nil
}

func (w *writer) beginFile() error {
	name := fileName(w.key, w.run, w.kind, len(w.names)+1)
	w.names = append(w.names, name)
	up, err := beginUpload(w.ctx, w.zone.bucket, name)
	if err != nil {
		return err
	}
	file, err := newParquetFile(up.out, w.zone.zstd, w.schema, w.dictionary)
	if err != nil {
		return fmt.Errorf("%s: %w", name, errors.Join(err, up.finish(errAborted)))
	}
	w.file = &openFile{upload: up, parquet: file}
	return nil
}

func (w *writer) closeFile() error {
	f := w.file
	w.file = nil
	shape, err := f.parquet.close()
	if err := f.upload.finish(err); err != nil {
		return fmt.Errorf("%s: %w", f.upload.name, err)
	}
	w.files = append(w.files, landed{
		File{Name: f.upload.name, Rows: f.rows, Bytes: f.upload.out.bytes, SHA256: f.upload.out.sum()}, shape,
	})
	w.charge()
	return nil
}

// finish encodes the pending rows and ends the open file.
func (w *writer) finish() error {
	if err := w.encode(); err != nil {
		return err
	}
	if w.file == nil {
		return nil
	}
	return w.closeFile()
}

// checkpoint marks everything written so far as complete.
func (w *writer) checkpoint() { w.mark = w.rows }

func (w *writer) dropPending() {
	for _, record := range w.pending {
		record.Release()
	}
	w.pending, w.pendingRows, w.pendingBytes = w.pending[:0], 0, 0
	w.charge()
}

// abort removes every file of the writer. Names that no run can commit are
// removed as well as those whose Create failed: it may have failed late.
func (w *writer) abort(ctx context.Context) error {
	w.dropPending()
	if w.file != nil {
		// Create answers with errAborted, which is what was asked for.
		_ = w.file.upload.finish(errAborted)
		w.file = nil
		w.charge()
	}
	var errs []error
	for _, name := range w.names {
		errs = append(errs, w.zone.bucket.Delete(ctx, name))
	}
	w.files, w.names = nil, nil
	return errors.Join(errs...)
}

func (w *writer) manifestFiles() []File {
	files := make([]File, len(w.files))
	for i, f := range w.files {
		files[i] = f.File
	}
	return files
}
