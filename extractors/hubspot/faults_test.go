package hubspot

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/internal/httpx"
)

func TestExtractor_ConvergesWhereverARequestFails(t *testing.T) {
	// One story: a first run, changes, a second run. It is told once without a
	// fault, and then once for each request that may fail for good.
	story := func(fault int) (rows []string, requests int, failed bool) {
		f := newFake(t)
		f.cap = 12
		for i := range 14 {
			s := f.putAt("deals", 101+i, map[string]string{"dealname": "n0"}, f.now.Add(-time.Duration(200-i)*24*time.Hour))
			s.companies = []int{900 + i}
		}
		for id := 102; id < 110; id++ { // two pages and more
			f.archive("deals", id)
		}
		for _, id := range []int{101, 113} { // inside the stretch that the next run reads again
			f.putAt("deals", id, nil, f.now.Add(-10*time.Minute))
		}
		e := f.extractor(t, nil)
		var w warehouse
		count := 0
		f.fault = func(_ int, rw http.ResponseWriter, _ *http.Request) bool {
			count++
			if count-1 == fault {
				writeError(rw, 418, "TEAPOT", "broken")
				return true
			}
			return false
		}
		pull := func() {
			if err := w.pull(t, e, "hubspot.deals"); err != nil {
				failed = true
				w.mustPull(t, e, "hubspot.deals")
			}
		}
		pull()
		f.advance(time.Minute)
		pull()
		f.advance(2 * 24 * time.Hour)
		for i := range 25 {
			f.advance(20 * time.Minute)
			f.put("deals", 110+i, map[string]string{"dealname": "n1"})
		}
		for i := range 15 {
			f.put("deals", 300+i, map[string]string{"dealname": "bulk"})
		}
		f.archive("deals", 101)
		f.advance(time.Minute)
		pull()
		return w.column("id", "name", "is_archived", "company_id"), count, failed
	}
	want, requests, _ := story(-1)
	if len(want) != 14+25+15+1 {
		t.Fatalf("%d rows without a fault", len(want))
	}
	for fault := range requests {
		got, _, failed := story(fault)
		if !failed {
			t.Errorf("fault at request %d did not show", fault)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fault at request %d: %s", fault, diff)
		}
	}
}

