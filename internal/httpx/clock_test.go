package httpx

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestVendorTime_IsTheVendorsWhereOurClockIsAhead(t *testing.T) {
	vendor := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	for ahead, want := range map[time.Duration]time.Duration{ // of the run's start, after the first answer
		24 * time.Hour:   0,
		2 * time.Minute:  0,
		30 * time.Second: 30 * time.Second,
		-time.Hour:       -time.Hour,
	} {
		date := vendor
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Date", date.Format(http.TimeFormat))
			date = date.Add(time.Hour) // later answers say nothing about the start
			_, _ = w.Write([]byte("{}"))
		}))
		defer server.Close()
		start := vendor.Add(ahead)
		c, err := New(Options{Source: "test", BaseURL: server.URL, Policy: anyStatus{}, SourceClock: func() time.Time { return start }})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.VendorTime(start); !got.Equal(start) {
			t.Errorf("%s ahead, before any answer: %s", ahead, got)
		}
		for range 2 {
			if _, err := c.Do(t.Context(), Request{Path: "/"}); err != nil {
				t.Fatal(err)
			}
		}
		if got := c.VendorTime(start); !got.Equal(vendor.Add(want)) {
			t.Errorf("%s ahead: %s, want %s", ahead, got, vendor.Add(want))
		}
		if past := vendor.Add(-48 * time.Hour); !c.VendorTime(past).Equal(past) {
			t.Errorf("%s ahead: the past moved to %s", ahead, c.VendorTime(past))
		}
	}
}

type anyStatus struct{}

func (anyStatus) Classify(*http.Response, []byte) Verdict   { return Verdict{Action: Accept} }
func (anyStatus) Budget(http.Header) (b Budget, known bool) { return }
