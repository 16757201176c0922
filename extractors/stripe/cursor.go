package stripe

import (
	"encoding/json"
	"fmt"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/recent"
	"github.com/ripen-data/ripen/landing"
)

// cursor is where a table stands. All instants are epoch seconds, Stripe's grain.
type cursor struct {
	Format  int      `json:"v"`
	Listing *listing `json:"listing,omitempty"` // set while the first listing is not finished
	Until   int64    `json:"until,omitempty"`   // events created before are processed
	Seen    string   `json:"seen,omitempty"`    // events processed of the stretch that is read again
}

// listing is how far a full listing, newest first, has come.
type listing struct {
	Top       int64 `json:"top"`                 // objects created before are listed; later ones come as events
	Before    int64 `json:"before"`              // objects created from here on are committed
	Unordered bool  `json:"unordered,omitempty"` // the list was not newest first: start over, without checkpoints
}

const cursorFormat = 1

func parseCursor(text landing.Cursor) (cursor, *recent.Set, error) {
	c := cursor{Format: cursorFormat}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &c); err != nil || c.Format != cursorFormat || c.Listing == nil && c.Until == 0 {
			return c, nil, hint.New(fmt.Sprintf("the cursor %.60q was not written by this version", string(text)), "remove the landed files of the table to read it from the beginning")
		}
	}
	seen, err := recent.Parse(c.Seen)
	return c, seen, err
}

func (c cursor) text() landing.Cursor {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers and strings always have a JSON form
	}
	return landing.Cursor(text)
}
