package landing

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
)

// unfinishedRun has landed one file of two row groups and not committed it.
func unfinishedRun(t *testing.T, dir *Dir) (*Run, landed) {
	t.Helper()
	z := Open(dir, Options{Clock: testClock, MemoryBytes: 40 << 10})
	run, err := z.Begin(t.Context(), "app", allTypes())
	if err != nil {
		t.Fatal(err)
	}
	for n := int64(0); n < 140; n += 20 {
		record := testRecord(t, allTypes(), n, 20)
		if err := run.Write(record); err != nil {
			t.Fatal(err)
		}
		record.Release()
	}
	run.Checkpoint("140")
	if err := run.data.finish(); err != nil {
		t.Fatal(err)
	}
	if len(run.data.files) != 1 || len(run.data.files[0].shape.groups) < 2 {
		t.Fatalf("landed %+v, want one file of several row groups", run.data.files)
	}
	return run, run.data.files[0]
}

func TestCommit_RefusesAFileThatWasTamperedWith(t *testing.T) {
	for name, tamper := range map[string]func([]byte) []byte{
		"Half":           func(p []byte) []byte { return p[:len(p)/2] },
		"Empty":          func(p []byte) []byte { return nil },
		"OneByteLess":    func(p []byte) []byte { return p[:len(p)-1] },
		"OneByteMore":    func(p []byte) []byte { return append(p, 'x') },
		"DataBit":        func(p []byte) []byte { return flipped(p, len(p)/3) },
		"FooterBit":      func(p []byte) []byte { return flipped(p, len(p)-200) },
		"FooterLength":   func(p []byte) []byte { return flipped(p, len(p)-8) },
		"MagicAtEnd":     func(p []byte) []byte { return flipped(p, len(p)-1) },
		"MagicAtStart":   func(p []byte) []byte { return flipped(p, 0) },
		"ZeroedSecond4K": func(p []byte) []byte { clear(p[4096:8192]); return p },
	} {
		t.Run(name, func(t *testing.T) {
			dir := newDir(t)
			run, file := unfinishedRun(t, dir)
			content, err := os.ReadFile(dir.URI(file.Name))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(dir.URI(file.Name), tamper(content), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := run.Commit(t.Context()); ok || err == nil || !strings.Contains(err.Error(), file.Name) {
				t.Errorf("Commit = %v, %v, want an error that names %s", ok, err, file.Name)
			}
			if names := listAll(t, dir); len(names) != 0 {
				t.Errorf("%q stayed", names)
			}
		})
	}
}

func TestCommit_RefusesAMissingFile(t *testing.T) {
	dir := newDir(t)
	run, file := unfinishedRun(t, dir)
	if err := dir.Delete(t.Context(), file.Name); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := run.Commit(t.Context()); ok || !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), file.Name) {
		t.Errorf("Commit = %v, %v, want ErrNotExist and %s", ok, err, file.Name)
	}
}

// TestReadFooter_SurvivesEveryFlippedByte checks the footer alone, without the
// checksum that finds any flip: no damage may panic, and none may go unnoticed
// that changes what a reader would read where.
func TestReadFooter_SurvivesEveryFlippedByte(t *testing.T) {
	dir := newDir(t)
	run, file := unfinishedRun(t, dir)
	content, err := os.ReadFile(dir.URI(file.Name))
	if err := errors.Join(err, run.Abort(t.Context())); err != nil {
		t.Fatal(err)
	}
	size := int64(len(content))
	length := int64(binary.LittleEndian.Uint32(content[size-8:]))
	whole, start, err := readFooter(bytes.NewReader(content), size)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifyFooter(whole, start, file.shape); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for at := size - 8 - length; at < size; at++ {
		footer, start, err := readFooter(bytes.NewReader(flipped(content, int(at))), size)
		if err == nil {
			err = verifyFooter(footer, start, file.shape)
		}
		if err != nil {
			refused++
			continue
		}
		// What is let through may differ in statistics or in sizes that nothing
		// relies on, not in the addresses and the types of the columns.
		for g, group := range footer.RowGroups {
			for c, chunk := range group.Columns {
				was := whole.RowGroups[g].Columns[c].MetaData
				if chunk.MetaData.DataPageOffset != was.DataPageOffset && was.DictionaryPageOffset == nil ||
					chunk.MetaData.TotalCompressedSize != was.TotalCompressedSize || chunk.MetaData.Type != was.Type ||
					chunk.MetaData.NumValues != was.NumValues || chunk.MetaData.Codec != was.Codec {
					t.Fatalf("byte %d flipped: column chunk %v passes for %v", at, chunk.MetaData, was)
				}
			}
		}
	}
	if refused == 0 || int64(refused) == length+8 {
		t.Errorf("%d of %d flips were refused", refused, length+8)
	}
	for n := range content {
		if _, _, err := readFooter(bytes.NewReader(content[:n]), int64(n)); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for a Parquet file", n, size)
		}
	}
}

