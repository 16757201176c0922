package landing

import (
	"bytes"
	"io"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/xitongsys/parquet-go/reader"
	"github.com/xitongsys/parquet-go/source"
)

// checkRowsIndependently reads every value of the files with the second
// implementation and compares it with rows first, first+1, …
func checkRowsIndependently(t *testing.T, z *Zone, files []File, first int64) {
	t.Helper()
	for _, f := range files {
		object, err := z.bucket.Open(t.Context(), f.Name)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(object)
		if err != nil {
			t.Fatal(err)
		}
		object.Close()
		columns, err := reader.NewParquetColumnReader(contentFile{content, memoryFile{bytes.NewReader(content)}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := testRecord(t, allTypes(), first, f.Rows)
		for i := range int(want.NumCols()) {
			values, _, _, err := columns.ReadColumnByIndex(int64(i), f.Rows)
			if err != nil {
				t.Fatalf("%s: column %s: %v", f.Name, want.ColumnName(i), err)
			}
			if int64(len(values)) != f.Rows {
				t.Fatalf("%s: column %s has %d values, want %d", f.Name, want.ColumnName(i), len(values), f.Rows)
			}
			for row, got := range values {
				if w := plainValue(t, want.Column(i), row); got != w {
					t.Fatalf("%s: column %s, row %d: %#v, want %#v", f.Name, want.ColumnName(i), row, got, w)
				}
			}
		}
		columns.ReadStop()
		want.Release()
		first += f.Rows
	}
}

// plainValue is a value as the second implementation hands it out.
func plainValue(t *testing.T, values arrow.Array, row int) any {
	t.Helper()
	if values.IsNull(row) {
		return nil
	}
	switch values := values.(type) {
	case *array.String:
		return values.Value(row)
	case *array.Int64:
		return values.Value(row)
	case *array.Float64:
		return values.Value(row)
	case *array.Boolean:
		return values.Value(row)
	case *array.Date32:
		return int32(values.Value(row))
	case *array.Timestamp:
		return int64(values.Value(row))
	case *array.Decimal128:
		// Parquet wants 16 bytes, the highest first.
		v, text := values.Value(row), make([]byte, 16)
		for i := range 8 {
			text[i] = byte(uint64(v.HighBits()) >> (56 - 8*i))
			text[8+i] = byte(v.LowBits() >> (56 - 8*i))
		}
		return string(text)
	}
	t.Fatalf("no plain value of %s", values.DataType())
	return nil
}

// contentFile lets the column reader open the same bytes once per column.
type contentFile struct {
	content []byte
	memoryFile
}

func (f contentFile) Open(string) (source.ParquetFile, error) {
	return contentFile{f.content, memoryFile{bytes.NewReader(f.content)}}, nil
}
