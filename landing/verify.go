package landing

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/xitongsys/parquet-go/parquet"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"
)

// tailBytes is the length of the footer's size and the closing magic.
const tailBytes = 4 + len(magic)

// verify compares an object with what was written, before a manifest names it:
// its size and checksum byte for byte, and its footer through a second, independent
// implementation of Parquet. It returns an error that names the file.
func verify(ctx context.Context, bucket Bucket, name string, want shape) error {
	object, err := bucket.Open(ctx, name)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	err = verifyBytes(ctx, object, want)
	if err == nil {
		err = verifyMetadata(object, object.Size(), want)
	}
	if err := errors.Join(err, object.Close()); err != nil {
		return fmt.Errorf("verify %s: what was landed is not what was written: %w", name, err)
	}
	return nil
}

func verifyMetadata(file io.ReaderAt, size int64, want shape) error {
	footer, start, err := readFooter(file, size)
	if err != nil {
		return err
	}
	return verifyFooter(footer, start, want)
}

func verifyBytes(ctx context.Context, object Object, want shape) error {
	if object.Size() != want.bytes {
		return fmt.Errorf("%d bytes written, %d found", want.bytes, object.Size())
	}
	sum := crc32.New(castagnoli)
	n, err := io.CopyBuffer(sum, contextReader{ctx, object}, make([]byte, 256<<10))
	switch {
	case err != nil:
		return err
	case n != want.bytes:
		return fmt.Errorf("%d bytes written, %d read", want.bytes, n)
	case sum.Sum32() != want.crc:
		return fmt.Errorf("checksum %08x written, %08x found", want.crc, sum.Sum32())
	}
	return nil
}

type contextReader struct {
	ctx context.Context
	io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// readFooter reads the metadata of a Parquet file and tells where it starts. The second implementation
// looks neither at the magic nor at the bounds of the footer, and panics on some
// damaged ones, so all three are seen to here.
func readFooter(file io.ReaderAt, size int64) (footer *parquet.FileMetaData, start int64, err error) {
	head, tail := make([]byte, len(magic)), make([]byte, tailBytes)
	if size < int64(len(head)+len(tail)) {
		return nil, 0, fmt.Errorf("%d bytes are no Parquet file", size)
	}
	if _, err := file.ReadAt(head, 0); err != nil {
		return nil, 0, err
	}
	if _, err := file.ReadAt(tail, size-int64(tailBytes)); err != nil && err != io.EOF {
		return nil, 0, err
	}
	if string(head) != magic || string(tail[4:]) != magic {
		return nil, 0, fmt.Errorf("no Parquet file: it begins with %q and ends with %q", head, tail[4:])
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	if length > size-int64(len(magic)+tailBytes) {
		return nil, 0, fmt.Errorf("a footer of %d bytes does not fit a file of %d", length, size)
	}
	text := make([]byte, length+int64(tailBytes))
	if _, err := file.ReadAt(text, size-int64(len(text))); err != nil && err != io.EOF {
		return nil, 0, err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("footer: %v", r)
		}
	}()
	independent := reader.ParquetReader{PFile: memoryFile{bytes.NewReader(text)}}
	if err := independent.ReadFooter(); err != nil {
		return nil, 0, fmt.Errorf("footer: %w", err)
	}
	return independent.Footer, size - int64(len(text)), nil
}

// memoryFile is the end of a file as the second implementation wants to see it.
type memoryFile struct{ *bytes.Reader }

var errReadOnly = errors.New("file is only read")

func (memoryFile) Write([]byte) (int, error)                 { return 0, errReadOnly }
func (memoryFile) Close() error                              { return nil }
func (memoryFile) Open(string) (source.ParquetFile, error)   { return nil, errReadOnly }
func (memoryFile) Create(string) (source.ParquetFile, error) { return nil, errReadOnly }
