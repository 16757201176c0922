package transforms

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ripen-data/ripen/transforms/lineage"
)

// textWidth is how wide a line of WriteText is before its note moves to the next.
const textWidth = 80

// WriteText prints a tree per column asked for. "~" marks a column that only
// influences the one above; what was printed before is not printed again.
func (t *Trace) WriteText(to io.Writer) error {
	w := &treeWriter{out: bufio.NewWriter(to), trace: t}
	for i, id := range t.From {
		if i > 0 {
			w.line("")
		}
		w.column(id)
	}
	return w.out.Flush()
}

type treeWriter struct {
	out     *bufio.Writer
	trace   *Trace
	printed map[place]bool
}

// line ignores errors of writing: Flush returns the first.
func (w *treeWriter) line(text string) { _, _ = w.out.WriteString(strings.TrimRight(text, " ") + "\n") }

func (w *treeWriter) column(id ColumnID) {
	column := w.trace.lineage.byID[id]
	head := id.String()
	if column.Type != "" {
		head += "  " + column.Type
	}
	w.line(head)
	if w.trace.up != nil {
		w.section("comes from", id, w.trace.up, upwards)
	}
	if w.trace.down != nil {
		w.section("goes to", id, w.trace.down, downwards)
	}
}

func (w *treeWriter) section(title string, id ColumnID, ways *ways, d direction) {
	edges := ways.edges[place{id: id}]
	if len(edges) == 0 {
		w.line("  " + title + " " + emptySection(d.edges(w.trace.lineage.byID[id]), ways.options.Kind))
		return
	}
	w.line("  " + title)
	w.printed = map[place]bool{}
	w.tree(place{id: id}, ways, d, "  ")
}

// emptySection says why a section is empty: all that there is is of the other kind.
func emptySection(all []LineageEdge, asked lineage.Kind) string {
	if asked == "" || len(all) == 0 {
		return "no column"
	}
	columns := "1 column"
	if len(all) > 1 {
		columns = strconv.Itoa(len(all)) + " columns"
	}
	if asked == lineage.Value {
		return fmt.Sprintf("no column by value; %s by influence: --kind all", columns)
	}
	return fmt.Sprintf("no column by influence; %s by value: --kind all", columns)
}

func (w *treeWriter) tree(at place, ways *ways, d direction, indent string) {
	edges := ways.edges[at]
	for i, e := range edges {
		branch, below := "├ ", "│ "
		if i == len(edges)-1 {
			branch, below = "└ ", "  "
		}
		next := d.next(at, e)
		var notes []string
		for _, how := range e.How {
			if how != lineage.Identity || len(e.How) > 1 {
				notes = append(notes, strings.ReplaceAll(string(how), "_", " "))
			}
		}
		again := w.printed[next] && len(ways.edges[next]) > 0
		if again {
			notes = append(notes, "see above")
		}
		name := d.end(e).String()
		if e.Kind == lineage.Influence {
			name = "~ " + name
		}
		w.entry(indent+branch, indent+below, name, strings.Join(notes, ", "))
		w.printed[next] = true
		if !again {
			w.tree(next, ways, d, indent+below)
		}
	}
}

// entry prints a name and its note, on a line of its own where the first is full.
func (w *treeWriter) entry(first, rest, name, note string) {
	switch {
	case note == "":
		w.line(first + name)
	case utf8.RuneCountInString(first+name)+len(note)+3 <= textWidth:
		w.line(first + name + " (" + note + ")")
	default:
		w.line(first + name)
		w.line(rest + "    (" + note + ")")
	}
}

// WriteDOT prints the trace for Graphviz: a cluster per table, dashed edges where
// a column only influences.
func (t *Trace) WriteDOT(to io.Writer) error {
	out := bufio.NewWriter(to)
	fmt.Fprint(out, "digraph lineage {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\", fontsize=10];\n")
	for i := 0; i < len(t.Columns); {
		table := t.Columns[i].Table
		fmt.Fprintf(out, "  subgraph %s {\n    label=%s;\n", dotText("cluster_"+string(t.Columns[i].Stage)+" "+table), dotText(table))
		for stage := t.Columns[i].Stage; i < len(t.Columns) && t.Columns[i].Table == table && t.Columns[i].Stage == stage; i++ {
			fmt.Fprintf(out, "    %s [label=%s];\n", dotNode(t.Columns[i].ColumnID), dotText(t.Columns[i].Column))
		}
		fmt.Fprint(out, "  }\n")
	}
	for _, e := range t.Edges {
		style := ""
		if e.Kind == lineage.Influence {
			style = " [style=dashed]"
		}
		fmt.Fprintf(out, "  %s -> %s%s;\n", dotNode(e.From), dotNode(e.To), style)
	}
	fmt.Fprint(out, "}\n")
	return out.Flush()
}

// dotNode names a node; fields and properties of one object may share a name.
func dotNode(id ColumnID) string { return dotText(string(id.Stage) + " " + id.String()) }

func dotText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ").Replace(text) + `"`
}
