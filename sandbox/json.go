package sandbox

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// jsonWriter appends JSON in the order of its calls: equal calls, equal bytes.
type jsonWriter struct{ b []byte }

// next puts a comma where one belongs.
func (w *jsonWriter) next() {
	if n := len(w.b); n > 0 {
		switch w.b[n-1] {
		case '{', '[', ':', '\n':
		default:
			w.b = append(w.b, ',')
		}
	}
}

func (w *jsonWriter) object() { w.next(); w.b = append(w.b, '{') }
func (w *jsonWriter) close()  { w.b = append(w.b, '}') }
func (w *jsonWriter) array()  { w.next(); w.b = append(w.b, '[') }
func (w *jsonWriter) end()    { w.b = append(w.b, ']') }

func (w *jsonWriter) key(k string) {
	w.next()
	w.b = append(w.b, '"')
	w.b = append(w.b, k...)
	w.b = append(w.b, '"', ':')
}

func (w *jsonWriter) value(s string) {
	w.next()
	w.b = append(w.b, '"')
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; {
		case ch == '"' || ch == '\\':
			w.b = append(w.b, '\\', ch)
		case ch < ' ':
			w.b = append(w.b, `\u00`...)
			w.b = append(w.b, "0123456789abcdef"[ch>>4], "0123456789abcdef"[ch&15])
		case ch < utf8.RuneSelf:
			w.b = append(w.b, ch)
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			w.b = utf8.AppendRune(w.b, r) // an invalid byte becomes U+FFFD
			i += size - 1
		}
	}
	w.b = append(w.b, '"')
}

func (w *jsonWriter) raw(s string)          { w.next(); w.b = append(w.b, s...) }
func (w *jsonWriter) str(k, v string)       { w.key(k); w.value(v) }
func (w *jsonWriter) int(k string, v int64) { w.key(k); w.b = strconv.AppendInt(w.b, v, 10) }
func (w *jsonWriter) bool(k string, v bool) { w.key(k); w.b = strconv.AppendBool(w.b, v) }
func (w *jsonWriter) null(k string)         { w.key(k); w.b = append(w.b, "null"...) }
func (w *jsonWriter) lit(k, literal string) { w.key(k); w.b = append(w.b, literal...) }
func (w *jsonWriter) open(k string)         { w.key(k); w.b = append(w.b, '{') }
func (w *jsonWriter) list(k string)         { w.key(k); w.b = append(w.b, '[') }
func (w *jsonWriter) uuid(k string, h uint64) {
	w.key(k)
	w.b = append(w.b, '"')
	w.b = appendUUID(w.b, h)
	w.b = append(w.b, '"')
}

// orNull writes null for an empty string.
func (w *jsonWriter) orNull(k, v string) {
	if v == "" {
		w.null(k)
		return
	}
	w.str(k, v)
}

// second writes Unix seconds, null for 0.
func (w *jsonWriter) second(k string, t int64) {
	if t == 0 {
		w.null(k)
		return
	}
	w.int(k, t)
}

// time writes milliseconds since 1970 as RFC 3339 with milliseconds.
func (w *jsonWriter) time(k string, ms int64) {
	w.key(k)
	w.b = append(w.b, '"')
	w.b = appendTime(w.b, ms)
	w.b = append(w.b, '"')
}

func appendTime(dst []byte, ms int64) []byte {
	t := time.UnixMilli(ms).UTC()
	y, mo, d := t.Date()
	h, mi, s := t.Clock()
	two := func(v int) { dst = append(dst, byte('0'+v/10), byte('0'+v%10)) }
	two(y / 100)
	two(y % 100)
	dst = append(dst, '-')
	two(int(mo))
	dst = append(dst, '-')
	two(d)
	dst = append(dst, 'T')
	two(h)
	dst = append(dst, ':')
	two(mi)
	dst = append(dst, ':')
	two(s)
	milli := int(ms % 1000)
	return append(dst, '.', byte('0'+milli/100), byte('0'+milli/10%10), byte('0'+milli%10), 'Z')
}
