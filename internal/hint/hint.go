// Package hint attaches advice to an error where the cure is known. The command
// prints it once, after the error.
package hint

import (
	"errors"
	"fmt"
)

type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// Wrap attaches advice to err; a nil err stays nil.
func Wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// Of returns every piece of advice in the tree of err, outermost first, without repeats.
func Of(err error) []string {
	var hints []string
	seen := map[string]bool{}
	var walk func(error)
	walk = func(err error) {
		if err == nil {
			return
		}
		var h *hinted
		if e, ok := err.(*hinted); ok {
			h = e
		}
		if h != nil && !seen[h.hint] {
			seen[h.hint] = true
			hints = append(hints, h.hint)
		}
		switch e := err.(type) {
		case interface{ Unwrap() error }:
			walk(e.Unwrap())
		case interface{ Unwrap() []error }:
			for _, sub := range e.Unwrap() {
				walk(sub)
			}
		}
	}
	walk(err)
	return hints
}

// New is an error with advice.
func New(message, format string, args ...any) error {
	return Wrap(errors.New(message), format, args...)
}
