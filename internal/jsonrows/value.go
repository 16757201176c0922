package jsonrows

import (
	"math/big"
	"strconv"
	"time"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow/decimal128"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/ripen-data/ripen/schemas"
)

// viewBytes is the string's bytes without a copy; they must not be written.
func viewBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// decimal is a decimal number as written: sign, digits without leading zeros,
// and how many of them stand behind the point (negative: zeros to append).
type decimal struct {
	negative bool
	digits   []byte // may hold the point, which counts as no digit
	scale    int
}

// parseDecimal reads JSON's number grammar, and what spreadsheets and databases
// write besides: a plus sign, leading zeros, no digit before or after the point.
func parseDecimal(raw []byte) (d decimal, ok bool) {
	i := 0
	if i < len(raw) && (raw[i] == '-' || raw[i] == '+') {
		d.negative = raw[i] == '-'
		i++
	}
	start := i
	i = digits(raw, i)
	whole := i - start
	fraction := 0
	if i < len(raw) && raw[i] == '.' {
		end := digits(raw, i+1)
		fraction = end - i - 1
		i = end
	}
	if whole+fraction == 0 {
		return d, false
	}
	d.digits = raw[start:i]
	d.scale = fraction
	if i < len(raw) && (raw[i] == 'e' || raw[i] == 'E') {
		exponent, err := strconv.Atoi(viewString(raw[i+1:]))
		if err != nil || exponent > 1000 || exponent < -1000 {
			return d, false
		}
		d.scale -= exponent
		i = len(raw)
	}
	return d, i == len(raw)
}

// parseInt reads a whole number; 12.0 and 1.2e1 are whole.
func parseInt(raw []byte) (int64, bool) {
	if n := len(raw); n > 0 && n <= 18 && digits(raw, 0) == n {
		var v int64
		for _, c := range raw {
			v = v*10 + int64(c-'0')
		}
		return v, true
	}
	if n, err := strconv.ParseInt(viewString(raw), 10, 64); err == nil {
		return n, true
	}
	d, ok := parseDecimal(raw)
	if !ok {
		return 0, false
	}
	n, exact := d.scaled(0)
	if !exact || !n.IsInt64() {
		return 0, false
	}
	return n.Int64(), true
}

// parseFloat reads a number; what FLOAT64 cannot hold does not fit.
func parseFloat(raw []byte) (float64, bool) {
	if _, ok := parseDecimal(raw); !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(viewString(raw), 64)
	return f, err == nil
}

// parseNumeric reads a number exactly, without a binary float in between.
// Digits behind the ninth are rounded half away from zero, as
// CAST(text AS NUMERIC) does in GoogleSQL.
func parseNumeric(raw []byte) (decimal128.Num, bool) {
	d, ok := parseDecimal(raw)
	if !ok {
		return decimal128.Num{}, false
	}
	if v, ok := d.small(); ok {
		return decimal128.FromI64(v), true
	}
	n, _ := d.scaled(schemas.NumericScale)
	num := decimal128.Num{}
	if n.BitLen() > 127 {
		return num, false
	}
	num = decimal128.FromBigInt(n)
	return num, num.FitsInPrecision(schemas.NumericPrecision)
}

var pow10 = [...]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// small is the number times 10^9 when it fits easily.
func (d decimal) small() (int64, bool) {
	if len(d.digits) > 10 || d.scale < 0 || d.scale > schemas.NumericScale {
		return 0, false
	}
	var v int64
	for _, c := range d.digits {
		if c != '.' {
			v = v*10 + int64(c-'0')
		}
	}
	shift := schemas.NumericScale - d.scale
	if v > (1<<62)/pow10[shift] {
		return 0, false
	}
	v *= pow10[shift]
	if d.negative {
		v = -v
	}
	return v, true
}

// scaled is the number times 10^scale, rounded half away from zero; exact
// reports whether nothing was rounded.
func (d decimal) scaled(scale int) (n *big.Int, exact bool) {
	n = new(big.Int)
	text := make([]byte, 0, len(d.digits))
	for _, c := range d.digits {
		if c != '.' && (c != '0' || len(text) > 0) {
			text = append(text, c)
		}
	}
	if len(text) == 0 {
		return n, true
	}
	shift := scale - d.scale
	if len(text)+shift > 2*schemas.NumericPrecision {
		// Far beyond any type; the caller's range check refuses it.
		return n.Lsh(big.NewInt(1), 256), true
	}
	exact = true
	if cut := len(text) + shift; shift < 0 {
		up := false
		kept := text[:max(cut, 0)]
		for i, c := range text[len(kept):] {
			exact = exact && c == '0'
			if i == 0 && cut >= 0 {
				up = c >= '5'
			}
		}
		n.SetString("0"+string(kept), 10)
		if up {
			n.Add(n, big.NewInt(1))
		}
	} else {
		n.SetString(string(text), 10)
		n.Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), nil))
	}
	if d.negative {
		n.Neg(n)
	}
	return n, exact
}

// parseBool reads true and false as JSON and databases write them.
func parseBool(raw []byte) (value, ok bool) {
	if len(raw) > 5 {
		return false, false
	}
	var lower [5]byte
	for i, c := range raw {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		lower[i] = c
	}
	switch string(lower[:len(raw)]) {
	case "true", "t", "yes", "y", "1":
		return true, true
	case "false", "f", "no", "n", "0":
		return false, true
	}
	return false, false
}