func TestVerify_ComparesWithWhatWasWritten(t *testing.T) {
	dir := newDir(t)
	run, file := unfinishedRun(t, dir)
	defer run.Abort(t.Context())
	fields := file.shape.schema.Fields()
	withField := func(i int, change func(*arrow.Field)) *arrow.Schema {
		changed := slices.Clone(fields)
		change(&changed[i])
		return arrow.NewSchema(changed, nil)
	}
	amount, _ := allTypesIndex("amount")
	at, _ := allTypesIndex("at")
	for name, test := range map[string]struct {
		change func(*shape)
		want   string
	}{
		"Rows":     {func(s *shape) { s.groups[1].rows++ }, "rows written"},
		"Groups":   {func(s *shape) { s.groups = s.groups[:1] }, "rows written"},
		"Nulls":    {func(s *shape) { s.groups[0].nulls[amount]++ }, "column amount: "},
		"Name":     {func(s *shape) { s.schema = withField(0, func(f *arrow.Field) { f.Name = "other" }) }, "other"},
		"Type":     {func(s *shape) { s.schema = withField(0, func(f *arrow.Field) { f.Type = arrow.BinaryTypes.String }) }, "column id: "},
		"Required": {func(s *shape) { s.schema = withField(0, func(f *arrow.Field) { f.Nullable = true }) }, "column id: "},
		"Scale": {func(s *shape) {
			s.schema = withField(amount, func(f *arrow.Field) { f.Type = &arrow.Decimal128Type{Precision: 38, Scale: 8} })
		}, "column amount: logical"},
		"Precision": {func(s *shape) {
			s.schema = withField(amount, func(f *arrow.Field) { f.Type = &arrow.Decimal128Type{Precision: 30, Scale: 9} })
		}, "column amount: logical"},
		"Stamp": {func(s *shape) {
			s.schema = withField(at, func(f *arrow.Field) { f.Type = arrow.PrimitiveTypes.Int64 })
		}, "column at: logical"},
		"Columns":  {func(s *shape) { s.schema = arrow.NewSchema(fields[1:], nil) }, "schema elements"},
		"Bytes":    {func(s *shape) { s.bytes++ }, "bytes written"},
		"Checksum": {func(s *shape) { s.crc++ }, "checksum"},
	} {
		t.Run(name, func(t *testing.T) {
			want := file.shape
			want.groups = nil
			for _, g := range file.shape.groups {
				want.groups = append(want.groups, groupShape{g.rows, slices.Clone(g.nulls)})
			}
			if err := verify(t.Context(), dir, file.Name, want); err != nil {
				t.Fatalf("unchanged: %v", err)
			}
			test.change(&want)
			err := verify(t.Context(), dir, file.Name, want)
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), file.Name) {
				t.Errorf("verify = %v, want %q and the file", err, test.want)
			}
		})
	}
}

func allTypesIndex(name string) (int, bool) {
	i := slices.IndexFunc(allTypes().ArrowSchema().Fields(), func(f arrow.Field) bool { return f.Name == name })
	return i, i >= 0
}

func TestSink_HashesWhatWasWritten(t *testing.T) {
	var out bytes.Buffer
	s := newSink(&out)
	for _, p := range []string{"abc", "", "de"} {
		if n, err := s.Write([]byte(p)); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	// sha256sum of "abcde"
	const want = "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c"
	if s.sum() != want || s.bytes != 5 || s.crc != crc32.Checksum(out.Bytes(), castagnoli) || out.String() != "abcde" {
		t.Errorf("sha256 %s of %d bytes, crc %08x, %q", s.sum(), s.bytes, s.crc, out.String())
	}
}
