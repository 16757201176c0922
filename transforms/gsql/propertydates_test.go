package gsql

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

var (
	firstDay = time.Date(4, 1, 1, 0, 0, 0, 0, time.UTC)
	lastDay  = time.Date(9996, 12, 31, 0, 0, 0, 0, time.UTC)
)

// drawDay prefers the days where calendars go wrong.
func drawDay(random *rand.Rand) (any, string) {
	day := firstDay.AddDate(0, 0, random.IntN(int(lastDay.Sub(firstDay)/(24*time.Hour))/24)*24+random.IntN(24))
	switch random.IntN(6) {
	case 0: // around a new year, where weeks and years part
		day = time.Date(1890+random.IntN(250), 1, random.IntN(14)-6, 0, 0, 0, 0, time.UTC)
	case 1: // the ends of February
		day = time.Date(1890+random.IntN(250), 3, random.IntN(3)-1, 0, 0, 0, 0, time.UTC)
	case 2: // before and after 1970
		day = time.Date(1970, 1, random.IntN(40)-20, 0, 0, 0, 0, time.UTC)
	case 3:
		day = []time.Time{firstDay, lastDay, time.Date(1900, 2, 28, 0, 0, 0, 0, time.UTC), time.Date(2000, 12, 31, 0, 0, 0, 0, time.UTC)}[random.IntN(4)]
	}
	return day, "DATE '" + day.Format(time.DateOnly) + "'"
}

func day(row map[string]any, name string) time.Time { return row[name].(time.Time) }

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func dayNumber(d time.Time) int { return int(d.Unix() / 86400) }

// weekOf counts the weeks from a Sunday, or another weekday, long ago.
func weekOf(d time.Time, first time.Weekday) int {
	return floorDiv(dayNumber(d)+4-int(first), 7) // 1970-01-01 was a Thursday
}

func weekStart(d time.Time, first time.Weekday) time.Time {
	return d.AddDate(0, 0, -((int(d.Weekday()) - int(first) + 7) % 7))
}

