package sandbox

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var founding = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

func testConfig(accounts int, until time.Duration) Config {
	return Config{Seed: 7, Accounts: accounts, Days: 60, Start: founding, Until: founding.Add(until)}
}

func newCompany(t *testing.T, cfg Config) *Company {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	stripeKey    = "sk_test_sandbox"
	hubspotToken = "pat-na1-sandbox"
)

// ask sends one request through the handler with the vendor's key.
func ask(c *Company, method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	token := stripeKey
	if strings.HasPrefix(path, "/hubspot") {
		token = hubspotToken
	}
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	c.Handler().ServeHTTP(w, r)
	return w
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if w.Code >= 300 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v: %.300s", err, w.Body)
	}
	return v
}

type object = map[string]any

type stripePage struct {
	Object  string   `json:"object"`
	Data    []object `json:"data"`
	HasMore bool     `json:"has_more"`
	URL     string   `json:"url"`
}

// walkStripe reads a whole list, page by page.
func walkStripe(t *testing.T, c *Company, path, limit string) []object {
	t.Helper()
	var all []object
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	for after := ""; ; {
		url := path + sep + "limit=" + limit
		if after != "" {
			url += "&starting_after=" + after
		}
		page := decode[stripePage](t, ask(c, "GET", url, ""))
		all = append(all, page.Data...)
		if !page.HasMore {
			return all
		}
		after = page.Data[len(page.Data)-1]["id"].(string)
	}
}

type hubspotPage struct {
	Total   int      `json:"total"`
	Results []object `json:"results"`
	Paging  struct {
		Next struct{ After, Link string } `json:"next"`
	} `json:"paging"`
}

// walkHubSpot reads a whole collection, page by page.
func walkHubSpot(t *testing.T, c *Company, path string) []object {
	t.Helper()
	var all []object
	for after := ""; ; {
		url := path
		if after != "" {
			url += "&after=" + after
		}
		page := decode[hubspotPage](t, ask(c, "GET", url, ""))
		all = append(all, page.Results...)
		if after = page.Paging.Next.After; after == "" {
			return all
		}
	}
}

func ids(objects []object) []string {
	list := make([]string, len(objects))
	for i, o := range objects {
		list[i] = o["id"].(string)
	}
	return list
}

func distinct(t *testing.T, what string, list []string) {
	t.Helper()
	sorted := slices.Sorted(slices.Values(list))
	if n := len(slices.Compact(sorted)); n != len(list) {
		t.Errorf("%s: %d ids, %d of them distinct", what, len(list), n)
	}
}

func writeEvents(t *testing.T, c *Company, dir string) map[string][]byte {
	t.Helper()
	if err := c.WriteEvents(context.Background(), dir); err != nil {
		t.Fatal(err)
	}
	return readDir(t, dir)
}

func readDir(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// lines are the lines of all event files, in the order of their names.
func lines(t *testing.T, files map[string][]byte) []string {
	t.Helper()
	var list []string
	for _, name := range sortedNames(files) {
		z, err := gzip.NewReader(bytes.NewReader(files[name]))
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")...)
	}
	return list
}

func sortedNames(files map[string][]byte) []string {
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// call is one well-formed event line.
type call struct {
	MessageID, Type, Event, UserID, AnonymousID, GroupID string
	Name                                                 string
	Context                                              struct {
		GroupID, SessionID string
		Page               struct{ Path string }
		Campaign           object
	}
	Traits, Properties                               object
	Timestamp, OriginalTimestamp, SentAt, ReceivedAt time.Time
	line                                             string
}

// calls are the lines that a pipeline takes; bad counts the others.
func calls(t *testing.T, text []string, until time.Time) (list []call, bad int) {
	t.Helper()
	for _, line := range text {
		var k call
		if json.Unmarshal([]byte(line), &k) != nil || k.MessageID == "" || k.Timestamp.After(until) {
			bad++
			continue
		}
		k.line = line
		list = append(list, k)
	}
	return list, bad
}

func TestNew_RefusesWhatCannotBe(t *testing.T) {
	good := testConfig(200, 24*time.Hour)
	for name, spoil := range map[string]func(*Config){
		"no accounts":       func(c *Config) { c.Accounts = 0 },
		"too many accounts": func(c *Config) { c.Accounts = maxAccounts + 1 },
		"no days":           func(c *Config) { c.Days = 0 },
		"start in the day":  func(c *Config) { c.Start = c.Start.Add(time.Hour) },
		"no start":          func(c *Config) { c.Start = time.Time{} },
		"until too early":   func(c *Config) { c.Until = c.Start.Add(-time.Second) },
		"until too late":    func(c *Config) { c.Until = c.Start.AddDate(40, 0, 0) },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	cfg := good
	cfg.Until = time.Time{}
	if got := newCompany(t, cfg).Config().Until; !got.Equal(founding.AddDate(0, 0, 60)) {
		t.Errorf("until defaults to %s", got)
	}
}

func TestCompany_IsTheSameForTheSameConfig(t *testing.T) {
	cfg := testConfig(300, 50*24*time.Hour+7*time.Hour)
	a, b := newCompany(t, cfg), newCompany(t, cfg)
	filesA, filesB := writeEvents(t, a, t.TempDir()), writeEvents(t, b, t.TempDir())
	if len(filesA) < 50 {
		t.Fatalf("only %d files", len(filesA))
	}
	for name := range filesA {
		if !bytes.Equal(filesA[name], filesB[name]) {
			t.Errorf("%s differs", name)
		}
	}
	// In another order, so that no answer can depend on those before it.
	paths := []string{"/stripe/v1/customers?limit=100", "/stripe/v1/subscriptions?limit=100&status=all", "/stripe/v1/invoices?limit=100",
		"/stripe/v1/events?limit=100", "/hubspot/crm/v3/objects/companies?limit=100", "/hubspot/crm/v3/objects/emails?limit=100&associations=contacts", "/hubspot/crm/v3/owners"}
	answers := map[string]string{}
	for _, path := range paths {
		answers[path] = ask(a, "GET", path, "").Body.String()
	}
	slices.Reverse(paths)
	for _, path := range paths {
		if got := ask(b, "GET", path, "").Body.String(); got != answers[path] || len(got) < 500 {
			t.Errorf("%s differs or is short: %.200s", path, got)
		}
	}
	cfg.Seed++
	if other := writeEvents(t, newCompany(t, cfg), t.TempDir()); bytes.Equal(other["events-2026-01-20.jsonl.gz"], filesA["events-2026-01-20.jsonl.gz"]) {
		t.Error("another seed gives the same day")
	}
}

func TestHandler_LeavesUnknownVendorsAlone(t *testing.T) {
	c := newCompany(t, testConfig(200, 24*time.Hour))
	if w := ask(c, "GET", "/salesforce/services", ""); w.Code != http.StatusNotFound {
		t.Errorf("status %d", w.Code)
	}
}
