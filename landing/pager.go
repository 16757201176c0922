package landing

import (
	"bytes"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/klauspost/compress/zstd"
)

// chunkBuffer collects the pages of one column chunk, so that the columns of a
// row group can be encoded in parallel and written one after the other.
type chunkBuffer struct{ bytes []byte }

// chunkBase is where a chunk seems to begin while it is encoded. It must not be
// zero: the library takes a dictionary page at offset zero for a missing one.
const chunkBase = 4

func (b *chunkBuffer) Write(p []byte) (int, error) {
	b.bytes = append(b.bytes, p...)
	return len(p), nil
}

// Tell is the offset of the next byte.
func (b *chunkBuffer) Tell() int64 { return chunkBase + int64(len(b.bytes)) }

// pager is the library's page writer with two changes: pages are compressed by
// the zone's encoder, and what is written goes to a chunkBuffer.
type pager struct {
	file.PageWriter
	zstd    *zstd.Encoder
	buffer  chunkBuffer
	scratch []byte
}

func newPager(encoder *zstd.Encoder, meta *metadata.ColumnChunkMetaDataBuilder, group, column int16) (*pager, error) {
	p := &pager{zstd: encoder}
	inner, err := file.NewPageWriter(&p.buffer, compress.Codecs.Zstd, zstdLevel, meta, group, column, memory.DefaultAllocator, false, nil, nil)
	p.PageWriter = inner
	return p, err
}

// begin makes the pager ready for another chunk.
func (p *pager) begin(meta *metadata.ColumnChunkMetaDataBuilder, group, column int16) error {
	p.buffer.bytes = p.buffer.bytes[:0]
	return p.PageWriter.Reset(&p.buffer, compress.Codecs.Zstd, zstdLevel, meta, group, column, nil, nil)
}

// Compress returns src compressed; the result is valid until the next call.
func (p *pager) Compress(_ *bytes.Buffer, src []byte) []byte {
	p.scratch = p.zstd.EncodeAll(src, p.scratch[:0])
	return p.scratch
}

// Close finishes the chunk's metadata. The copy of it that the library writes
// behind the pages is left out: no reader wants it, and without it the chunks
// tile the file, which verify checks.
func (p *pager) Close(hasDictionary, fallback bool) error {
	n := len(p.buffer.bytes)
	if err := p.PageWriter.Close(hasDictionary, fallback); err != nil {
		return fmt.Errorf("column metadata: %w", err)
	}
	p.buffer.bytes = p.buffer.bytes[:n]
	return nil
}
