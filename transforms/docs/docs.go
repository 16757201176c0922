// Package docs writes what is known of a project's models as one HTML page.
//
// The page is a single file that needs nothing else: no network, no server, no
// script to be read or printed. The script that it carries adds the search, one
// model at a time instead of all in a row, and the highlighting in the graph.
// Equal projects make equal pages, byte by byte: nothing in it says when it was
// written.
package docs

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"time"
)

// Site is everything that the page shows.
type Site struct {
	Project string
	Version string   // of ripen
	Sources []Source // raw tables that the models read, by name
	Models  []Model  // by dataset and name
}

// Source is a raw table.
type Source struct {
	Name        string // raw_stripe.invoices
	Description string
	Columns     []Column
	Children    []Link // models that read it
}

// Model is one version of one model.
type Model struct {
	Name        string // as people say it: dataset.model, with the version unless it is the latest
	Dataset     string
	Version     int
	Origin      string // where it comes from: shipped, project, or both
	Kind        string // of materialization
	Grain       string
	Description string
	Owner       string
	Tags        []string
	Key         []string
	Columns     []Column
	Checks      []string // beside those of columns
	Parents     []Link   // models, then raw tables
	Children    []Link
	Cases       []string // names of unit cases
	Path        string   // of the query
	SQL         string   // GoogleSQL
	Compiled    string   // what runs on the warehouse
	Build       *Build   // nil: never built
}

// Column is one column of a model.
type Column struct {
	Name        string
	Type        string
	Description string
	IsKey       bool
	Checks      []string
	From        []Origin // what it is computed from
	To          []Origin // what is computed from it
}

// Origin is a column that another one is computed from, or the other way round.
type Origin struct {
	Link
	Column string
	How    string // identity, transformation, …; empty where nobody knows
}

// Link names a table; ID is its place in the page, empty when it is not there.
type Link struct{ Name, ID string }

// Build is the last published build of a model.
type Build struct {
	Table   string
	Rows    int64
	BuiltAt time.Time
}

//go:embed page.html.tmpl page.css page.js
var files embed.FS

// page is what the template reads.
type page struct {
	Site
	Style  template.CSS
	Script template.JS
	Layers []layer
	Graph  *drawing
	Words  []words
}

// layer is the models of one dataset.
type layer struct {
	Name   string
	Color  int // of the palette in page.css
	Models []Model
}

// words are what the search looks through.
type words struct {
	ID   string   `json:"id"`
	Text []string `json:"text"` // name, then the rest, in the order in which hits count
}

// Write writes the page.
func Write(w io.Writer, site Site) error {
	style, err := files.ReadFile("page.css")
	if err != nil {
		return err
	}
	script, err := files.ReadFile("page.js")
	if err != nil {
		return err
	}
	links := map[string]string{}
	for _, source := range site.Sources {
		links[source.Name] = source.Name
	}
	for _, m := range site.Models {
		links[m.Name], links[fmt.Sprintf("%s_v%d", m.Name, m.Version)] = m.Name, m.Name
	}
	text, err := template.New("page.html.tmpl").Funcs(template.FuncMap{
		"sql":  func(text string) template.HTML { return highlight(text, links) },
		"iso":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"when": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	}).ParseFS(files, "page.html.tmpl")
	if err != nil {
		return err
	}
	layers := site.layers()
	return text.Execute(w, page{
		Site: site, Style: template.CSS(style), Script: template.JS(script), //nolint:gosec // our own files
		Layers: layers, Graph: draw(site, layers), Words: site.words(),
	})
}

// layers groups the models by dataset, what is read before what reads it.
func (s Site) layers() []layer {
	depth := map[string]float64{}
	rank := ranks(s)
	byName := map[string][]Model{}
	var names []string
	for _, m := range s.Models {
		if byName[m.Dataset] == nil {
			names = append(names, m.Dataset)
		}
		byName[m.Dataset] = append(byName[m.Dataset], m)
		depth[m.Dataset] = max(depth[m.Dataset], float64(rank[m.Name]))
	}
	sortBy(names, func(name string) float64 { return depth[name] }) // that of its last model
	layers := make([]layer, len(names))
	for i, name := range names {
		layers[i] = layer{Name: name, Color: i%colors + 1, Models: byName[name]}
	}
	return layers
}

// colors is the number of layer colours in page.css.
const colors = 8

func (s Site) words() []words {
	all := make([]words, 0, len(s.Models)+len(s.Sources))
	for _, m := range s.Models {
		text := []string{m.Name, m.Owner, m.Grain, m.Description}
		text = append(text, m.Tags...)
		for _, c := range m.Columns {
			text = append(text, c.Name)
		}
		for _, c := range m.Columns {
			text = append(text, c.Description)
		}
		all = append(all, words{ID: m.Name, Text: text})
	}
	for _, source := range s.Sources {
		all = append(all, words{ID: source.Name, Text: []string{source.Name, source.Description}})
	}
	return all
}
