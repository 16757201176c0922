package landing

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
)

const (
	sampleRows  = 8192 // looked at per column
	fewRows     = 64   // of these a dictionary cannot be judged, and costs nothing
	sampleShare = 2    // a dictionary pays when at most 1/sampleShare of the values differ
)

// chooseDictionaries decides per column, from the first records, whether to try
// dictionary encoding: it makes repeated values small and fast, and unique ones
// slow. Timestamps stay plain: they rarely repeat, and zstd sees what does.
func chooseDictionaries(records []arrow.Record) []bool {
	choices := make([]bool, records[0].NumCols())
	for i := range choices {
		chunks := make([]arrow.Array, len(records))
		for j, record := range records {
			chunks[j] = record.Column(i)
		}
		switch chunks[0].(type) {
		case *array.String:
			choices[i] = repeats[string, *array.String](chunks)
		case *array.Int64:
			choices[i] = repeats[int64, *array.Int64](chunks)
		case *array.Float64:
			choices[i] = repeats[float64, *array.Float64](chunks)
		case *array.Decimal128:
			choices[i] = repeats[decimal128.Num, *array.Decimal128](chunks)
		case *array.Date32:
			choices[i] = true
		}
	}
	return choices
}

// repeats reports whether few of the first values of a column differ.
func repeats[T comparable, A interface{ Value(int) T }](chunks []arrow.Array) bool {
	seen := map[T]struct{}{}
	rows, values := 0, 0
	for _, chunk := range chunks {
		typed := chunk.(A)
		for row := 0; row < chunk.Len() && rows < sampleRows; row++ {
			rows++
			if chunk.IsValid(row) {
				values++
				seen[typed.Value(row)] = struct{}{}
			}
		}
	}
	return values <= fewRows || len(seen)*sampleShare <= values
}
