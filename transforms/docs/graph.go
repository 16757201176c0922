package docs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// drawing is the graph of the models: sources on the left, what is read by
// nobody on the right.
type drawing struct {
	Width, Height int
	Boxes         []box
	Lines         []line
}

type box struct {
	ID, Label, Title string
	Color            int // 0: a source
	X, Y, W, H       int
	TextX, TextY     int
}

type line struct {
	From, To int // boxes
	Path     string
}

// Sizes in pixels.
const (
	boxWidth  = 224
	boxHeight = 24
	rowHeight = 34
	gapWidth  = 64
	margin    = 12
	laneWidth = 10 // room of a line that passes a rank
)

// ranks are the lengths of the longest paths from a source to each table.
func ranks(s Site) map[string]int {
	rank := map[string]int{}
	for _, source := range s.Sources {
		rank[source.Name] = 0
	}
	parents := map[string][]string{}
	for _, m := range s.Models {
		for _, p := range m.Parents {
			parents[m.Name] = append(parents[m.Name], p.Name)
		}
	}
	var of func(name string) int
	of = func(name string) int {
		if r, ok := rank[name]; ok {
			return r
		}
		rank[name] = 0 // ends a circle, which a project that was read has not
		longest := 0
		for _, p := range parents[name] {
			longest = max(longest, of(p)+1)
		}
		rank[name] = longest
		return longest
	}
	for _, m := range s.Models {
		of(m.Name)
	}
	return rank
}

// vertex is a table, or a place where a long line passes a rank.
type vertex struct {
	box      int // -1: of a line
	rank     int
	in, out  []*vertex
	y        float64
	height   float64
	position int
}

// draw lays the graph out in ranks (Sugiyama's way): tables by the longest path
// that leads to them, lines bent around the tables that they pass, and each rank
// ordered so that few lines cross.
func draw(s Site, layers []layer) *drawing {
	d := &drawing{}
	color := map[string]int{}
	for _, l := range layers {
		color[l.Name] = l.Color
	}
	rank := ranks(s)
	index := map[string]int{}
	var vertices []*vertex
	add := func(b box) {
		b.W, b.H = boxWidth, boxHeight
		index[b.ID] = len(d.Boxes)
		vertices = append(vertices, &vertex{box: len(d.Boxes), rank: rank[b.ID], height: rowHeight})
		d.Boxes = append(d.Boxes, b)
	}
	for _, source := range s.Sources {
		add(box{ID: source.Name, Label: label(source.Name), Title: source.Name})
	}
	for _, m := range s.Models {
		add(box{ID: m.Name, Label: label(strings.TrimPrefix(m.Name, m.Dataset+".")), Title: m.Name, Color: color[m.Dataset]})
	}
	var edges [][2]*vertex
	for _, m := range s.Models {
		for _, p := range m.Parents {
			if from, ok := index[p.Name]; ok {
				edges = append(edges, [2]*vertex{vertices[from], vertices[index[m.Name]]})
			}
		}
	}
	pullRight(vertices, edges)
	columns := make([][]*vertex, 1)
	place := func(v *vertex) {
		for len(columns) <= v.rank {
			columns = append(columns, nil)
		}
		columns[v.rank] = append(columns[v.rank], v)
	}
	for _, v := range vertices {
		place(v)
	}
	routes := make([][]*vertex, len(edges))
	for i, e := range edges {
		route := []*vertex{e[0]}
		for r := e[0].rank + 1; r < e[1].rank; r++ {
			bend := &vertex{box: -1, rank: r, height: laneWidth}
			place(bend)
			route = append(route, bend)
		}
		route = append(route, e[1])
		for j := 1; j < len(route); j++ {
			route[j-1].out, route[j].in = append(route[j-1].out, route[j]), append(route[j].in, route[j-1])
		}
		routes[i] = route
	}
	arrange(columns)
	d.finish(vertices, columns, edges, routes)
	return d
}

// pullRight moves tables that read nothing next to their first reader.
func pullRight(vertices []*vertex, edges [][2]*vertex) {
	first := map[*vertex]int{}
	reads := map[*vertex]bool{}
	for _, e := range edges {
		reads[e[1]] = true
		if r, ok := first[e[0]]; !ok || e[1].rank < r {
			first[e[0]] = e[1].rank
		}
	}
	for _, v := range vertices {
		if r, ok := first[v]; ok && !reads[v] {
			v.rank = r - 1
		}
	}
}

