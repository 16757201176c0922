package landing

import (
	"encoding/binary"
	"fmt"
	"sort"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/metadata"
)

// encodeRows is how many rows are handed to the library at once: they are
// gathered without their NULLs in scratch memory, which should stay small.
const encodeRows = 8192

// column encodes one column of a file, chunk after chunk.
type column struct {
	index  int
	field  arrow.Field
	props  *parquet.WriterProperties
	pager  *pager
	meta   *metadata.ColumnChunkMetaDataBuilder
	writer file.ColumnChunkWriter
	nulls  int64 // in the open chunk
	rows   int64 // in the open chunk

	levels  []int16
	texts   []parquet.ByteArray
	int64s  []int64
	int32s  []int32
	floats  []float64
	bools   []bool
	numbers []parquet.FixedLenByteArray
}

// write encodes values; they belong to the open chunk. The library's statistics
// refer to their memory until the chunk is finished.
func (c *column) write(values arrow.Array) error {
	for from := 0; from < values.Len(); from += encodeRows {
		if err := c.writeRows(values, from, min(from+encodeRows, values.Len())); err != nil {
			return fmt.Errorf("column %s: %w", c.field.Name, err)
		}
	}
	c.nulls += int64(values.NullN())
	c.rows += int64(values.Len())
	return nil
}

// writeRows gives the library definition levels and the values that are not
// NULL. Its way in for arrays with NULLs drops errors; this one reports them.
func (c *column) writeRows(values arrow.Array, from, to int) (err error) {
	levels := c.definitionLevels(values, from, to)
	n := int64(0)
	switch w := c.writer.(type) {
	case *file.ByteArrayColumnChunkWriter:
		c.texts = c.texts[:0]
		text := values.(*array.String)
		for row := from; row < to; row++ {
			if text.IsValid(row) {
				c.texts = append(c.texts, parquet.ByteArray(bytesOf(text.Value(row))))
			}
		}
		n, err = w.WriteBatch(c.texts, levels, nil)
	case *file.Int64ColumnChunkWriter:
		switch values := values.(type) {
		case *array.Int64:
			c.int64s = gather(c.int64s, values, values.Int64Values(), from, to)
		case *array.Timestamp:
			c.int64s = gather(c.int64s, values, arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(values.TimestampValues())), from, to)
		}
		n, err = w.WriteBatch(c.int64s, levels, nil)
	case *file.Int32ColumnChunkWriter:
		days := values.(*array.Date32)
		c.int32s = gather(c.int32s, days, arrow.Int32Traits.CastFromBytes(arrow.Date32Traits.CastToBytes(days.Date32Values())), from, to)
		n, err = w.WriteBatch(c.int32s, levels, nil)
	case *file.Float64ColumnChunkWriter:
		c.floats = gather(c.floats, values, values.(*array.Float64).Float64Values(), from, to)
		n, err = w.WriteBatch(c.floats, levels, nil)
	case *file.BooleanColumnChunkWriter:
		c.bools = c.bools[:0]
		for row := from; row < to; row++ {
			if values.IsValid(row) {
				c.bools = append(c.bools, values.(*array.Boolean).Value(row))
			}
		}
		n, err = w.WriteBatch(c.bools, levels, nil)
	case *file.FixedLenByteArrayColumnChunkWriter:
		c.numbers = bigEndian(c.numbers[:0], values.(*array.Decimal128), from, to)
		n, err = w.WriteBatch(c.numbers, levels, nil)
	default:
		return fmt.Errorf("type %s cannot be landed", values.DataType())
	}
	if given := int64(to - from - nullCount(levels)); err == nil && n != given {
		err = fmt.Errorf("%d values given, %d encoded", given, n)
	}
	return err
}

// definitionLevels is 1 per value and 0 per NULL; nil for a required column.
func (c *column) definitionLevels(values arrow.Array, from, to int) []int16 {
	if !c.field.Nullable {
		return nil
	}
	c.levels = c.levels[:0]
	for row := from; row < to; row++ {
		level := int16(0)
		if values.IsValid(row) {
			level = 1
		}
		c.levels = append(c.levels, level)
	}
	return c.levels
}

func nullCount(levels []int16) (n int) {
	for _, level := range levels {
		n += 1 - int(level)
	}
	return n
}

// gather returns the values of rows from … to-1 that are not NULL, in scratch memory.
func gather[T any](scratch []T, column arrow.Array, all []T, from, to int) []T {
	scratch = scratch[:0]
	if column.NullN() == 0 {
		return append(scratch, all[from:to]...)
	}
	for row := from; row < to; row++ {
		if column.IsValid(row) {
			scratch = append(scratch, all[row])
		}
	}
	return scratch
}

// bigEndian appends decimals in Parquet's byte order. The bytes are not reused,
// because statistics keep the smallest and the largest of them.
func bigEndian(out []parquet.FixedLenByteArray, decimals *array.Decimal128, from, to int) []parquet.FixedLenByteArray {
	text := make([]byte, 0, 16*(to-from))
	for row := from; row < to; row++ {
		if decimals.IsNull(row) {
			continue
		}
		v := decimals.Value(row)
		text = binary.BigEndian.AppendUint64(text, uint64(v.HighBits()))
		text = binary.BigEndian.AppendUint64(text, v.LowBits())
		out = append(out, text[len(text)-16:])
	}
	return out
}

// bytesOf is the memory of a text; nothing writes to it.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

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
