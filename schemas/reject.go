package schemas

// Reject is one record that did not fit its contract: a dead letter.
type Reject struct {
	Location string // file, URL or object id at the source
	Line     int64  // line or record number in Location, from 1; 0 where it has no meaning
	Reason   Reason
	Detail   string // e.g. `column "timestamp": "yesterday" is not a TIMESTAMP`
	Payload  string // the record as it came, cut to MaxPayload bytes
}

// MaxPayload bounds the bytes of a record that a dead letter keeps.
const MaxPayload = 64 << 10

// Reason classifies a Reject.
type Reason string

// Reasons.
const (
	Malformed       Reason = "malformed"        // not JSON, or a broken CSV record
	WrongType       Reason = "wrong_type"       // a value that does not fit the column's type
	MissingRequired Reason = "missing_required" // no value for a required column
	FutureTime      Reason = "future_time"      // the cursor column lies too far ahead of the clock
)
