package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ripen-data/ripen/internal/hint"
)

const secret = "sk_test_very_secret"

// simple is a policy like most vendors': 429 and 5xx are worth another attempt.
type simple struct{}

func (simple) Classify(resp *http.Response, body []byte) Verdict {
	v := Verdict{RequestID: resp.Header.Get("Request-Id"), Hint: "do something"}
	switch {
	case resp.StatusCode < 300:
		v.Action = Accept
	case resp.StatusCode == 429 && strings.Contains(string(body), "daily"):
		v.Action = QuotaStop
	case resp.StatusCode == 429, resp.StatusCode >= 500:
		v.Action, v.After = Retry, RetryAfter(resp.Header, time.Time{})
	}
	var answer struct{ Code, Message string }
	_ = json.Unmarshal(body, &answer)
	v.Code, v.Message = answer.Code, answer.Message
	return v
}

func (simple) Budget(h http.Header) (Budget, bool) {
	var b Budget
	_, err := fmt.Sscanf(h.Get("Limit"), "%d/%d", &b.Remaining, &b.Max)
	b.Window = 10 * time.Second
	return b, err == nil
}

// timeline is a clock that only sleeping moves.
type timeline struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *timeline) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *timeline) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func (c *timeline) total() (sum time.Duration) {
	for _, d := range c.slept {
		sum += d
	}
	return sum
}

func newTest(t *testing.T, handler http.HandlerFunc, change func(*Options)) (*Client, *timeline) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	clock := &timeline{now: time.Unix(1_700_000_000, 0)}
	o := Options{
		Source: "vendor", BaseURL: server.URL, Token: secret, Policy: simple{},
		Clock: clock.Now, Sleep: clock.Sleep, Rand: func() float64 { return 0.5 },
	}
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, clock
}

var ask = Request{Path: "/v1/things", Query: url.Values{"email": {"ann@example.com"}}, Table: "vendor.things"}

