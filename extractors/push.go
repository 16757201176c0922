package extractors

import (
	"errors"
	"iter"
)

// errStopped ends an extraction whose consumer wants no more.
var errStopped = errors.New("stopped by the consumer")

// Push makes the sequence that Extract returns of a function that emits batches
// and returns its first error. An error of emit must be returned as it is.
func Push(extract func(emit func(Batch) error) error) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		err := extract(func(b Batch) error {
			if !yield(b, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(Batch{}, err)
		}
	}
}