// arrange orders each column by the middle of its neighbours, over and over from
// both sides, and then gives every vertex its height on the page.
func arrange(columns [][]*vertex) {
	number := func(column []*vertex) {
		for i, v := range column {
			v.position = i
		}
	}
	for _, column := range columns {
		number(column)
	}
	sweep := func(column []*vertex, neighbours func(*vertex) []*vertex) {
		slices.SortStableFunc(column, func(a, b *vertex) int { return cmp.Compare(middle(a, neighbours(a)), middle(b, neighbours(b))) })
		number(column)
	}
	for range 12 {
		for _, column := range columns {
			sweep(column, func(v *vertex) []*vertex { return v.in })
		}
		for _, column := range slices.Backward(columns) {
			sweep(column, func(v *vertex) []*vertex { return v.out })
		}
	}
	for _, column := range columns {
		spread(column, func(v *vertex) float64 { return float64(v.position) * rowHeight })
	}
	for range 12 {
		for _, column := range columns {
			spread(column, func(v *vertex) float64 { return mean(v, v.in, v.out) })
		}
		for _, column := range slices.Backward(columns) {
			spread(column, func(v *vertex) float64 { return mean(v, v.out, v.in) })
		}
	}
}

func middle(v *vertex, neighbours []*vertex) float64 {
	if len(neighbours) == 0 {
		return float64(v.position)
	}
	sum := 0.0
	for _, n := range neighbours {
		sum += float64(n.position)
	}
	return sum / float64(len(neighbours))
}

// mean is where a vertex wants to be: among its neighbours on one side, or on
// the other when it has none there.
func mean(v *vertex, sides ...[]*vertex) float64 {
	for _, neighbours := range sides {
		if len(neighbours) > 0 {
			sum := 0.0
			for _, n := range neighbours {
				sum += n.y
			}
			return sum / float64(len(neighbours))
		}
	}
	return v.y
}

// spread moves the vertices of a column to where they want to be, as far as
// their order and their heights allow: what collides shares the difference.
func spread(column []*vertex, wants func(*vertex) float64) {
	type block struct {
		vertices    []*vertex
		sum, height float64 // of wanted starts; of all vertices
	}
	start := func(b block) float64 { return b.sum / float64(len(b.vertices)) }
	var blocks []block
	for _, v := range column {
		blocks = append(blocks, block{[]*vertex{v}, wants(v) - v.height/2, v.height})
		for n := len(blocks); n > 1 && start(blocks[n-2])+blocks[n-2].height > start(blocks[n-1]); n = len(blocks) {
			above, below := blocks[n-2], blocks[n-1]
			// A vertex below wants the block to start as much higher as is above it.
			below.sum -= above.height * float64(len(below.vertices))
			blocks = append(blocks[:n-2], block{append(above.vertices, below.vertices...), above.sum + below.sum, above.height + below.height})
		}
	}
	for _, b := range blocks {
		y := start(b)
		for _, v := range b.vertices {
			v.y = y + v.height/2
			y += v.height
		}
	}
}

// finish turns vertices into boxes and routes into paths.
func (d *drawing) finish(vertices []*vertex, columns [][]*vertex, edges [][2]*vertex, routes [][]*vertex) {
	top, bottom := math.Inf(1), math.Inf(-1)
	for _, column := range columns {
		for _, v := range column {
			top, bottom = min(top, v.y), max(bottom, v.y)
		}
	}
	if len(vertices) == 0 {
		top, bottom = 0, 0
	}
	left := func(v *vertex) int { return margin + v.rank*(boxWidth+gapWidth) }
	middle := func(v *vertex) int { return margin + boxHeight/2 + int(math.Round(v.y-top)) }
	for _, v := range vertices {
		b := &d.Boxes[v.box]
		b.X, b.Y = left(v), middle(v)-boxHeight/2
		b.TextX, b.TextY = b.X+12, b.Y+16
	}
	for i, route := range routes {
		var b strings.Builder
		fmt.Fprintf(&b, "M%d %d", left(route[0])+boxWidth, middle(route[0]))
		for j, v := range route[1:] {
			fromX, fromY, x, y := left(route[j])+boxWidth, middle(route[j]), left(v), middle(v)
			fmt.Fprintf(&b, "C%d %d %d %d %d %d", fromX+gapWidth/2, fromY, x-gapWidth/2, y, x, y)
			if v.box < 0 {
				fmt.Fprintf(&b, "H%d", x+boxWidth)
			}
		}
		d.Lines = append(d.Lines, line{From: edges[i][0].box, To: edges[i][1].box, Path: b.String()})
	}
	d.Width = 2*margin + len(columns)*(boxWidth+gapWidth) - gapWidth
	d.Height = 2*margin + boxHeight + int(math.Round(bottom-top))
}

// label is a name that fits into a box.
func label(name string) string {
	const fits = 32
	if runes := []rune(name); len(runes) > fits {
		return string(runes[:fits-1]) + "…"
	}
	return name
}

// sortBy sorts names by a number, equal ones by name.
func sortBy(names []string, by func(string) float64) {
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(by(a), by(b)), cmp.Compare(a, b)) })
}
