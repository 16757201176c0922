package landing

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/ripen-data/ripen/schemas"
)

// allTypes is a contract with every type that can be landed, required and not.
func allTypes() schemas.Table {
	t := schemas.Table{Dataset: "test", Name: "rows", Description: "One row per row.", Key: []string{"id"}, Drift: schemas.Evolve}
	for _, c := range []struct {
		name     string
		kind     schemas.Kind
		required bool
	}{
		{"id", schemas.Int64, true}, {"name", schemas.String, true}, {"text", schemas.String, false}, {"document", schemas.JSON, false},
		{"number", schemas.Int64, false}, {"ratio", schemas.Float64, false}, {"flag", schemas.Bool, false},
		{"amount", schemas.Numeric, false}, {"day", schemas.Date, false}, {"at", schemas.Timestamp, false},
		{"seen_at", schemas.Timestamp, true}, {"total", schemas.Numeric, true}, {"on", schemas.Bool, true},
		{"born", schemas.Date, true}, {"share", schemas.Float64, true}, {"with space.and dot", schemas.String, false},
	} {
		t.Columns = append(t.Columns, schemas.Column{Name: c.name, Type: schemas.Type{Kind: c.kind}, Required: c.required, Description: "x"})
	}
	return t
}

var someTexts = []string{"", " ", "a", "ä", "日本語", "🙂🙃", "line\nbreak", "quo\"te", "null", "\x00nul", "e\u0301", "free", "pro"}

// testRecord holds rows first, first+1, …; the same row is always the same.
// texts gives the distinct values of the text column, 0 for unique ones.
func testRecord(t testing.TB, table schemas.Table, first, rows int64) arrow.Record {
	t.Helper()
	builder := array.NewRecordBuilder(memory.DefaultAllocator, table.ArrowSchema())
	defer builder.Release()
	for row := first; row < first+rows; row++ {
		random := rand.New(rand.NewPCG(uint64(row), 7))
		for i, field := range table.ArrowSchema().Fields() {
			column := builder.Field(i)
			if field.Name == "id" {
				column.(*array.Int64Builder).Append(row)
				continue
			}
			if field.Nullable && random.IntN(3) == 0 {
				column.AppendNull()
				continue
			}
			switch b := column.(type) {
			case *array.StringBuilder:
				if field.Name == "document" {
					b.Append(fmt.Sprintf(`{"row":%d,"x":%d}`, row, random.Uint64()))
				} else {
					b.Append(someTexts[random.IntN(len(someTexts))])
				}
			case *array.Int64Builder:
				b.Append(int64(random.Uint64()) >> random.IntN(64))
			case *array.Float64Builder:
				b.Append(random.NormFloat64() * 1e6)
			case *array.BooleanBuilder:
				b.Append(random.IntN(2) == 0)
			case *array.Date32Builder:
				b.Append(arrow.Date32(random.IntN(60000) - 20000))
			case *array.TimestampBuilder:
				b.Append(arrow.Timestamp(random.Int64N(4e15) - 1e15))
			case *array.Decimal128Builder:
				v := decimal128.FromI64(int64(random.Uint64()) >> random.IntN(64))
				if random.IntN(4) == 0 {
					v = v.Mul(decimal128.FromI64(1_000_000_000))
				}
				b.Append(v)
			default:
				t.Fatalf("no test values for %s", field.Type)
			}
		}
	}
	return builder.NewRecord()
}

var testTime = time.Date(2026, 3, 4, 5, 6, 7, 123456000, time.UTC)

func testClock() time.Time { return testTime }

func newDir(t testing.TB) *Dir {
	t.Helper()
	dir, err := NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// land runs one whole run of rows first … first+rows-1 in batches of the given size.
func land(t testing.TB, z *Zone, first, rows, batch int64, cursor Cursor) (Manifest, bool, error) {
	t.Helper()
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		return Manifest{}, false, err
	}
	defer run.Abort(context.Background())
	for n := int64(0); n < rows; n += batch {
		record := testRecord(t, allTypes(), first+n, min(batch, rows-n))
		err := run.Write(record)
		record.Release()
		if err != nil {
			return Manifest{}, false, err
		}
	}
	run.Checkpoint(cursor)
	return run.Commit(t.Context())
}

// readBack returns the records of a manifest's files through arrow.
func readBack(t testing.TB, z *Zone, files []File, schema *arrow.Schema) []arrow.Record {
	t.Helper()
	var records []arrow.Record
	for _, f := range files {
		object, err := z.bucket.Open(t.Context(), f.Name)
		if err != nil {
			t.Fatal(err)
		}
		rows := int64(0)
		err = readRecords(t.Context(), object, schema, func(record arrow.Record) (bool, error) {
			record.Retain()
			records = append(records, record)
			rows += record.NumRows()
			return true, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if rows != f.Rows {
			t.Fatalf("%s: %d rows in the manifest, %d read", f.Name, f.Rows, rows)
		}
		if err := object.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return records
}

// checkRows fails unless the records are rows first … first+rows-1.
func checkRows(t testing.TB, records []arrow.Record, first, rows int64) {
	t.Helper()
	next := first
	for _, record := range records {
		want := testRecord(t, allTypes(), next, record.NumRows())
		if !array.RecordEqual(want, record) {
			for i := range int(want.NumCols()) {
				if !array.Equal(want.Column(i), record.Column(i)) {
					t.Fatalf("rows from %d: column %s\nwant %v\ngot  %v", next, want.ColumnName(i), want.Column(i), record.Column(i))
				}
			}
		}
		next += record.NumRows()
		want.Release()
	}
	if next != first+rows {
		t.Fatalf("read %d rows, want %d", next-first, rows)
	}
}
