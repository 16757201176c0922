package landing

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// Key names one manifest.
type Key struct {
	Source   string // name in ripen.yaml
	Table    string // contract ID
	Sequence int64  // from 1
}

const (
	manifestFolder = "manifests"
	dataFolder     = "data"
	startLayout    = "20060102T150405Z" // of a run, in the names of its files
)

func tableFolder(source, table string) string { return source + "/" + table + "/" }

func (k Key) folder() string { return tableFolder(k.Source, k.Table) }

// object is the name of the manifest in the bucket.
func (k Key) object() string {
	return fmt.Sprintf("%s%s/%06d.json", k.folder(), manifestFolder, k.Sequence)
}

// parseKey is the inverse of Key.object; false for every other name.
func parseKey(name string) (Key, bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 4 || parts[2] != manifestFolder {
		return Key{}, false
	}
	digits, isJSON := strings.CutSuffix(parts[3], ".json")
	sequence, err := strconv.ParseInt(digits, 10, 64)
	key := Key{parts[0], parts[1], sequence}
	return key, isJSON && err == nil && sequence > 0 && key.object() == name
}

// dataName is the name of a data file, taken apart.
type dataName struct {
	key     Key // of the only manifest that can name the file
	started time.Time
}

// fileName is the name of the n-th file of a run; kind is "" or "rejects-".
func fileName(key Key, run, kind string, n int) string {
	return fmt.Sprintf("%s%s/%06d-%s-%s%04d.parquet", key.folder(), dataFolder, key.Sequence, run, kind, n)
}

// parseDataName is false for names that no run has made.
func parseDataName(name string) (dataName, bool) {
	parts := strings.Split(name, "/")
	if len(parts) != 4 || parts[2] != dataFolder || !strings.HasSuffix(name, ".parquet") {
		return dataName{}, false
	}
	words := strings.SplitN(parts[3], "-", 3)
	if len(words) != 3 {
		return dataName{}, false
	}
	sequence, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil || sequence < 1 {
		return dataName{}, false
	}
	started, err := time.Parse(startLayout, words[1])
	if err != nil {
		return dataName{}, false
	}
	return dataName{Key{parts[0], parts[1], sequence}, started}, true
}

// checkSegment refuses what cannot be one folder name in every bucket.
func checkSegment(what, name string) error {
	if !fs.ValidPath(name) || strings.ContainsAny(name, `/\`) || strings.HasPrefix(name, ".") {
		return fmt.Errorf("%s %q cannot be the name of a folder", what, name)
	}
	return nil
}
