package files

import (
	"bytes"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"
)

// parquetFile is a file of 3,000 rows in several row groups, with the types that dumps have.
func parquetFile(t *testing.T) string {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		// The writer marks a timestamp as local when it has another zone than UTC.
		{Name: "local", Type: &arrow.TimestampType{Unit: arrow.Millisecond, TimeZone: "America/New_York"}, Nullable: true},
		{Name: "instant", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}},
		{Name: "day", Type: arrow.FixedWidthTypes.Date32},
		{Name: "name", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "amount", Type: &arrow.Decimal128Type{Precision: 12, Scale: 2}},
		{Name: "ok", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "seconds", Type: arrow.PrimitiveTypes.Float64},
		{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String)},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	instant := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	for i := range 3_000 {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		if i%2 == 0 {
			b.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(instant.UnixMilli()))
			b.Field(4).(*array.StringBuilder).Append("n")
		} else {
			b.Field(1).AppendNull()
			b.Field(4).AppendNull()
		}
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(instant.UnixMicro()))
		b.Field(3).(*array.Date32Builder).Append(arrow.Date32FromTime(instant))
		b.Field(5).(*array.Decimal128Builder).Append(decimal128.FromI64(int64(i) + 5))
		b.Field(6).(*array.BooleanBuilder).Append(i%3 == 0)
		b.Field(7).(*array.Float64Builder).Append(float64(i) / 8)
		tags := b.Field(8).(*array.ListBuilder)
		tags.Append(true)
		tags.ValueBuilder().(*array.StringBuilder).Append("x")
	}
	record := b.NewRecord()
	defer record.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	for from := int64(0); from < record.NumRows(); from += 1000 {
		part := record.NewSlice(from, min(from+1000, record.NumRows()))
		if err := w.Write(part); err != nil {
			t.Fatal(err)
		}
		part.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const parquetMapping = `
- path: "*.parquet"
  table: product.events
  zone: America/New_York
  columns:
    event_id: id
    event_at: instant
    received_at: local
    event_name: {value: usage}
    user_id: name
    session_id: day
    duration_seconds: seconds
    page_path: amount
    properties: tags
  where: {ok: true}
`

func TestExtract_MapsParquet(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.parquet", parquetFile(t))
	write(t, dir, "empty.parquet", "")
	g := extract(t, newExtractor(t, dir, parquetMapping), "product.events", "")
	if g.err != nil || len(g.rejects) > 0 || len(g.rows) != 1000 || g.landed != 1000 {
		t.Fatalf("%d rows, %d landed, rejects %v, error %v", len(g.rows), g.landed, g.rejects, g.err)
	}
	want := map[string]string{
		"event_id": "3", "event_at": "2026-03-01 12:00:00.123456Z", "event_name": "usage",
		"session_id": "2026-03-01", "duration_seconds": "0.375", "page_path": "0.08", "properties": `["x"]`,
	}
	if diff := cmp.Diff(want, g.rows[1]); diff != "" {
		t.Errorf("row of id 3 (-want +got):\n%s", diff)
	}
	// Wall clock of New York in winter: five hours behind UTC.
	if first := g.rows[0]; first["event_id"] != "0" || first["user_id"] != "n" || first["received_at"] != "2026-03-01 17:00:00.123Z" {
		t.Errorf("first row: %v", first)
	}
	if again := extract(t, newExtractor(t, dir, parquetMapping), "product.events", g.cursor); again.batches > 0 || again.err != nil {
		t.Errorf("a run with nothing new: %+v", again)
	}
}

func TestExtract_StopsAtHalfParquetAndKeepsFilesBefore(t *testing.T) {
	whole := parquetFile(t)
	for name, broken := range map[string]string{
		"first half":      whole[:len(whole)/2],
		"second half":     whole[len(whole)/2:],
		"hole":            whole[:1000] + strings.Repeat("\x00", len(whole)/3) + whole[1000+len(whole)/3:],
		"footer damaged":  whole[:len(whole)-200] + strings.Repeat("\xff", 100) + whole[len(whole)-100:],
		"only its footer": whole[len(whole)-8:],
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a.parquet", whole)
			write(t, dir, "b.parquet", broken)
			write(t, dir, "c.parquet", whole)
			e := newExtractor(t, dir, parquetMapping)
			g := extract(t, e, "product.events", "")
			if g.err == nil || !strings.Contains(g.err.Error(), filepath.Join(dir, "b.parquet")) {
				t.Errorf("the error is %v", g.err)
			}
			if g.landed != 1000 {
				t.Errorf("%d rows may be committed, not the first file's", g.landed)
			}
			write(t, dir, "b.parquet", whole)
			if next := extract(t, e, "product.events", g.cursor); next.err != nil || next.landed != 2*1000 {
				t.Errorf("after the repair %d rows landed, error %v", next.landed, next.err)
			}
		})
	}
}

func TestDecimalText_IsExact(t *testing.T) {
	for _, test := range []struct {
		unscaled string
		scale    int32
		want     string
	}{
		{"8", 2, "0.08"}, {"-8", 2, "-0.08"}, {"1234", 2, "12.34"}, {"0", 3, "0.000"}, {"5", 0, "5"}, {"-5", -2, "-500"},
		{"99999999999999999999999999999999999999", 9, "99999999999999999999999999999.999999999"},
	} {
		n, _ := new(big.Int).SetString(test.unscaled, 10)
		if got := decimalText(n, test.scale); got != test.want {
			t.Errorf("%s with scale %d is %s, want %s", test.unscaled, test.scale, got, test.want)
		}
	}
}
