package transforms

import "time"

// intervalUnits are the lengths of intervals.
var intervalUnits = []string{"hour", "day", "week", "month"}

// Window is a stretch of time, half open.
type Window struct{ Start, End time.Time }

// overlaps reports whether an instant is in both.
func (w Window) overlaps(v Window) bool { return w.Start.Before(v.End) && v.Start.Before(w.End) }

// floor is the start of the interval that t is in, UTC. Weeks start on Monday.
func floor(unit string, t time.Time) time.Time {
	t = t.UTC()
	switch unit {
	case "hour":
		return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), 0, 0, 0, time.UTC)
	case "week":
		monday := t.Day() - (int(t.Weekday())+6)%7
		return time.Date(t.Year(), t.Month(), monday, 0, 0, 0, 0, time.UTC)
	case "month":
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// next is the start of the interval behind the one that starts at t.
func next(unit string, t time.Time) time.Time {
	switch unit {
	case "hour":
		return t.Add(time.Hour)
	case "week":
		return t.AddDate(0, 0, 7)
	case "month":
		return t.AddDate(0, 1, 0)
	}
	return t.AddDate(0, 0, 1)
}

// intervalAt is the interval that t is in.
func intervalAt(unit string, t time.Time) Window {
	start := floor(unit, t)
	return Window{start, next(unit, start)}
}

// intervalsIn are the intervals that have an instant in w, in order.
func intervalsIn(unit string, w Window) []Window {
	var list []Window
	for start := floor(unit, w.Start); start.Before(w.End); start = next(unit, start) {
		list = append(list, Window{start, next(unit, start)})
	}
	return list
}

// runs joins sorted intervals that touch into windows of at most size intervals; 0 means no bound.
func runs(intervals []Window, size int) [][]Window {
	var list [][]Window
	for _, w := range intervals {
		last := len(list) - 1
		if last >= 0 && list[last][len(list[last])-1].End.Equal(w.Start) && (size == 0 || len(list[last]) < size) {
			list[last] = append(list[last], w)
		} else {
			list = append(list, []Window{w})
		}
	}
	return list
}
