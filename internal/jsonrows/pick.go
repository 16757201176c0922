package jsonrows

// Picker reads some values of JSON objects as text, for records that are mapped
// before they meet their contract. It belongs to one goroutine.
type Picker struct {
	scan  scanner
	slots []int
	texts []string
}

// NewPicker returns a picker of dotted paths.
func NewPicker(paths []string) *Picker {
	p := &Picker{texts: make([]string, len(paths))}
	p.scan.root = newNode()
	p.scan.keepUnknown = true
	for _, path := range paths {
		p.slots = append(p.slots, p.scan.slotOf(path))
	}
	return p
}

// Pick returns the values of the paths: the text of strings, the JSON of other
// values, empty for null and for what is missing. They are overwritten by the
// next Pick. A record that is not one strict JSON object has a problem instead.
func (p *Picker) Pick(record []byte) (texts []string, problem string) {
	if !p.scan.record(record) {
		return nil, p.scan.problem()
	}
	for i, slot := range p.slots {
		v := p.scan.slots[slot]
		raw := record[v.start:v.end]
		switch {
		case v.kind == 0 || v.kind == 'n':
			p.texts[i] = ""
		case v.escaped:
			p.texts[i] = string(unescape(nil, raw))
		default:
			p.texts[i] = string(raw)
		}
	}
	return p.texts, ""
}

// Unknown yields the name and the JSON value of the last record's top-level
// fields that no path starts with.
func (p *Picker) Unknown(yield func(name string, value []byte) bool) {
	for _, u := range p.scan.unknown {
		if !yield(string(u.name(&p.scan)), p.scan.line[u.start:u.end]) {
			return
		}
	}
}
