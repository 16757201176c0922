package jsonrows

import (
	"unicode/utf16"
	"unicode/utf8"

	"github.com/ripen-data/ripen/schemas"
)

// unescape appends the text of a valid JSON string (without its quotes) to dst.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); {
		c := raw[i]
		if c != '\\' {
			start := i
			for i < len(raw) && raw[i] != '\\' {
				i++
			}
			dst = append(dst, raw[start:i]...)
			continue
		}
		i += 2
		switch raw[i-1] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			unit, _ := hex4(raw, i)
			i += 4
			if utf16.IsSurrogate(unit) {
				low, _ := hex4(raw, i+2)
				unit = utf16.DecodeRune(unit, low)
				i += 6
			}
			dst = utf8.AppendRune(dst, unit)
		default: // " \ /
			dst = append(dst, raw[i-1])
		}
	}
	return dst
}

// hex4 is the number that four hexadecimal digits at i spell.
func hex4(text []byte, i int) (rune, bool) {
	if i+4 > len(text) {
		return 0, false
	}
	var n rune
	for _, c := range text[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		n = n<<4 | rune(c)
	}
	return n, true
}

// payloadText is a record as a dead letter keeps it: cut, and valid UTF-8,
// because a STRING column takes nothing else.
func payloadText(record []byte) string {
	return validText(record, schemas.MaxPayload)
}

// shown is a value as an error shows it.
func shown(value []byte) string {
	const most = 80
	if len(value) > most {
		return validText(value, most) + "…"
	}
	return validText(value, most)
}

// validText is at most limit bytes of text, with what is not UTF-8 replaced.
func validText(text []byte, limit int) string {
	if len(text) > limit {
		text = text[:limit]
		// The cut may have split the last character.
		for i := 1; i < utf8.UTFMax && i < len(text); i++ {
			if start := text[len(text)-i:]; utf8.RuneStart(start[0]) {
				if !utf8.FullRune(start) {
					text = text[:len(text)-i]
				}
				break
			}
		}
	}
	if utf8.Valid(text) {
		return string(text)
	}
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if len(out)+utf8.RuneLen(r) > limit {
			break
		}
		out = utf8.AppendRune(out, r)
		text = text[size:]
	}
	return string(out)
}
