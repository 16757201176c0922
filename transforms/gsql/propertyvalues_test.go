package gsql

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func drawInt(random *rand.Rand) (any, string) {
	n := random.Int64N(2000) - 1000
	switch random.IntN(5) {
	case 0:
		n = []int64{0, 1, -1, math.MaxInt64, math.MinInt64 + 1, math.MaxInt32, math.MinInt32}[random.IntN(7)]
	case 1:
		n = random.Int64() >> random.IntN(63)
	}
	return n, strconv.FormatInt(n, 10)
}

// drawNumeric draws whole billionths.
func drawNumeric(random *rand.Rand) (any, string) {
	digits := make([]byte, 1+random.IntN(30))
	for i := range digits {
		digits[i] = byte('0' + random.IntN(10))
	}
	text := string(digits)
	if random.IntN(3) > 0 {
		text = "0000000000" + text
		text = strings.TrimLeft(text[:len(text)-9], "0") + "." + text[len(text)-9:]
	}
	text = strings.TrimLeft(text, "0")
	if text == "" || text[0] == '.' {
		text = "0" + text
	}
	if i := strings.IndexByte(text, '.'); i > 26 {
		text = text[i-26:]
		text = "1" + text
	} else if i < 0 && len(text) > 26 {
		text = text[:26]
	}
	if random.IntN(2) == 0 {
		text = "-" + text
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		panic("not a number: " + text)
	}
	return value, "NUMERIC '" + text + "'"
}

// numericText is a number to nine digits behind the point, half away from zero.
func numericText(r *big.Rat) string {
	if text := r.FloatString(9); text != "-0.000000000" {
		return text
	}
	return "0.000000000"
}

func TestProperty_NumbersAreExact(t *testing.T) {
	columns := []column{
		{"a", "INT64", drawInt}, {"b", "INT64", drawInt}, {"n", "NUMERIC", drawNumeric}, {"m", "NUMERIC", drawNumeric},
		{"x", "FLOAT64", func(random *rand.Rand) (any, string) {
			x := float64(random.IntN(2001)-1000) / 4
			if random.IntN(3) == 0 {
				x = (random.Float64() - 0.5) * math.Pow(10, float64(random.IntN(12)))
			}
			return x, "CAST('" + strconv.FormatFloat(x, 'g', -1, 64) + "' AS FLOAT64)"
		}},
	}
	whole := func(r map[string]any, name string) *big.Int { return big.NewInt(r[name].(int64)) }
	rat := func(r map[string]any, name string) *big.Rat { return r[name].(*big.Rat) }
	fits := func(z *big.Int) string {
		if !z.IsInt64() {
			return "NULL"
		}
		return z.String()
	}
	checkProperties(t, 3, columns, []property{
		{"SAFE_ADD(a, b)", func(r map[string]any) string { return fits(new(big.Int).Add(whole(r, "a"), whole(r, "b"))) }},
		{"SAFE_SUBTRACT(a, b)", func(r map[string]any) string { return fits(new(big.Int).Sub(whole(r, "a"), whole(r, "b"))) }},
		{"SAFE_MULTIPLY(a, b)", func(r map[string]any) string { return fits(new(big.Int).Mul(whole(r, "a"), whole(r, "b"))) }},
		{"SAFE.DIV(a, b)", func(r map[string]any) string {
			if whole(r, "b").Sign() == 0 {
				return "NULL"
			}
			return fits(new(big.Int).Quo(whole(r, "a"), whole(r, "b")))
		}},
		{"SAFE.MOD(a, b)", func(r map[string]any) string {
			if whole(r, "b").Sign() == 0 {
				return "NULL"
			}
			return fits(new(big.Int).Rem(whole(r, "a"), whole(r, "b")))
		}},
		{"SAFE_CAST(CAST(a AS STRING) AS INT64) = a AND CAST(CAST(x AS STRING) AS FLOAT64) = x AND CAST(CAST(n AS STRING) AS NUMERIC) = n",
			func(map[string]any) string { return "true" }},
		{"SAFE_DIVIDE(n, m)", func(r map[string]any) string {
			if rat(r, "m").Sign() == 0 {
				return "NULL"
			}
			text := numericText(new(big.Rat).Quo(rat(r, "n"), rat(r, "m")))
			if len(strings.TrimPrefix(text, "-")) > 39 {
				return "NULL"
			}
			return text
		}},
		{"ROUND(n, 2)", func(r map[string]any) string {
			rounded, _ := new(big.Rat).SetString(rat(r, "n").FloatString(2))
			return numericText(rounded)
		}},
		{"CAST(ROUND(x) AS INT64)", func(r map[string]any) string { return fmt.Sprint(int64(math.Round(r["x"].(float64)))) }},
		{"CAST(x AS INT64)", func(r map[string]any) string { return fmt.Sprint(int64(math.Round(r["x"].(float64)))) }},
		{"CAST(FLOOR(x) AS INT64)", func(r map[string]any) string { return fmt.Sprint(int64(math.Floor(r["x"].(float64)))) }},
		{"CAST(CEIL(x) AS INT64)", func(r map[string]any) string { return fmt.Sprint(int64(math.Ceil(r["x"].(float64)))) }},
		{"CAST(TRUNC(x) AS INT64)", func(r map[string]any) string { return fmt.Sprint(int64(math.Trunc(r["x"].(float64)))) }},
		{"GREATEST(a, b) + LEAST(a, b) * 0", func(r map[string]any) string { return fmt.Sprint(max(r["a"].(int64), r["b"].(int64))) }},
		{"(SELECT AVG(v) FROM UNNEST([n, m, NULL]) AS v)", func(r map[string]any) string {
			return numericText(new(big.Rat).Quo(new(big.Rat).Add(rat(r, "n"), rat(r, "m")), big.NewRat(2, 1)))
		}},
	})
}

