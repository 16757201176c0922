package clouds_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ripen-data/ripen/internal/blob"
	_ "github.com/ripen-data/ripen/internal/blob/clouds"
)

var modified = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

// s3 is as much of the S3 protocol as listing and reading take: path style,
// pages of two keys, ranges.
func s3(objects map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, "/bucket/")
		if text, ok := objects[key]; ok {
			http.ServeContent(w, r, "", modified, strings.NewReader(text))
			return
		}
		if r.URL.Query().Get("list-type") != "2" {
			http.Error(w, "<Error><Code>NoSuchKey</Code></Error>", http.StatusNotFound)
			return
		}
		var keys []string
		for key := range objects {
			if strings.HasPrefix(key, r.URL.Query().Get("prefix")) && key > r.URL.Query().Get("continuation-token") {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		page := keys[:min(2, len(keys))]
		fmt.Fprint(w, `<?xml version="1.0"?><ListBucketResult>`)
		for _, key := range page {
			fmt.Fprintf(w, `<Contents><Key>%s</Key><Size>%d</Size><LastModified>%s</LastModified></Contents>`, key, len(objects[key]), modified.Format("2006-01-02T15:04:05.000Z"))
		}
		if len(page) < len(keys) {
			fmt.Fprintf(w, `<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>`, page[len(page)-1])
		}
		fmt.Fprint(w, `</ListBucketResult>`)
	})
}

func TestOpen_ReadsS3(t *testing.T) {
	server := httptest.NewServer(s3(map[string]string{
		"logs/2026/a.jsonl": "aaa", "logs/2026/b.jsonl": "bbb", "logs/2026/c.jsonl": "ccc", "logs/x.csv": "xxx", "other/z.jsonl": "zzz",
	}))
	defer server.Close()
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	query := "?region=eu-west-1&use_path_style=true&endpoint=" + server.URL
	for address, open := range map[string]func(string) (blob.Store, error){
		"s3://bucket/logs":            func(a string) (blob.Store, error) { return blob.Open(t.Context(), a+query) },
		"s3://bucket/logs/**/*.jsonl": func(a string) (blob.Store, error) { return blob.OpenPattern(t.Context(), "", a+query) },
	} {
		store, err := open(address)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		var texts []string
		for f, err := range store.List(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if f.Size != 3 || !f.Modified.Equal(modified) {
				t.Errorf("listing shows %+v", f)
			}
			r, err := store.Open(t.Context(), f.Name, 1)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			texts = append(texts, store.Location(f.Name)+" "+string(text))
		}
		want := []string{"s3://bucket/logs/2026/a.jsonl aa", "s3://bucket/logs/2026/b.jsonl bb", "s3://bucket/logs/2026/c.jsonl cc"}
		if !strings.Contains(address, "*") {
			want = append(want, "s3://bucket/logs/x.csv xx")
		}
		if !slices.Equal(texts, want) {
			t.Errorf("%s: read %q, want %q", address, texts, want)
		}
	}
}
