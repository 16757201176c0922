package transforms

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/ripen-data/ripen/schemas"
	"github.com/ripen-data/ripen/transforms/lineage"
	"github.com/ripen-data/ripen/transforms/syntax"
)

// cache keeps what analysis found, by the content that it was found from: a
// file per entry, <dir>/<first two digits>/<key>.json. The cache is an
// optimisation: an entry that cannot be read is not there, and a write that
// fails (a full or read-only disk) costs the next start its speed, nothing else.
type cache struct {
	dir     string // empty: no cache
	version string // of analyzer and compiler
}

// refsEntry is what a statement's text alone determines.
type refsEntry struct {
	Key  string       `json:"key"`
	Refs []syntax.Ref `json:"refs"`
}

// compiledEntry is what the text and the schemas of the tables it names determine.
type compiledEntry struct {
	Key     string           `json:"key"`
	SQL     syntax.Template  `json:"sql"`
	Columns []schemas.Column `json:"columns"`
	Params  []string         `json:"params,omitempty"`
	Lineage []lineage.Column `json:"lineage,omitempty"`
}

// refsKey leaves the file's name out: a renamed file is not analysed again.
func (c cache) refsKey(source syntax.Source) string {
	return c.key("refs", source.Text, syntax.Catalog{})
}

func (c cache) compiledKey(source syntax.Source, catalog syntax.Catalog) string {
	return c.key("compiled", source.Text, catalog)
}

// key hashes its parts as JSON, so that no two lists of parts run together.
// Descriptions of columns do not count: they change nothing that is cached.
func (c cache) key(kind, text string, catalog syntax.Catalog) string {
	type column struct{ Name, Type string }
	type table struct {
		Name    string
		Columns []column
	}
	parts := struct {
		Kind, Version, Text string
		Tables              []table
		Params              []string
	}{Kind: kind, Version: c.version, Text: text}
	for _, name := range slices.Sorted(maps.Keys(catalog.Params)) {
		parts.Params = append(parts.Params, name+" "+catalog.Params[name].String())
	}
	for _, t := range catalog.Tables {
		columns := make([]column, len(t.Columns))
		for i, col := range t.Columns {
			columns[i] = column{col.Name, col.Type.String()}
		}
		parts.Tables = append(parts.Tables, table{t.Name, columns})
	}
	return digest(parts)
}

// digest is the sha256 of a value's JSON, in hex.
func digest(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // callers pass structs of strings and numbers only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

func (c cache) path(key string) string { return filepath.Join(c.dir, key[:2], key+".json") }

// get fills entry with what is stored under key; storedKey is the field of
// entry that must then hold key, so that a file copied or cut is not believed.
func (c cache) get(key string, entry any, storedKey *string) bool {
	if c.dir == "" {
		return false
	}
	text, err := os.ReadFile(c.path(key))
	return err == nil && json.Unmarshal(text, entry) == nil && *storedKey == key
}

// put stores entry under key: readers see all of it or nothing.
func (c cache) put(key string, entry any) {
	if c.dir == "" {
		return
	}
	text, err := json.Marshal(entry)
	if err != nil {
		panic(err) // entries are structs of strings, numbers and types
	}
	path := c.path(key)
	if os.MkdirAll(filepath.Dir(path), 0o755) != nil {
		return
	}
	file, err := os.CreateTemp(filepath.Dir(path), "new-*")
	if err != nil {
		return
	}
	_, err = file.Write(text)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name()) // nothing more can be done; the next start writes it again
	}
}
