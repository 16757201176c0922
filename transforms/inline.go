package transforms

// Inlined is the statement of a compiled model for people: it names the stable
// views of models, but ephemeral ones, which have none, are written into it.
func (g *Graph) Inlined(compiled map[*Model]*Compiled, m *Model) string {
	return compiled[m].Render(func(table string) string {
		parent, ok := g.Project.Model(table)
		if !ok || parent.Kind != Ephemeral || compiled[parent] == nil {
			return ""
		}
		return "(\n" + g.Inlined(compiled, parent) + ")"
	})
}
