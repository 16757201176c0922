package httpx

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Policy is what one vendor's answers mean.
type Policy interface {
	// Classify judges an answer by its status, its headers and the first 64 KiB of
	// its body. The body of resp itself is already read.
	Classify(resp *http.Response, body []byte) Verdict
	// Budget reads the vendor's rate limit headers; false where it sends none.
	Budget(header http.Header) (Budget, bool)
}

// Verdict is the judgement of one answer.
type Verdict struct {
	Action    Action
	After     time.Duration // of Retry: wait the server asks for; 0: our own backoff
	Code      string        // the vendor's code of the error
	Message   string
	RequestID string // under which the vendor's support finds the request
	Hint      string // what the reader can do
}

// Action is what to do with an answer.
type Action int

// Actions.
const (
	Refuse    Action = iota // an error that the next attempt would meet again
	Accept                  // the body is the answer
	Retry                   // try again
	QuotaStop               // a quota is used up that does not refill soon
)

// Budget is what a vendor says about a rate limit.
type Budget struct {
	Max       int           // requests per window
	Remaining int           // left in this window
	Window    time.Duration // length of the window
}

// RetryAfter reads the Retry-After header: seconds or a date.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && seconds < 1e9 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
