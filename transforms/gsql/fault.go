package gsql

import (
	"regexp"
	"strings"
)

// faultKind says what a fault rests on: how much of the text must be sound for
// the analyzer's complaint to be true.
type faultKind int

const (
	// certainFault rests on the text alone: a function, parameter, type, table or
	// date part of that name does not exist.
	certainFault   faultKind = iota
	nameFault                // rests on what FROM and WITH offer: a column or field
	signatureFault           // rests on the types of the arguments
	unitFault                // rests on one item of SELECT, one condition, one table of FROM
	queryFault               // rests on the whole query around it
)

// fault is an error of the analyzer, placed in the author's text.
type fault struct {
	kind     faultKind
	message  string // of the analyzer
	detail   string // the candidates of a signature fault
	at       int    // byte offset in the author's text
	name     string // what is not found: a column, function, date part …
	within   string // for a column: the table it is looked for in
	searched bool   // name was looked for among the columns of FROM
	callee   string // of a signature fault: the function or operator
}

var (
	unknownName   = regexp.MustCompile("^Unrecognized name: `?([^`;]+)`?")
	unknownIn     = regexp.MustCompile("^Name `?([^`]+?)`? not found inside `?([^`;]+)`?")
	unknownField  = regexp.MustCompile("^Field name `?([^`]+?)`? does not exist in ")
	unknownCall   = regexp.MustCompile(`^Function not found: ([\w.]+)`)
	unknownListed = regexp.MustCompile("^Column `?([^` ]+)`? in (?:USING clause not found|SELECT \\* [A-Z]+ list does not exist)")
	unknownPart   = regexp.MustCompile(`^A valid date part name is required but found (\w+)`)
	otherUnknowns = regexp.MustCompile(`^(Query parameter|Table not found|Type not found|Table-valued function not found)`)
	noSignature   = regexp.MustCompile(`^No matching signature for (?:[a-z]+ )?(?:function|operator) (\S+)`)
	unitMessages  = regexp.MustCompile(`should return type|not allowed in|Aggregations of aggregations|` +
		`without an OVER clause|^Invalid .*literal|^Window ORDER BY|is ambiguous|^Cannot access field|` +
		`^Values referenced in UNNEST|^LIMIT|must be an array|uncomparable types|^Cannot cast|^Invalid cast|^Could not cast|` +
		`^Duplicate`)
)

// classify reads a message of the analyzer.
func classify(message string) fault {
	f := fault{kind: queryFault, message: message}
	if first, rest, ok := strings.Cut(message, "\n"); ok {
		f.message, f.detail = strings.TrimSpace(first), rest
	}
	switch m := f.message; {
	case unknownName.MatchString(m):
		f.kind, f.name, f.searched = nameFault, unknownName.FindStringSubmatch(m)[1], true
	case unknownIn.MatchString(m):
		found := unknownIn.FindStringSubmatch(m)
		f.kind, f.name, f.within, f.searched = nameFault, found[1], found[2], true
	case unknownField.MatchString(m):
		f.kind, f.name = nameFault, unknownField.FindStringSubmatch(m)[1]
	case unknownCall.MatchString(m):
		f.kind, f.name = certainFault, unknownCall.FindStringSubmatch(m)[1]
		f.callee = f.name
	case unknownPart.MatchString(m):
		f.kind, f.name = certainFault, unknownPart.FindStringSubmatch(m)[1]
	case unknownListed.MatchString(m):
		f.kind, f.name, f.searched = unitFault, unknownListed.FindStringSubmatch(m)[1], true
	case otherUnknowns.MatchString(m):
		f.kind = certainFault
	case noSignature.MatchString(m):
		f.kind, f.callee = signatureFault, noSignature.FindStringSubmatch(m)[1]
	case unitMessages.MatchString(m):
		f.kind = unitFault
	}
	return f
}
