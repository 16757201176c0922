package warehouse

// Fault is a value that a running statement met and could not work with: a
// divisor of zero, text that is no number. The statement or the data is to blame,
// not the engine.
type Fault struct {
	Message string // in GoogleSQL's words, e.g. not an INT64: "abc"
	// Raised is what raises it in GoogleSQL: operators (/), functions (DIV) and casts
	// (CAST AS INT64), so that it can be found in the statement. Empty if unknown.
	Raised []string
	Hint   string // what to write instead; may be empty
	Err    error  // as the engine said it
}

func (f *Fault) Error() string { return f.Message }

func (f *Fault) Unwrap() error { return f.Err }