func TestExtractor_StartsTheListingOverWhenItsTokenIsRefused(t *testing.T) {
	f := portal(t, 14)
	e := f.extractor(t, nil)
	var w warehouse
	f.fault = func(n int, rw http.ResponseWriter, _ *http.Request) bool {
		if n >= 3 {
			writeError(rw, 418, "TEAPOT", "broken")
		}
		return n >= 3
	}
	if err := w.pull(t, e, "hubspot.companies"); err == nil || w.cursor == "" {
		t.Fatalf("%v, cursor %q", err, w.cursor)
	}
	f.requests = nil
	f.fault = func(n int, rw http.ResponseWriter, _ *http.Request) bool {
		if n == 0 {
			writeError(rw, 400, "VALIDATION_ERROR", "invalid after")
		}
		return n == 0
	}
	w.mustPull(t, e, "hubspot.companies")
	if diff := cmp.Diff(wantIDs(101, 14), slices.Compact(w.column("id"))); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_ReadsThroughFaultsThatPass(t *testing.T) {
	f := portal(t, 25)
	f.fault = func(n int, w http.ResponseWriter, _ *http.Request) bool {
		switch n % 7 {
		case 0:
			w.Header().Set("Retry-After", "2")
			writeError(w, 429, "RATE_LIMITS", "You have reached your ten_secondly_rolling limit.")
		case 2:
			w.Header().Set("Content-Length", "9999")
			io.WriteString(w, `{"results": [{"id": "1"`)
		case 4:
			w.WriteHeader(502)
			io.WriteString(w, "<html>bad gateway")
		case 5:
			w.WriteHeader(477)
		default:
			return false
		}
		return true
	}
	var w warehouse
	e := f.extractor(t, nil)
	w.mustPull(t, e, "hubspot.companies")
	f.advance(2 * time.Hour)
	f.put("companies", 500, nil)
	f.advance(time.Minute)
	w.mustPull(t, e, "hubspot.companies")
	if diff := cmp.Diff(append(wantIDs(101, 25), "500"), w.column("id")); diff != "" {
		t.Error(diff)
	}
}

func TestExtractor_EndsWithAClearError(t *testing.T) {
	limited := func(policy, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(429)
			writeJSON(w, map[string]any{"status": "error", "message": message, "errorType": "RATE_LIMIT", "policyName": policy, "correlationId": "corr-2"})
		}
	}
	for _, test := range []struct {
		answer   http.HandlerFunc
		want     string
		wantHint string
		requests int
	}{
		{func(w http.ResponseWriter, _ *http.Request) {
			writeError(w, 401, "INVALID_AUTHENTICATION", "token "+testToken+" expired")
		}, "401 Unauthorized: INVALID_AUTHENTICATION: token [redacted] expired (request corr-1)", "set MY_TOKEN", 1},
		{func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(403)
			io.WriteString(w, `{"category":"MISSING_SCOPES","message":"no","errors":[{"message":"x","context":{"requiredGranularScopes":["crm.objects.companies.read"]}}]}`)
		}, "403 Forbidden: MISSING_SCOPES", "private app of MY_TOKEN the scopes crm.objects.companies.read", 1},
		{limited("DAILY", "You have reached your daily limit."), "DAILY", "until midnight", 1},
		{limited("TEN_SECONDLY_ROLLING", "You have reached your ten_secondly_rolling limit."), "TEN_SECONDLY_ROLLING", "rate_limit", 3},
		{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "500 Internal Server Error (after 3 attempts)", "status.hubspot.com", 3},
		{func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[]`) }, "the answer is no page of results", "", 1},
	} {
		f := portal(t, 3)
		f.fault = func(_ int, w http.ResponseWriter, r *http.Request) bool { test.answer(w, r); return true }
		err := new(warehouse).pull(t, f.extractor(t, func(c *Config) { c.KeyName = "MY_TOKEN" }), "hubspot.companies")
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
		if hints := strings.Join(hint.Of(err), "; "); !strings.Contains(hints, test.wantHint) {
			t.Errorf("hints %q, want %q", hints, test.wantHint)
		}
		if n := len(f.takeRequests()); n != test.requests {
			t.Errorf("%v: after %d requests, want %d", err, n, test.requests)
		}
		if errors.Is(err, httpx.ErrQuota) != strings.Contains(test.want, "DAILY") {
			t.Errorf("quota: %v", err)
		}
		if strings.Contains(fmt.Sprint(err, hint.Of(err)), testToken) {
			t.Errorf("shows the token: %v", err)
		}
	}
}

func TestExtractor_FailsWhenAssociationsCannotBeRead(t *testing.T) {
	f := newFake(t)
	e := f.extractor(t, nil)
	f.putAt("deals", 1, nil, f.now.Add(-48*time.Hour))
	var w warehouse
	w.mustPull(t, e, "hubspot.deals")
	f.advance(time.Hour)
	f.put("deals", 1, map[string]string{"dealname": "x"})
	f.advance(time.Minute)
	f.fault = func(_ int, rw http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/v4/") {
			return false
		}
		rw.WriteHeader(http.StatusMultiStatus)
		io.WriteString(rw, `{"status":"COMPLETE","results":[],"numErrors":1,"errors":[{"category":"VALIDATION_ERROR","message":"odd"}]}`)
		return true
	}
	if err := w.pull(t, e, "hubspot.deals"); err == nil || !strings.Contains(err.Error(), "VALIDATION_ERROR: odd") {
		t.Errorf("a batch that failed in part was taken: %v", err)
	}
	if len(w.rows) != 1 {
		t.Errorf("%d rows", len(w.rows))
	}
}