func weekOfYear(d time.Time, first time.Weekday) int {
	start := time.Date(d.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
	return (d.YearDay() + 6 - (int(d.Weekday())-int(first)+7)%7) / 7 * btoi(!d.Before(start))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func date(d time.Time) string { return d.Format(time.DateOnly) }

// addMonths goes to the last day of a month that is too short.
func addMonths(d time.Time, n int) time.Time {
	first := time.Date(d.Year(), d.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	return first.AddDate(0, 0, min(d.Day(), first.AddDate(0, 1, -1).Day())-1)
}

func TestProperty_DatesFollowTheCalendar(t *testing.T) {
	columns := []column{
		{"d", "DATE", drawDay},
		{"e", "DATE", drawDay},
		{"n", "INT64", func(random *rand.Rand) (any, string) { n := random.IntN(60) - 30; return n, strconv.Itoa(n) }},
	}
	month := func(d time.Time) int { return d.Year()*12 + int(d.Month()) }
	quarter := func(d time.Time) int { return d.Year()*4 + (int(d.Month())-1)/3 }
	isoYear := func(d time.Time) int { y, _ := d.ISOWeek(); return y }
	properties := []property{
		{"DATE_DIFF(d, e, DAY)", func(r map[string]any) string { return fmt.Sprint(dayNumber(day(r, "d")) - dayNumber(day(r, "e"))) }},
		{"DATE_DIFF(d, e, MONTH)", func(r map[string]any) string { return fmt.Sprint(month(day(r, "d")) - month(day(r, "e"))) }},
		{"DATE_DIFF(d, e, QUARTER)", func(r map[string]any) string { return fmt.Sprint(quarter(day(r, "d")) - quarter(day(r, "e"))) }},
		{"DATE_DIFF(d, e, YEAR)", func(r map[string]any) string { return fmt.Sprint(day(r, "d").Year() - day(r, "e").Year()) }},
		{"DATE_DIFF(d, e, ISOYEAR)", func(r map[string]any) string { return fmt.Sprint(isoYear(day(r, "d")) - isoYear(day(r, "e"))) }},
		{"EXTRACT(ISOYEAR FROM d)", func(r map[string]any) string { return fmt.Sprint(isoYear(day(r, "d"))) }},
		{"EXTRACT(ISOWEEK FROM d)", func(r map[string]any) string { _, w := day(r, "d").ISOWeek(); return fmt.Sprint(w) }},
		{"EXTRACT(DAYOFWEEK FROM d)", func(r map[string]any) string { return fmt.Sprint(int(day(r, "d").Weekday()) + 1) }},
		{"EXTRACT(DAYOFYEAR FROM d)", func(r map[string]any) string { return fmt.Sprint(day(r, "d").YearDay()) }},
		{"EXTRACT(QUARTER FROM d)", func(r map[string]any) string { return fmt.Sprint((int(day(r, "d").Month())-1)/3 + 1) }},
		{"DATE_TRUNC(d, MONTH)", func(r map[string]any) string { d := day(r, "d"); return date(d.AddDate(0, 0, 1-d.Day())) }},
		{"DATE_TRUNC(d, YEAR)", func(r map[string]any) string {
			return date(time.Date(day(r, "d").Year(), 1, 1, 0, 0, 0, 0, time.UTC))
		}},
		{"DATE_ADD(d, INTERVAL n DAY)", func(r map[string]any) string { return date(day(r, "d").AddDate(0, 0, r["n"].(int))) }},
		{"DATE_SUB(d, INTERVAL n WEEK)", func(r map[string]any) string { return date(day(r, "d").AddDate(0, 0, -7*r["n"].(int))) }},
		{"DATE_ADD(d, INTERVAL n MONTH)", func(r map[string]any) string { return date(addMonths(day(r, "d"), r["n"].(int))) }},
		{"LAST_DAY(d)", func(r map[string]any) string {
			d := day(r, "d")
			return date(d.AddDate(0, 0, 1-d.Day()).AddDate(0, 1, -1))
		}},
		{"LAST_DAY(d, WEEK(TUESDAY))", func(r map[string]any) string {
			return date(weekStart(day(r, "d"), time.Tuesday).AddDate(0, 0, 6))
		}},
		{"FORMAT_DATE('%Y-%j %u %w', d)", func(r map[string]any) string {
			d := day(r, "d")
			return fmt.Sprintf("%d-%03d %d %d", d.Year(), d.YearDay(), (int(d.Weekday())+6)%7+1, d.Weekday())
		}},
		{"UNIX_DATE(d)", func(r map[string]any) string { return fmt.Sprint(dayNumber(day(r, "d"))) }},
		{"DATE_FROM_UNIX_DATE(UNIX_DATE(d)) = d AND PARSE_DATE('%F', FORMAT_DATE('%F', d)) = d AND CAST(CAST(d AS STRING) AS DATE) = d",
			func(map[string]any) string { return "true" }},
	}
	for first, name := range []string{"SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY"} {
		start := time.Weekday(first)
		properties = append(properties,
			property{"DATE_TRUNC(d, WEEK(" + name + "))", func(r map[string]any) string { return date(weekStart(day(r, "d"), start)) }},
			property{"DATE_DIFF(d, e, WEEK(" + name + "))", func(r map[string]any) string {
				return fmt.Sprint(weekOf(day(r, "d"), start) - weekOf(day(r, "e"), start))
			}},
			property{"EXTRACT(WEEK(" + name + ") FROM d)", func(r map[string]any) string { return fmt.Sprint(weekOfYear(day(r, "d"), start)) }},
		)
	}
	properties = append(properties,
		property{"DATE_TRUNC(d, WEEK)", properties[len(properties)-21].want},
		property{"DATE_TRUNC(d, ISOWEEK)", properties[len(properties)-18].want},
		property{"DATE_DIFF(d, e, ISOWEEK)", properties[len(properties)-17].want},
	)
	checkProperties(t, 1, columns, properties)
}

func drawMoment(random *rand.Rand) (any, string) {
	value, _ := drawDay(random)
	at := value.(time.Time).Add(time.Duration(random.Int64N(86_400_000_000)) * time.Microsecond)
	if random.IntN(4) == 0 {
		at = at.Truncate(time.Hour)
	}
	return at, "TIMESTAMP '" + at.Format("2006-01-02 15:04:05.999999") + "+00'"
}

func TestProperty_TimestampsFollowTheClock(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	micros := func(row map[string]any, name string) int64 { return day(row, name).UnixMicro() }
	floor := func(a, b int64) int64 { return a/b - int64(btoi(a%b < 0)) }
	columns := []column{{"a", "TIMESTAMP", drawMoment}, {"b", "TIMESTAMP", drawMoment}}
	properties := []property{
		{"UNIX_SECONDS(a)", func(r map[string]any) string { return fmt.Sprint(floor(micros(r, "a"), 1_000_000)) }},
		{"UNIX_MILLIS(a)", func(r map[string]any) string { return fmt.Sprint(floor(micros(r, "a"), 1_000)) }},
		{"UNIX_MICROS(a)", func(r map[string]any) string { return fmt.Sprint(micros(r, "a")) }},
		{"DATE(a)", func(r map[string]any) string { return date(day(r, "a")) }},
		{"EXTRACT(MILLISECOND FROM a)", func(r map[string]any) string { return fmt.Sprint(day(r, "a").Nanosecond() / 1_000_000) }},
		{"EXTRACT(MICROSECOND FROM a)", func(r map[string]any) string { return fmt.Sprint(day(r, "a").Nanosecond() / 1_000) }},
		{"EXTRACT(HOUR FROM a)", func(r map[string]any) string { return fmt.Sprint(day(r, "a").Hour()) }},
		{"TIMESTAMP_MICROS(UNIX_MICROS(a)) = a AND CAST(CAST(a AS STRING) AS TIMESTAMP) = a AND TIMESTAMP_SUB(TIMESTAMP_ADD(a, INTERVAL 1 HOUR), INTERVAL 60 MINUTE) = a",
			func(map[string]any) string { return "true" }},
		{"TIMESTAMP_DIFF(a, b, DAY) = -TIMESTAMP_DIFF(b, a, DAY) AND (a < b) = (UNIX_MICROS(a) < UNIX_MICROS(b))", func(map[string]any) string { return "true" }},
		{"DATE(a, 'America/New_York')", func(r map[string]any) string {
			if day(r, "a").Year() < 1890 {
				return "skip"
			}
			return date(day(r, "a").In(zone))
		}},
	}
	for part, size := range map[string]int64{"SECOND": 1_000_000, "MINUTE": 60_000_000, "HOUR": 3_600_000_000, "DAY": 86_400_000_000} {
		properties = append(properties,
			property{"TIMESTAMP_DIFF(a, b, " + part + ")", func(r map[string]any) string { return fmt.Sprint((micros(r, "a") - micros(r, "b")) / size) }},
			property{"UNIX_MICROS(TIMESTAMP_TRUNC(a, " + part + "))", func(r map[string]any) string { return fmt.Sprint(floor(micros(r, "a"), size) * size) }},
		)
	}
	// Zones had other offsets to the second before 1900: rows from then on only.
	properties[9].expr = "IF(a < TIMESTAMP '1890-01-01', 'skip', CAST(" + properties[9].expr + " AS STRING))"
	checkProperties(t, 2, columns, properties)
}
