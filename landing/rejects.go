package landing

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/ripen-data/ripen/schemas"
)

// deadLetters is the contract of rejected records.
const deadLetters = "ripen.dead_letters"

// DeadLetterID identifies a rejected record: the same record met again at the
// same place has the same id, 32 hexadecimal digits.
func DeadLetterID(source, table string, r Reject) string {
	hash := sha256.New()
	for _, part := range []string{source, table, r.Location, string(binary.BigEndian.AppendUint64(nil, uint64(r.Line))), cutText(r.Payload)} {
		// Lengths keep "ab","c" and "a","bc" apart.
		hash.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		hash.Write([]byte(part))
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}

// cutText bounds a payload. What is cut may end within a rune.
func cutText(payload string) string { return payload[:min(len(payload), MaxPayload)] }

// deadLetterRecord is the batch of ripen.dead_letters for rejects; the caller
// releases it. Bytes that are not UTF-8 become U+FFFD.
func deadLetterRecord(schema *arrow.Schema, source, table string, rejects []Reject, at time.Time) arrow.Record {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	for _, r := range rejects {
		for i, field := range schema.Fields() {
			switch column := builder.Field(i).(type) {
			case *array.StringBuilder:
				if text, ok := deadLetterText(field.Name, source, table, r); ok {
					column.Append(strings.ToValidUTF8(text, "\uFFFD"))
				} else {
					column.AppendNull()
				}
			case *array.Int64Builder:
				column.Append(r.Line)
			case *array.TimestampBuilder:
				column.Append(arrow.Timestamp(at.UnixMicro()))
			}
		}
	}
	return builder.NewRecord()
}

func deadLetterText(column, source, table string, r Reject) (text string, ok bool) {
	switch column {
	case "dead_letter_id":
		return DeadLetterID(source, table, r), true
	case "source_name":
		return source, true
	case "table_name":
		return table, true
	case "location":
		return r.Location, true
	case "reason_code":
		return string(r.Reason), true
	case "detail":
		return r.Detail, true
	case "payload":
		return cutText(r.Payload), true
	}
	return "", false
}

func deadLetterSchema() *arrow.Schema {
	contract, ok := schemas.Contract(deadLetters)
	if !ok {
		panic("no contract " + deadLetters) // it is part of the binary
	}
	return contract.ArrowSchema()
}
