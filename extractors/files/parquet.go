package files

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/big"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/file"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/apache/arrow/go/v15/parquet/schema"

	"github.com/ripen-data/ripen/internal/filerun"
	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/jsonrows"
)

// parquetReader reads Parquet files. The library panics on some damaged files,
// so everything it does is done under recover.
type parquetReader struct{ mapped }

const parquetBatchRows = 8192

// Read implements filerun.Reader.
func (p parquetReader) Read(ctx context.Context, in *filerun.Input) iter.Seq2[filerun.Piece, error] {
	return func(yield func(filerun.Piece, error) bool) {
		in.Open = filerun.CannotGrow
		err := p.split(ctx, in, func(piece filerun.Piece) bool { return yield(piece, nil) })
		if err != nil && !errors.Is(err, errStopped) {
			yield(filerun.Piece{}, err)
		}
	}
}

func (p parquetReader) split(ctx context.Context, in *filerun.Input, emit func(filerun.Piece) bool) error {
	// The format is read from its end, which a bucket's stream does not allow, and
	// the file must not change while it is read.
	copied, err := os.CreateTemp("", "ripen-*.parquet")
	if err != nil {
		return fmt.Errorf("copy the file: %w", err)
	}
	defer func() {
		_ = copied.Close()
		_ = os.Remove(copied.Name())
	}()
	size, err := io.Copy(copied, in.Bytes)
	if err != nil {
		return err
	}
	if size == 0 {
		return nil
	}
	var records pqarrow.RecordReader
	var local []bool
	promised := int64(0)
	if err := guarded(func() error {
		reader, err := file.NewParquetReader(copied)
		if err != nil {
			return err
		}
		rows, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{BatchSize: parquetBatchRows}, memory.DefaultAllocator)
		if err != nil {
			return err
		}
		promised, local = reader.NumRows(), localTimes(reader.MetaData().Schema.Root())
		records, err = rows.GetRecordReader(ctx, nil, nil)
		return err
	}); err != nil {
		return damaged(err)
	}
	defer records.Release()
	var names header
	for _, field := range records.Schema().Fields() {
		names = append(names, field.Name)
	}
	rows, err := p.compile(names)
	if err != nil {
		return err
	}
	for {
		var record arrow.Record
		if err := guarded(func() error {
			if records.Next() {
				record = records.Record()
				record.Retain()
				return nil
			}
			return records.Err()
		}); err != nil && err != io.EOF {
			return damaged(err)
		}
		if record == nil {
			break
		}
		piece := parquetPiece{names: names, rows: rows, unknown: names.unknown(p.known), local: local, location: in.Location, record: record, first: in.Lines + 1}
		in.Lines += record.NumRows()
		if !emit(filerun.Piece{Bytes: int(record.NumRows()*record.NumCols()) * 16, Decode: piece.decode}) {
			return errStopped
		}
	}
	// The library takes a page that it cannot read for the end of its column.
	if in.Lines != promised {
		return damaged(fmt.Errorf("its footer promises %d rows, and %d can be read", promised, in.Lines))
	}
	return nil
}

// localTimes says of each field whether it is a timestamp without a zone. The
// Arrow type does not tell: the library calls every timestamp UTC.
func localTimes(root *schema.GroupNode) []bool {
	local := make([]bool, root.NumFields())
	for i := range local {
		t, ok := root.Field(i).LogicalType().(*schema.TimestampLogicalType)
		local[i] = ok && !t.IsAdjustedToUTC()
	}
	return local
}

// guarded turns a panic into an error.
func guarded(step func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the reader broke down: %v", r)
		}
	}()
	return step()
}

func damaged(err error) error {
	return hint.Wrap(fmt.Errorf("not a whole Parquet file: %w", err),
		"copy the file again; nothing of it was landed, and the next run reads it whole")
}

// parquetPiece is a batch that a worker turns into texts and maps.
type parquetPiece struct {
	names    header
	rows     []rowMap
	unknown  []int
	local    []bool
	location string
	record   arrow.Record
	first    int64 // number of its first record
}

func (p parquetPiece) decode(d *jsonrows.Decoder) {
	defer p.record.Release()
	fields := make([]string, len(p.names))
	var texts []string
	taken := int64(0)
	for i := range int(p.record.NumRows()) {
		for c, column := range p.record.Columns() {
			fields[c] = cellText(column, i, p.local[c])
		}
		row := jsonrows.TextRow{
			Extra:   extraFor(d, p.names, fields, p.unknown),
			Payload: func() []byte { return p.names.extra(fields, p.names.unknown(nil)) },
		}
		for _, r := range p.rows {
			if r.takes(fields) {
				texts = r.append(d, fields, texts, row, p.location, p.first+int64(i))
				taken++
			}
		}
	}
	countUnknown(d, p.names, p.unknown, taken, p.location, p.first)
}

// cellText is a value as text that loses nothing; NULL is empty.
func cellText(column arrow.Array, i int, local bool) string {
	if column.IsNull(i) {
		return ""
	}
	switch column := column.(type) {
	case *array.String:
		return column.Value(i)
	case *array.LargeString:
		return column.Value(i)
	case *array.Binary:
		return binaryText(column.Value(i))
	case *array.LargeBinary:
		return binaryText(column.Value(i))
	case *array.FixedSizeBinary:
		return binaryText(column.Value(i))
	case *array.Int64:
		return strconv.FormatInt(column.Value(i), 10)
	case *array.Float64:
		return strconv.FormatFloat(column.Value(i), 'g', -1, 64)
	case *array.Float32:
		return strconv.FormatFloat(float64(column.Value(i)), 'g', -1, 32)
	case *array.Decimal128:
		return decimalText(column.Value(i).BigInt(), column.DataType().(*arrow.Decimal128Type).Scale)
	case *array.Decimal256:
		return decimalText(column.Value(i).BigInt(), column.DataType().(*arrow.Decimal256Type).Scale)
	case *array.Timestamp:
		return timestampText(column, i, local)
	case *array.Date32:
		return column.Value(i).ToTime().Format(time.DateOnly)
	case *array.Date64:
		return column.Value(i).ToTime().Format(time.DateOnly)
	case *array.List, *array.LargeList, *array.FixedSizeList, *array.Struct, *array.Map:
		text, err := json.Marshal(column.GetOneForMarshal(i))
		if err != nil {
			return column.ValueStr(i)
		}
		return string(text)
	}
	return column.ValueStr(i)
}

// decimalText is unscaled / 10^scale. The library's own text goes through a
// binary fraction and is off in the last digits.
func decimalText(unscaled *big.Int, scale int32) string {
	if scale <= 0 {
		return unscaled.String() + strings.Repeat("0", int(-scale))
	}
	text, sign := new(big.Int).Abs(unscaled).String(), ""
	if unscaled.Sign() < 0 {
		sign = "-"
	}
	if missing := int(scale) + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	point := len(text) - int(scale)
	return sign + text[:point] + "." + text[point:]
}

// timestampText has no zone where the file says none, so that the mapping's zone counts.
func timestampText(column *array.Timestamp, i int, local bool) string {
	layout := "2006-01-02T15:04:05.999999999"
	if !local {
		layout += "Z"
	}
	return column.Value(i).ToTime(column.DataType().(*arrow.TimestampType).Unit).UTC().Format(layout)
}

// binaryText is text where the bytes are text, as writers without a string type
// leave it, and hexadecimal otherwise.
func binaryText(value []byte) string {
	if utf8.Valid(value) && !bytes.ContainsRune(value, 0) {
		return string(value)
	}
	return fmt.Sprintf("%x", value)
}