// answers serves one answer after the other; the last one again and again.
func answers(list ...http.HandlerFunc) (http.HandlerFunc, func() int) {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			i := min(n, len(list)-1)
			n++
			mu.Unlock()
			list[i](w, r)
		}, func() int {
			mu.Lock()
			defer mu.Unlock()
			return n
		}
}

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"code": "c%d", "message": "m"}`, code)
	}
}

func fine(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{ \"ok\": true }\n") }

// cutBody promises more than it sends.
func cutBody(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	io.WriteString(w, `{"data":[`)
}

// cutChunk breaks a chunked body off.
func cutChunk(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, `{"data":[`)
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) }
}

func TestClient_TriesAgainWhateverBreaksOnTheWay(t *testing.T) {
	handler, count := answers(status(500), status(429, "Retry-After", "7"), cutBody, cutChunk, text(`{"data":[`), fine)
	c, clock := newTest(t, handler, nil)
	body, err := c.Do(context.Background(), ask)
	if err != nil || string(body) != `{"ok":true}` || count() != 6 {
		t.Fatalf("%s, %v after %d requests", body, err, count())
	}
	want := []time.Duration{250 * time.Millisecond, 7 * time.Second, time.Second, 2 * time.Second, 4 * time.Second}
	if fmt.Sprint(clock.slept) != fmt.Sprint(want) {
		t.Errorf("slept %v, want %v", clock.slept, want)
	}
}

func TestClient_RepeatsTheBodyOfAPost(t *testing.T) {
	var bodies []string
	c, _ := newTest(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(body))
		if len(bodies) < 3 {
			w.WriteHeader(503)
			return
		}
		fine(w, r)
	}, nil)
	if _, err := c.Do(context.Background(), Request{Method: "POST", Path: "/search", Body: []byte(`{"a":1}`)}); err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(bodies) != `[{"a":1} {"a":1} {"a":1}]` {
		t.Errorf("sent %v", bodies)
	}
}

func TestClient_GivesUpWithAnErrorThatCanBeShown(t *testing.T) {
	for _, test := range []struct {
		name     string
		answer   http.HandlerFunc
		requests int
		want     string
	}{
		{"401", status(401, "Request-Id", "req_1"), 1, "vendor.things: GET /v1/things: 401 Unauthorized: c401: m (request req_1)"},
		{"400", status(400), 1, "vendor.things: GET /v1/things: 400 Bad Request: c400: m"},
		{"500", status(500), 6, "vendor.things: GET /v1/things: 500 Internal Server Error: c500: m (after 6 attempts)"},
		{"cut", cutBody, 6, "vendor.things: GET /v1/things: 200 OK: the body broke after 9 bytes: unexpected EOF (after 6 attempts)"},
		{"page of a proxy", text("<html>"), 6, "vendor.things: GET /v1/things: 200 OK: the body is no JSON, 6 bytes: invalid character '<' looking for beginning of value (after 6 attempts)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler, count := answers(test.answer)
			c, _ := newTest(t, handler, nil)
			_, err := c.Do(context.Background(), ask)
			if err == nil || err.Error() != test.want || count() != test.requests {
				t.Errorf("after %d requests: %v\nwant %s", count(), err, test.want)
			}
			var typed *Error
			if !errors.As(err, &typed) || typed.Table != "vendor.things" || Status(err) != typed.Status {
				t.Errorf("not a typed error: %#v", err)
			}
		})
	}
}

func TestClient_StopsAtAQuotaWithoutFurtherRequests(t *testing.T) {
	handler, count := answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(429)
		io.WriteString(w, `{"code":"daily"}`)
	})
	c, _ := newTest(t, handler, nil)
	_, err := c.Do(context.Background(), ask)
	if !errors.Is(err, ErrQuota) || count() != 1 {
		t.Errorf("%v after %d requests", err, count())
	}
	if hints := hint.Of(err); len(hints) != 1 || hints[0] != "do something" {
		t.Errorf("hints: %q", hints)
	}
}

func TestClient_CapsWhatTheServerMayAskFor(t *testing.T) {
	handler, _ := answers(status(429, "Retry-After", "86400"), status(429, "Retry-After", "86400"), fine)
	c, clock := newTest(t, handler, func(o *Options) { o.MaxWait = 30 * time.Second })
	if _, err := c.Do(context.Background(), ask); err != nil {
		t.Fatal(err)
	}
	if clock.total() != time.Minute {
		t.Errorf("slept %v", clock.slept)
	}
}

func TestClient_SpendsNoMoreThanItsBudget(t *testing.T) {
	handler, count := answers(status(429, "Retry-After", "50"))
	c, clock := newTest(t, handler, func(o *Options) { o.Budget = 2 * time.Minute })
	_, err := c.Do(context.Background(), ask)
	if Status(err) != 429 || count() != 3 || clock.total() != 100*time.Second {
		t.Errorf("%v after %d requests and %v", err, count(), clock.total())
	}
}

func TestClient_RefusesABodyBeyondItsBound(t *testing.T) {
	handler, count := answers(text(`"` + strings.Repeat("x", 5000) + `"`))
	c, _ := newTest(t, handler, func(o *Options) { o.MaxBody = 4096 })
	_, err := c.Do(context.Background(), ask)
	if err == nil || !strings.Contains(err.Error(), "larger than 4096 bytes") || count() != 1 {
		t.Errorf("%v after %d requests", err, count())
	}
}

func TestClient_BoundsAnAttemptThatHangs(t *testing.T) {
	release := make(chan struct{})
	handler, count := answers(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}, fine)
	c, _ := newTest(t, handler, func(o *Options) { o.Timeout = 50 * time.Millisecond })
	defer close(release)
	if _, err := c.Do(context.Background(), ask); err != nil || count() != 2 {
		t.Errorf("%v after %d requests", err, count())
	}
}

func TestClient_SendsItsTokenToItsOwnHostOnly(t *testing.T) {
	stolen := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stolen <- r.Header.Get("Authorization")
		fine(w, r)
	}))
	defer other.Close()
	var got string
	handler, _ := answers(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Get("Authorization")
		http.Redirect(w, r, other.URL+"/elsewhere?key="+secret, http.StatusFound)
	})
	c, _ := newTest(t, handler, nil)
	_, err := c.Do(context.Background(), ask)
	if Status(err) != http.StatusFound || len(stolen) != 0 || got != "Bearer "+secret {
		t.Errorf("%v; the other host got %d requests; own host got %q", err, len(stolen), got)
	}
}

func TestClient_NeverShowsTokenOrQuery(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(403)
		fmt.Fprintf(w, `{"code":"bad","message":"key %s may not"}`, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	}
	c, _ := newTest(t, echo, nil)
	_, refused := c.Do(context.Background(), ask)
	gone, _ := newTest(t, fine, func(o *Options) { o.BaseURL = "http://127.0.0.1:1" })
	_, unreachable := gone.Do(context.Background(), ask)
	for _, err := range []error{refused, unreachable} {
		if err == nil {
			t.Fatal("no error")
		}
		all := fmt.Sprintf("%v %+v %q", err, err, hint.Of(err))
		if strings.Contains(all, secret) || strings.Contains(all, "ann") {
			t.Errorf("shown: %s", all)
		}
	}
	if !strings.Contains(refused.Error(), "[redacted]") {
		t.Errorf("%v", refused)
	}
}

func TestClient_EndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	handler, count := answers(func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(500)
	})
	c, _ := newTest(t, handler, nil)
	_, err := c.Do(ctx, ask)
	if !errors.Is(err, context.Canceled) || count() != 1 {
		t.Errorf("%v after %d requests", err, count())
	}
}

func TestClient_KeepsToItsRate(t *testing.T) {
	handler, _ := answers(fine)
	c, clock := newTest(t, handler, func(o *Options) {
		o.Limits = map[string]Limit{"": {PerSecond: 10, Burst: 5}, "other": {PerSecond: 1, Burst: 1}}
	})
	for range 25 {
		if _, err := c.Do(context.Background(), ask); err != nil {
			t.Fatal(err)
		}
	}
	if got := clock.total(); got < 1990*time.Millisecond || got > 2010*time.Millisecond {
		t.Errorf("25 requests at 10/s with a burst of 5 waited %v", got)
	}
}

func TestClient_LetsTheVendorsHeadersWin(t *testing.T) {
	handler, _ := answers(
		func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Limit", "0/100"); fine(w, r) },
		func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Limit", "900/1000"); fine(w, r) },
	)
	c, clock := newTest(t, handler, func(o *Options) { o.Limits = map[string]Limit{"": {PerSecond: 1, Burst: 1}} })
	for range 2 {
		if _, err := c.Do(context.Background(), ask); err != nil {
			t.Fatal(err)
		}
	}
	if clock.total() != 10*time.Second {
		t.Errorf("with nothing remaining it waited %v", clock.total())
	}
	clock.slept = nil
	for range 91 {
		if _, err := c.Do(context.Background(), ask); err != nil {
			t.Fatal(err)
		}
	}
	if got := clock.total(); got > 1200*time.Millisecond {
		t.Errorf("at 1000 per 10 s, 91 requests waited %v", got)
	}
}

func TestNew_RefusesAnAddressThatWouldLeak(t *testing.T) {
	for _, address := range []string{"", "api.stripe.com", "ftp://x", "http://api.stripe.com", "https://user:pw@host", "https://host/?key=1"} {
		if _, err := New(Options{Source: "vendor", BaseURL: address}); err == nil || len(hint.Of(err)) == 0 {
			t.Errorf("%q: %v", address, err)
		}
	}
	for _, address := range []string{"https://api.stripe.com", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:2"} {
		if _, err := New(Options{Source: "vendor", BaseURL: address}); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestRetryAfter_ReadsSecondsAndDates(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "5": 5 * time.Second, "0.5": 500 * time.Millisecond, "-1": 0, "soon": 0, "1e300": 0,
		"Sun, 01 Mar 2026 12:01:00 GMT": time.Minute, "Sun, 01 Mar 2026 11:00:00 GMT": 0,
	} {
		if got := RetryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}
