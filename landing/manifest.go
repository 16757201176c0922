package landing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"

	"github.com/ripen-data/ripen/internal/hint"
)

// maxManifestBytes bounds what is read as a manifest: about 100,000 files.
const maxManifestBytes = 32 << 20

// LoadID identifies what a manifest commits: 32 hexadecimal digits of a hash
// over its content. Names of files and the instant of the commit do not enter,
// so the same rows landed again by the same steps have the same id.
func LoadID(m Manifest) string {
	type content struct {
		Rows, Bytes int64
		SHA256      string
	}
	contents := func(files []File) []content {
		cs := make([]content, len(files))
		for i, f := range files {
			cs[i] = content{f.Rows, f.Bytes, f.SHA256}
		}
		return cs
	}
	extra := maps.Clone(m.Extra)
	if extra == nil {
		extra = map[string]int64{}
	}
	text, err := json.Marshal(struct {
		Source, Table  string
		Sequence       int64
		SchemaHash     string
		Before, After  Cursor
		Files, Rejects []content
		Extra          map[string]int64 // its keys are written in order
	}{m.Source, m.Table, m.Sequence, m.SchemaHash, m.Before, m.After, contents(m.Files), contents(m.Rejects), extra})
	if err != nil {
		panic(err) // strings and integers always have a JSON form
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Key names the manifest.
func (m Manifest) Key() Key { return Key{m.Source, m.Table, m.Sequence} }

// sealed is a manifest as it is stored. The checksum is over the JSON form of
// the manifest, so a bit that flips at rest cannot pass for another commit.
type sealed struct {
	Manifest
	Checksum string `json:"checksum"`
}

func seal(m Manifest) (sealed, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return sealed{}, err
	}
	sum := sha256.Sum256(text)
	return sealed{m, hex.EncodeToString(sum[:])}, nil
}

func writeManifest(ctx context.Context, bucket Bucket, m Manifest) error {
	stored, err := seal(m)
	if err != nil {
		return fmt.Errorf("manifest %s: %w", m.Key().object(), err)
	}
	text, err := json.MarshalIndent(stored, "", "  ")
	if err != nil {
		return fmt.Errorf("manifest %s: %w", m.Key().object(), err)
	}
	return bucket.Create(ctx, m.Key().object(), func(w io.Writer) error {
		out := newSink(w)
		_, err := out.Write(append(text, '\n'))
		return err
	})
}

func readManifest(ctx context.Context, bucket Bucket, key Key) (Manifest, error) {
	name := key.object()
	object, err := bucket.Open(ctx, name)
	if err != nil {
		return Manifest{}, fmt.Errorf("manifest: %w", err)
	}
	defer object.Close()
	if object.Size() > maxManifestBytes {
		return Manifest{}, fmt.Errorf("manifest %s: %d bytes are too many", name, object.Size())
	}
	text, err := io.ReadAll(io.LimitReader(object, maxManifestBytes))
	if err != nil {
		return Manifest{}, fmt.Errorf("manifest %s: %w", name, err)
	}
	var found sealed
	if err := json.Unmarshal(text, &found); err != nil {
		return Manifest{}, fmt.Errorf("manifest %s: %w", name, err)
	}
	again, err := seal(found.Manifest)
	switch {
	case err != nil:
		return Manifest{}, fmt.Errorf("manifest %s: %w", name, err)
	case again.Checksum != found.Checksum:
		return Manifest{}, hint.Wrap(fmt.Errorf("manifest %s: its checksum does not fit its content", name),
			"restore the file; if it was never loaded, delete it, and the next run reads its rows again")
	case found.Key() != key:
		return Manifest{}, fmt.Errorf("manifest %s: it says it is %s", name, found.Key().object())
	}
	return found.Manifest, nil
}