// parseDate reads YYYY-MM-DD, or a timestamp that is a midnight UTC, as days
// since 1970. A number is not a date.
func parseDate(raw []byte, quoted bool) (int32, bool) {
	micros, ok := parseTimestamp(raw, schemas.Text, quoted, nil)
	if !ok || micros%microsPerDay != 0 {
		return 0, false
	}
	return int32(micros / microsPerDay), true
}

const (
	microsPerSecond = 1_000_000
	microsPerDay    = 86_400 * microsPerSecond
	minMicros       = -62_135_596_800 * microsPerSecond // 0001-01-01, the first instant of GoogleSQL
	maxMicros       = 253_402_300_800*microsPerSecond - 1
)

// parseTimestamp reads a timestamp as microseconds since 1970 UTC; finer
// digits are cut. zone is what a text without one means; nil: UTC.
func parseTimestamp(raw []byte, format schemas.Format, quoted bool, zone *time.Location) (int64, bool) {
	switch format {
	case schemas.EpochSecond:
		return parseEpoch(raw, 6)
	case schemas.EpochMilli:
		return parseEpoch(raw, 3)
	}
	if !quoted {
		return 0, false
	}
	return parseTime(raw, zone)
}

func parseEpoch(raw []byte, scale int) (int64, bool) {
	var micros int64
	if n := len(raw); n > 0 && n <= 12 && digits(raw, 0) == n {
		v, _ := parseInt(raw)
		micros = v * pow10[scale]
	} else {
		d, ok := parseDecimal(raw)
		if !ok {
			return 0, false
		}
		n, _ := d.scaled(scale)
		if !n.IsInt64() {
			return 0, false
		}
		micros = n.Int64()
	}
	return micros, micros >= minMicros && micros <= maxMicros
}

// parseTime reads 2006-01-02[(T| )15:04[:05[.999…]][zone]], zone being Z, UTC, ±hh, ±hhmm or ±hh:mm.
func parseTime(raw []byte, zone *time.Location) (int64, bool) {
	if len(raw) < 10 || raw[4] != '-' || raw[7] != '-' {
		return 0, false
	}
	year := two(raw, 0)*100 + two(raw, 2)
	month, day := two(raw, 5), two(raw, 8)
	if two(raw, 0) < 0 || two(raw, 2) < 0 || year < 1 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	micros := int64(daysSinceEpoch(year, month, day)) * microsPerDay
	rest := raw[10:]
	if len(rest) > 0 {
		if len(rest) < 6 || (rest[0] != 'T' && rest[0] != 't' && rest[0] != ' ') || rest[3] != ':' {
			return 0, false
		}
		hour, minute, second := two(rest, 1), two(rest, 4), 0
		rest = rest[6:]
		if len(rest) >= 3 && rest[0] == ':' {
			second = two(rest, 1)
			rest = rest[3:]
		}
		if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
			return 0, false
		}
		micros += int64(hour*3600+minute*60+second) * microsPerSecond
		if len(rest) > 1 && (rest[0] == '.' || rest[0] == ',') {
			end := digits(rest, 1)
			if end == 1 {
				return 0, false
			}
			unit := int64(microsPerSecond / 10)
			for _, c := range rest[1:end] {
				micros += int64(c-'0') * unit
				unit /= 10
			}
			rest = rest[end:]
		}
	}
	offset, known, ok := parseZone(rest)
	switch {
	case !ok:
		return 0, false
	case known:
		micros -= int64(offset) * microsPerSecond
	case zone != nil && zone != time.UTC:
		micros = inZone(micros, zone)
	}
	return micros, micros >= minMicros && micros <= maxMicros
}

// inZone is the instant at which the wall clock of zone shows what a clock in UTC shows at micros.
func inZone(micros int64, zone *time.Location) int64 {
	t := time.UnixMicro(micros).UTC()
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), zone).UnixMicro()
}

// parseZone reads what follows the time, as seconds east of UTC; known is false without one.
func parseZone(rest []byte) (offset int, known, ok bool) {
	if len(rest) > 1 && rest[0] == ' ' {
		rest = rest[1:]
	}
	switch {
	case len(rest) == 0:
		return 0, false, true
	case len(rest) == 1 && (rest[0] == 'Z' || rest[0] == 'z'), string(rest) == "UTC":
		return 0, true, true
	case rest[0] != '+' && rest[0] != '-':
		return 0, false, false
	}
	hours, minutes := 0, 0
	switch {
	case len(rest) == 3:
		hours = two(rest, 1)
	case len(rest) == 5:
		hours, minutes = two(rest, 1), two(rest, 3)
	case len(rest) == 6 && rest[3] == ':':
		hours, minutes = two(rest, 1), two(rest, 4)
	default:
		return 0, false, false
	}
	if hours < 0 || hours > 18 || minutes < 0 || minutes > 59 {
		return 0, false, false
	}
	offset = hours*3600 + minutes*60
	if rest[0] == '-' {
		offset = -offset
	}
	return offset, true, true
}

// two is the number that two digits at i spell; negative when they are none.
func two(text []byte, i int) int {
	a, b := text[i]-'0', text[i+1]-'0'
	if a > 9 || b > 9 {
		return -1
	}
	return int(a)*10 + int(b)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSinceEpoch counts days of the proleptic Gregorian calendar from
// 1970-01-01, with years that start in March so that the leap day comes last.
func daysSinceEpoch(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719468
}

// appendJSONText appends text as one JSON value: as it is when it is JSON, else as a JSON string.
func appendJSONText(dst, text []byte) []byte {
	if jsontext.Value(text).IsValid() {
		return append(dst, text...)
	}
	dst, _ = jsontext.AppendQuote(dst, validText(text, len(text)))
	return dst
}
