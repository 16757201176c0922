package landing

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/ripen-data/ripen/schemas"
)

// eventBatches are product events as segment lands them: unique ids, skewed
// users, few names, free-form properties.
func eventBatches(b *testing.B, rows, batch int) (schemas.Table, []arrow.Record) {
	b.Helper()
	table := schemas.Table{Dataset: "bench", Name: "events"}
	for _, name := range []string{"event_id", "anonymous_id", "user_id", "account_id", "name", "url", "path", "properties"} {
		table.Columns = append(table.Columns, schemas.Column{Name: name, Type: schemas.Type{Kind: schemas.String}, Required: name == "event_id"})
	}
	for _, name := range []string{"sent_at", "received_at"} {
		table.Columns = append(table.Columns, schemas.Column{Name: name, Type: schemas.Type{Kind: schemas.Timestamp}})
	}
	random := rand.New(rand.NewPCG(1, 1))
	users := rand.NewZipf(random, 1.2, 8, 200_000)
	hexID := func(n uint64) string {
		return hex.EncodeToString(fmt.Appendf(nil, "%08x", n*2654435761))
	}
	var batches []arrow.Record
	for made := 0; made < rows; made += batch {
		builder := array.NewRecordBuilder(memory.DefaultAllocator, table.ArrowSchema())
		text := func(i int, s string) { builder.Field(i).(*array.StringBuilder).Append(s) }
		for i := range batch {
			user := users.Uint64()
			text(0, fmt.Sprintf("%016x-%016x", random.Uint64(), random.Uint64()))
			text(1, hexID(user))
			if user%4 == 0 {
				builder.Field(2).AppendNull()
				builder.Field(3).AppendNull()
			} else {
				text(2, fmt.Sprintf("user_%d", user))
				text(3, fmt.Sprintf("account_%d", user/7))
			}
			event := random.IntN(40)
			text(4, fmt.Sprintf("Event Number %d", event))
			text(5, fmt.Sprintf("https://app.example.com/projects/%d/boards?tab=%d", user%5000, event))
			text(6, fmt.Sprintf("/projects/%d/boards", user%5000))
			text(7, fmt.Sprintf(`{"plan":"pro","items":%d,"duration_ms":%d,"variant":"%c","session":"%08x"}`,
				random.IntN(50), random.IntN(100_000), 'a'+rune(event%3), random.Uint32()))
			at := arrow.Timestamp(1_770_000_000_000_000 + int64(made+i)*137_000)
			builder.Field(8).(*array.TimestampBuilder).Append(at)
			builder.Field(9).(*array.TimestampBuilder).Append(at + arrow.Timestamp(random.Int64N(5_000_000)))
			builder.Field(10).AppendNull()
		}
		batches = append(batches, builder.NewRecord())
		builder.Release()
	}
	return table, batches
}

// BenchmarkRun_Write compares a whole run, with checksums and verification, with
// the library's own writer on the same rows, which checks nothing.
func BenchmarkRun_Write(b *testing.B) {
	const rows = 2 * RowGroupRows
	for _, batch := range []int{RowGroupRows, 4096} {
		table, batches := eventBatches(b, rows, batch)
		for name, write := range map[string]func(b *testing.B, table schemas.Table, batches []arrow.Record){
			"Run": writeRun, "StockWriter": writeStock,
		} {
			if name == "StockWriter" && batch != RowGroupRows {
				continue // it would make a row group of every batch
			}
			b.Run(fmt.Sprintf("%s/Batch%d", name, batch), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					write(b, table, batches)
				}
				b.ReportMetric(float64(b.N)*rows/b.Elapsed().Seconds(), "rows/s")
			})
		}
	}
}

func writeRun(b *testing.B, table schemas.Table, batches []arrow.Record) {
	run, err := Open(newDir(b), Options{}).Begin(b.Context(), "bench", table)
	if err != nil {
		b.Fatal(err)
	}
	for _, batch := range batches {
		if err := run.Write(batch); err != nil {
			b.Fatal(err)
		}
	}
	run.Checkpoint("end")
	if _, ok, err := run.Commit(b.Context()); !ok || err != nil {
		b.Fatal(ok, err)
	}
}

func writeStock(b *testing.B, table schemas.Table, batches []arrow.Record) {
	properties := []parquet.WriterProperty{parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(zstdLevel)}
	for i, dictionary := range chooseDictionaries(batches[:1]) {
		properties = append(properties, parquet.WithDictionaryFor(table.ArrowSchema().Field(i).Name, dictionary))
	}
	err := newDir(b).Create(context.Background(), "stock", func(w io.Writer) error {
		out, err := pqarrow.NewFileWriter(table.ArrowSchema(), struct{ io.Writer }{w},
			parquet.NewWriterProperties(properties...), pqarrow.DefaultWriterProps())
		if err != nil {
			return err
		}
		for _, batch := range batches {
			if err := out.Write(batch); err != nil {
				return err
			}
		}
		return out.Close()
	})
	if err != nil {
		b.Fatal(err)
	}
}
