package files

import (
	"github.com/ripen-data/ripen/internal/jsonrows"
	"github.com/ripen-data/ripen/schemas"
)

// extraFor is what schemas.ExtraColumn gets of a record: the fields that no
// mapping knows, under drift evolve.
func extraFor(d *jsonrows.Decoder, names header, fields []string, unknown []int) []byte {
	if d.Drift() != schemas.Evolve {
		return nil
	}
	return names.extra(fields, unknown)
}

// countUnknown notes the fields that no mapping knows, which came with n records.
func countUnknown(d *jsonrows.Decoder, names header, unknown []int, n int64, location string, line int64) {
	if n == 0 {
		return
	}
	for _, i := range unknown {
		d.Unknown(names[i], n, location, line)
	}
}
