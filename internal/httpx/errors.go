package httpx

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ErrQuota is in the tree of an error that ends today's work with a source: its
// daily quota is used up, and more requests only make it worse.
var ErrQuota = errors.New("the quota of the source is used up")

// Error is a request that failed for good. It never holds the token or a query.
type Error struct {
	Source    string // vendor
	Table     string // contract, may be empty
	Method    string
	Path      string // of the URL, without its query
	Status    int    // of the last attempt; 0 if there was no answer
	Code      string // the vendor's code
	Message   string // the vendor's words
	RequestID string
	Attempts  int
	Err       error // what broke, where it was not the vendor's answer
}

func (e *Error) Unwrap() error { return e.Err }

func (e *Error) Error() string {
	var text strings.Builder
	subject := e.Table
	if subject == "" {
		subject = e.Source
	}
	fmt.Fprintf(&text, "%s: %s %s: ", subject, e.Method, e.Path)
	var parts []string
	if e.Status != 0 {
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))))
	}
	if e.Code != "" {
		parts = append(parts, e.Code)
	}
	if e.Message != "" {
		parts = append(parts, e.Message)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	text.WriteString(strings.Join(parts, ": "))
	var notes []string
	if e.RequestID != "" {
		notes = append(notes, "request "+e.RequestID)
	}
	if e.Attempts > 1 {
		notes = append(notes, fmt.Sprintf("after %d attempts", e.Attempts))
	}
	if len(notes) > 0 {
		fmt.Fprintf(&text, " (%s)", strings.Join(notes, ", "))
	}
	return text.String()
}

// Status is the HTTP status of the last answer in the tree of err; 0 without one.
func Status(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}
