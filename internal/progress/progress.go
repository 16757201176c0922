// Package progress carries what a stage has done so far to whoever shows it.
package progress

// Event is one step of one item of a stage.
type Event struct {
	Stage string // extract, load, transform, check
	Item  string // e.g. stripe.subscriptions, core.fct_trial
	State State
	Rows  int64 // rows added since the last event of this item
	Bytes int64 // bytes added since the last event of this item
	Files int64 // files added since the last event of this item
	Note  string
	Err   error // of Failed and Skipped
}

// State is where an item stands.
type State int

// States. Every item gets Started once, then Moved any number of times, then
// exactly one of Done, Failed and Skipped.
const (
	Started State = iota
	Moved
	Done
	Failed
	Skipped // nothing to do, or something it needs failed (then Err is set)
)

// Func receives events; it must be safe for concurrent use. Stages call Send so
// that a nil Func is allowed.
type Func func(Event)

// Send passes the event on if anybody listens.
func (f Func) Send(e Event) {
	if f != nil {
		f(e)
	}
}