var letters = []string{"a", "B", "é", "ß", "日", " ", "-", ",", "1", "7", ".", "x"}

func drawText(random *rand.Rand) (any, string) {
	var b strings.Builder
	for range random.IntN(9) {
		b.WriteString(letters[random.IntN(len(letters))])
	}
	text := b.String()
	if random.IntN(4) == 0 {
		text = []string{"12", "-7", " 42 ", "+5", "1.5", "1e3", "0x1F", "9223372036854775808", "yes", "TRUE", "1_000", "", "inf", "2024-02-30", "2024-1-5"}[random.IntN(15)]
	}
	return text, "'" + strings.ReplaceAll(text, "'", `\'`) + "'"
}

// substring follows the manual: positions count from 1, negative ones from the end,
// and one before the start is the start.
func substring(text string, at, size int) string {
	runes := []rune(text)
	switch {
	case at < -len(runes) || at == 0:
		at = 1
	case at < 0:
		at += len(runes) + 1
	}
	from := min(at-1, len(runes))
	return string(runes[from:min(len(runes), from+size)])
}

func TestProperty_TextsAreCharacters(t *testing.T) {
	small := func(random *rand.Rand) (any, string) { n := random.IntN(14) - 7; return n, strconv.Itoa(n) }
	columns := []column{
		{"s", "STRING", drawText}, {"t", "STRING", drawText}, {"p", "INT64", small},
		{"k", "INT64", func(random *rand.Rand) (any, string) { n := random.IntN(6); return n, strconv.Itoa(n) }},
	}
	text := func(r map[string]any) string { return r["s"].(string) }
	integer := regexp.MustCompile(`^\s*[+-]?[0-9]+\s*$`)
	pattern := regexp.MustCompile(`([a-zé]+).?`)
	null := func(s string, ok bool) string {
		if !ok {
			return "NULL"
		}
		return s
	}
	checkProperties(t, 4, columns, []property{
		{"SUBSTR(s, p, k)", func(r map[string]any) string { return substring(text(r), r["p"].(int), r["k"].(int)) }},
		{"LEFT(s, k)", func(r map[string]any) string { return substring(text(r), 1, r["k"].(int)) }},
		{"LENGTH(s)", func(r map[string]any) string { return fmt.Sprint(len([]rune(text(r)))) }},
		{"BYTE_LENGTH(s)", func(r map[string]any) string { return fmt.Sprint(len(text(r))) }},
		{"REVERSE(s)", func(r map[string]any) string {
			runes := []rune(text(r))
			slices.Reverse(runes)
			return string(runes)
		}},
		{"STRPOS(s, '1')", func(r map[string]any) string {
			return fmt.Sprint(len([]rune(text(r)[:max(0, strings.Index(text(r), "1"))])) + btoi(strings.Contains(text(r), "1")))
		}},
		{"ARRAY_TO_STRING(SPLIT(s, ','), ',') = s AND REVERSE(REVERSE(s)) = s AND CONCAT(s, t) = s || t", func(map[string]any) string { return "true" }},
		{"ARRAY_LENGTH(SPLIT(s, ','))", func(r map[string]any) string { return fmt.Sprint(strings.Count(text(r), ",") + 1) }},
		{"TRIM(s)", func(r map[string]any) string { return strings.TrimSpace(text(r)) }},
		{"REPLACE(s, 'a', 'bb')", func(r map[string]any) string { return strings.ReplaceAll(text(r), "a", "bb") }},
		{"STARTS_WITH(s, SUBSTR(s, 1, k)) AND ENDS_WITH(s, RIGHT(s, k))", func(map[string]any) string { return "true" }},
		{"SAFE_CAST(s AS INT64)", func(r map[string]any) string {
			n, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(text(r)), "+"), 10, 64)
			return null(fmt.Sprint(n), err == nil && integer.MatchString(text(r)))
		}},
		{"SAFE_CAST(s AS BOOL)", func(r map[string]any) string {
			lower := strings.ToLower(text(r))
			return null(lower, lower == "true" || lower == "false")
		}},
		{"REGEXP_EXTRACT(s, r'([a-zé]+).?')", func(r map[string]any) string {
			m := pattern.FindStringSubmatch(text(r))
			if m == nil {
				return "NULL"
			}
			return m[1]
		}},
		{"REGEXP_REPLACE(s, r'([a-zé]+).?', r'<\\1>')", func(r map[string]any) string { return pattern.ReplaceAllString(text(r), "<$1>") }},
		{"REGEXP_CONTAINS(s, r'^[0-9.]+$')", func(r map[string]any) string {
			return fmt.Sprint(text(r) != "" && strings.Trim(text(r), "0123456789.") == "")
		}},
		{"LPAD(s, 5, '*')", func(r map[string]any) string {
			runes := []rune(text(r))
			return strings.Repeat("*", max(0, 5-len(runes))) + string(runes[:min(5, len(runes))])
		}},
		{"JSON_VALUE(TO_JSON_STRING(STRUCT(s AS a, p AS b)), '$.a') = s AND JSON_VALUE(TO_JSON_STRING(STRUCT(s AS a, p AS b)), '$.b') = CAST(p AS STRING)",
			func(map[string]any) string { return "true" }},
	})
}

