package duck

import (
	"strings"

	"github.com/ripen-data/ripen/schemas"
)

// bytesForms are functions of BYTES that are written otherwise than those of
// STRING: by their hexadecimal digits where DuckDB has none for BLOB.
var bytesForms = map[string]string{
	"length":         "octet_length($1)",
	"byte_length":    "octet_length($1)",
	"octet_length":   "octet_length($1)",
	"substr":         "bq.bytes_substr($0)",
	"substring":      "bq.bytes_substr($0)",
	"left":           "bq.bytes_left($0)",
	"starts_with":    "starts_with(hex($1), hex($2))",
	"ends_with":      "ends_with(hex($1), hex($2))",
	"strpos":         "bq.bytes_strpos($0)",
	"repeat":         "unhex(bq.repeat(hex($1), $2))",
	"lpad":           "bq.bytes_lpad($0)",
	"rpad":           "bq.bytes_rpad($0)",
	"to_code_points": "list_transform(range(octet_length($1)), lambda _i: CAST('0x' || substr(hex($1), 2 * _i + 1, 2) AS BIGINT))",
}

// ofBytes reports whether a call is one of BYTES, with its form.
func (w *writer) ofBytes(c call) (form string, ok bool) {
	form, ok = bytesForms[c.name]
	if !ok || len(c.args) == 0 {
		return "", false
	}
	t := w.typeOf(c.args[0]).Kind
	if t == schemas.Bytes || t == "" && len(c.args) > 1 && w.typeOf(c.args[1]).Kind == schemas.Bytes {
		return form, true
	}
	return "", false
}

// codePoints writes TO_CODE_POINTS of a STRING.
func (w *writer) codePoints(c call) string {
	return w.comments(c.node) + "list_transform(regexp_extract_all(" + w.node(c.args[0]) + ", '(?s).'), lambda _c: CAST(unicode(_c) AS BIGINT))"
}

// normalize writes NORMALIZE, whose only form that DuckDB has is NFC.
func (w *writer) normalize(c call) string {
	if len(c.args) == 2 {
		if mode := strings.ToUpper(w.text[c.args[1].Start:c.args[1].End]); mode != "NFC" {
			w.fail(c.args[1], "NORMALIZE by "+mode+" does not run on DuckDB", "write NFC, or leave it out")
		}
	}
	return w.comments(c.node) + "nfc_normalize(" + w.node(c.args[0]) + ")"
}
