package hubspot

import (
	"encoding/json"
	"fmt"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/landing"
)

// cursor is where a table stands: one state per collection.
type cursor struct {
	Format int              `json:"v"`
	Query  string           `json:"query"` // hash of what is asked for; another one starts over
	At     map[string]state `json:"at"`
}

// state is where one collection stands. Instants are epoch milliseconds, HubSpot's grain.
type state struct {
	Listing  *listing `json:"listing,omitempty"`  // set while the first listing is not finished
	Until    int64    `json:"until,omitempty"`    // changes before are read
	Seen     string   `json:"seen,omitempty"`     // versions landed of the stretch that is read again
	Archived string   `json:"archived,omitempty"` // archived records landed
	Overflow bool     `json:"overflow,omitempty"` // more archived records than Archived can hold
}

// listing is how far a first listing has come: live records, then archived ones.
type listing struct {
	Top      int64  `json:"top"` // when it started; changes from here on are searched for
	Archived bool   `json:"archived,omitempty"`
	After    string `json:"after,omitempty"` // token of the next page
}

const cursorFormat = 1

func parseCursor(text landing.Cursor, query string) (cursor, error) {
	c := cursor{Format: cursorFormat, Query: query}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &c); err != nil || c.Format != cursorFormat {
			return c, hint.New(fmt.Sprintf("the cursor %.60q was not written by this version", string(text)), "remove the landed files of the table to read it from the beginning")
		}
	}
	if c.At == nil {
		c.At = map[string]state{}
	}
	return c, nil
}

func (c cursor) text() landing.Cursor {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // numbers and strings always have a JSON form
	}
	return landing.Cursor(text)
}
