package transforms

// intervalUnits are the lengths of intervals.
var intervalUnits = []string{"hour", "day", "week", "month"}