// drawJSON draws a document whose member a is of any kind.
func drawJSON(random *rand.Rand) (any, string) {
	a := []any{nil, true, 12, "x\"y", "é", []any{1, "z", nil}, map[string]any{"b": "c"}, []any{}, ""}[random.IntN(9)]
	document := map[string]any{"a": a, "k": random.IntN(9)}
	if random.IntN(6) == 0 {
		delete(document, "a")
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	return document, "r'''" + string(text) + "'''"
}

func TestProperty_JSONAndArraysKeepTheirOrder(t *testing.T) {
	columns := []column{{"j", "STRING", drawJSON}, {"a", "INT64", drawInt}, {"b", "INT64", drawInt}}
	member := func(r map[string]any) any { return r["j"].(map[string]any)["a"] }
	checkProperties(t, 5, columns, []property{
		{"JSON_VALUE(j, '$.a')", func(r map[string]any) string {
			switch v := member(r).(type) {
			case nil, []any, map[string]any:
				return "NULL"
			default:
				return fmt.Sprint(v)
			}
		}},
		{"JSON_QUERY(j, '$.a')", func(r map[string]any) string {
			v := member(r)
			if v == nil {
				return "NULL" // of a JSON null as well
			}
			text, _ := json.Marshal(v)
			return string(text)
		}},
		{"ARRAY_LENGTH(JSON_QUERY_ARRAY(j, '$.a'))", func(r map[string]any) string {
			if list, ok := member(r).([]any); ok {
				return fmt.Sprint(len(list))
			}
			return "NULL"
		}},
		{"JSON_VALUE(j, '$.k')", func(r map[string]any) string { return fmt.Sprint(r["j"].(map[string]any)["k"]) }},
		{"ARRAY(SELECT v FROM UNNEST([a, b, 0]) AS v ORDER BY v DESC)", func(r map[string]any) string {
			list := []int64{r["a"].(int64), r["b"].(int64), 0}
			slices.Sort(list)
			return fmt.Sprintf("[%d, %d, %d]", list[2], list[1], list[0])
		}},
		{"(SELECT ARRAY_AGG(v ORDER BY v LIMIT 2) FROM UNNEST([a, b, 0]) AS v)", func(r map[string]any) string {
			list := []int64{r["a"].(int64), r["b"].(int64), 0}
			slices.Sort(list)
			return fmt.Sprintf("[%d, %d]", list[0], list[1])
		}},
		{"ARRAY_REVERSE(ARRAY_CONCAT([a], [b]))", func(r map[string]any) string { return fmt.Sprintf("[%d, %d]", r["b"], r["a"]) }},
		{"ARRAY(SELECT v FROM UNNEST([a, b]) AS v WITH OFFSET AS i ORDER BY i DESC)[SAFE_OFFSET(1)] = a AND a IN UNNEST([b, a])", func(map[string]any) string { return "true" }},
	})
}
