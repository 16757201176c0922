package httpx

import (
	"net/http"
	"time"
)

// clockSlack is what two clocks may differ without anybody minding.
const clockSlack = time.Minute

// compareClocks reads the vendor's time off its first answer.
func (c *Client) compareClocks(header http.Header) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	c.dated.Do(func() {
		if c.options.SourceClock().Sub(date) > clockSlack {
			c.behind.Store(&date)
		}
	})
}

// VendorTime is t, or the time of the vendor's first answer if our clock was ahead
// of it and t is later: a cursor that stands in the vendor's future would pass over
// what happens until then. It means something after the first answer.
func (c *Client) VendorTime(t time.Time) time.Time {
	if date := c.behind.Load(); date != nil && t.After(*date) {
		return *date
	}
	return t
}
