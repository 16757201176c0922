package landing

import (
	"context"
	"fmt"
	"sort"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
)

// encodeRows is how many rows are handed to the library at once: it makes a
// slice header per text, which should stay small.
const encodeRows = 8192

// column encodes one column of a file, chunk after chunk.
type column struct {
	index  int
	field  arrow.Field
	props  *parquet.WriterProperties
	ctx    context.Context // carries the library's scratch buffers
	pager  *pager
	meta   *metadata.ColumnChunkMetaDataBuilder
	writer file.ColumnChunkWriter
	levels []int16
	nulls  int64 // in the open chunk
	rows   int64 // in the open chunk
}

func newColumn(index int, field arrow.Field, props *parquet.WriterProperties) *column {
	arrowProps := pqarrow.NewArrowWriterProperties(pqarrow.WithAllocator(Allocator{}))
	return &column{
		index: index, field: field, props: props,
		ctx: pqarrow.NewArrowWriteContext(context.Background(), &arrowProps),
	}
}

// write encodes values; they belong to the open chunk.
func (c *column) write(values arrow.Array) error {
	for from := int64(0); from < int64(values.Len()); from += encodeRows {
		piece := array.NewSlice(values, from, min(from+encodeRows, int64(values.Len())))
		err := pqarrow.WriteArrowToColumn(c.ctx, c.writer, piece, c.definitionLevels(piece), nil, c.field.Nullable)
		piece.Release()
		if err != nil {
			return fmt.Errorf("column %s: %w", c.field.Name, err)
		}
	}
	c.nulls += int64(values.NullN())
	c.rows += int64(values.Len())
	return nil
}

// definitionLevels is 1 per value and 0 per NULL; nil for a required column.
func (c *column) definitionLevels(values arrow.Array) []int16 {
	if !c.field.Nullable {
		return nil
	}
	if c.levels == nil {
		c.levels = make([]int16, encodeRows)
	}
	levels := c.levels[:values.Len()]
	if values.NullN() == 0 {
		for i := range levels {
			levels[i] = 1
		}
		return levels
	}
	for i := range levels {
		levels[i] = 0
		if values.IsValid(i) {
			levels[i] = 1
		}
	}
	return levels
}

// finish encodes the last page and the dictionary of the chunk. The writer drops
// some of its errors, so what it took is counted against what it was given.
func (c *column) finish() error {
	if got := int64(c.writer.RowsWritten()); got != c.rows {
		return fmt.Errorf("column %s: %d rows given, %d encoded", c.field.Name, c.rows, got)
	}
	if err := c.writer.Close(); err != nil {
		return fmt.Errorf("column %s: %w", c.field.Name, err)
	}
	return nil
}

// place moves the finished chunk to its offset in the file and returns its size
// before compression.
func (c *column) place(offset int64) (uncompressed int64) {
	chunk := c.meta.Contents()
	shift := offset - chunkBase
	chunk.MetaData.DataPageOffset += shift
	if chunk.MetaData.DictionaryPageOffset != nil {
		*chunk.MetaData.DictionaryPageOffset += shift
	}
	chunk.FileOffset = 0 // there is no metadata outside the footer
	// The library collects them in a map; equal input must give equal bytes.
	stats := chunk.MetaData.EncodingStats
	sort.Slice(stats, func(i, j int) bool {
		if stats[i].PageType != stats[j].PageType {
			return stats[i].PageType < stats[j].PageType
		}
		return stats[i].Encoding < stats[j].Encoding
	})
	return chunk.MetaData.TotalUncompressedSize
}
