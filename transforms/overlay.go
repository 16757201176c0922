package transforms

import (
	"fmt"
	"maps"

	"github.com/goccy/go-yaml"

	"github.com/ripen-data/ripen/transforms/syntax"
)

// over lays a folder of a project over the shipped folder of the same name, nil
// if there is none. One with a query of its own replaces it as a whole. One
// without keeps the shipped query: each file takes the place of the shipped one,
// except model.yaml, whose settings are merged, see mergeConfigs.
func (f *folder) over(shipped *folder) *folder {
	_, query := f.files[queryFile]
	_, data := f.files[dataFile]
	if shipped == nil || query || data || f.files == nil {
		return f
	}
	laid := &folder{dataset: f.dataset, base: f.base, files: maps.Clone(shipped.files), configured: true}
	maps.Copy(laid.files, f.files)
	if _, ok := f.files[configFile]; ok {
		laid.beneath = shipped.source(configFile)
	}
	return laid
}

// replaces is what a shipped model describes of its columns where the folder takes
// its place; nil where it does not.
func (f *folder) replaces(shipped *folder) map[string]ColumnSettings {
	if shipped == nil || shipped.files == nil || f.over(shipped) != f {
		return nil
	}
	config, err := parseConfig(shipped.source(configFile))
	if err != nil {
		return nil // a shipped fault is not the project's
	}
	return config.Columns
}

// config reads model.yaml, merged with the one beneath it.
func (f *folder) config() (*config, error) {
	own, err := parseConfig(f.source(configFile))
	if err != nil || f.beneath.Text == "" {
		return own, err
	}
	text, err := mergeConfigs(f.beneath, own.source)
	if err != nil {
		return nil, err
	}
	merged, err := parseConfig(syntax.Source{Name: own.source.Name, Text: text})
	if err != nil {
		return nil, err
	}
	merged.source = own.source // places are those in the project's file
	return merged, nil
}

// mergeConfigs lays the settings of one model.yaml over those of another: a
// mapping is merged word by word, a column's description alone leaves its other
// settings, null takes a setting away, and anything else takes the place of what
// was there.
func mergeConfigs(beneath, over syntax.Source) (string, error) {
	var under, upper map[string]any
	for source, into := range map[syntax.Source]*map[string]any{beneath: &under, over: &upper} {
		if err := yaml.Unmarshal([]byte(source.Text), into); err != nil {
			return "", fmt.Errorf("merge %s: %w", source.Name, err)
		}
	}
	for _, settings := range []map[string]any{under, upper} {
		if columns, ok := settings["columns"].(map[string]any); ok {
			for name, column := range columns {
				if text, ok := column.(string); ok {
					columns[name] = map[string]any{"description": text}
				}
			}
		}
	}
	merged, err := yaml.Marshal(merge(under, upper))
	if err != nil {
		return "", fmt.Errorf("merge %s: %w", over.Name, err)
	}
	return string(merged), nil
}

func merge(under, over any) any {
	below, ok := under.(map[string]any)
	above, both := over.(map[string]any)
	if !ok || !both {
		return over
	}
	merged := maps.Clone(below)
	for word, value := range above {
		if value == nil {
			delete(merged, word)
		} else {
			merged[word] = merge(below[word], value)
		}
	}
	return merged
}
