// Package httpx is the one HTTP client of the extractors: JSON requests to one
// vendor with retries, a rate limit and errors that can be shown.
//
// Promise: Do returns the whole body of an accepted answer, one JSON value
// without insignificant space, or an *Error. A body that breaks, ends early or is no JSON counts
// as a failed attempt, so a caller never sees half a page. What is worth another
// attempt is decided by the vendor's Policy; hashicorp/go-retryablehttp carries
// the attempts, and none of its defaults is used: they log URLs and honour any
// Retry-After, however long.
//
// The token is sent as a Bearer header to the configured host only. A redirect
// to another host is refused, and neither errors nor hints contain the token or
// the query of a URL.
package httpx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/ripen-data/ripen/internal/hint"
)

// Options configures a Client. Zero values take the defaults given here.
type Options struct {
	Source  string      // vendor, named in errors, e.g. stripe
	BaseURL string      // e.g. https://api.stripe.com; http is allowed to loopback only
	Token   string      // Bearer token
	Header  http.Header // sent with every request
	Policy  Policy

	Limits      map[string]Limit // per Request.Class; a class without one is not limited
	MaxAttempts int              // 6
	MinBackoff  time.Duration    // 500 ms: bound of the first wait; doubles per attempt
	MaxBackoff  time.Duration    // 20 s
	MaxWait     time.Duration    // 60 s: longest wait that the server may ask for
	Budget      time.Duration    // 5 min: one call, all its attempts and waits
	Timeout     time.Duration    // 60 s: one attempt, body included
	MaxBody     int64            // 64 MiB, inflated

	Transport http.RoundTripper
	Clock     func() time.Time // times waits
	// SourceClock is what the source calls now, compared with the vendor's Date; nil: Clock.
	SourceClock func() time.Time
	Sleep       func(context.Context, time.Duration) error
	Rand        func() float64 // in [0, 1)
}

// Request is one call of an API.
type Request struct {
	Method string // GET by default
	Path   string // below the base URL, e.g. /v1/customers
	Query  url.Values
	Body   []byte // JSON
	Table  string // contract the call serves, named in errors
	Class  string // rate limit it counts against
}

// Client calls one vendor. It is safe for concurrent use.
type Client struct {
	options  Options
	base     *url.URL
	http     *http.Client
	limiters map[string]*limiter
	dated    sync.Once
	behind   atomic.Pointer[time.Time] // time of the vendor's first answer, if our clock was ahead of it
}

// New returns a client, or an error if the base URL cannot be used.
func New(o Options) (*Client, error) {
	base, err := url.Parse(o.BaseURL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		return nil, hint.New(fmt.Sprintf("%s: base_url is not an address", o.Source), "write it as https://host")
	case base.User != nil || base.RawQuery != "":
		return nil, hint.New(fmt.Sprintf("%s: base_url carries credentials or a query", o.Source), "credentials belong into an environment variable")
	case base.Scheme == "http" && !isLoopback(base.Hostname()):
		return nil, hint.New(fmt.Sprintf("%s: base_url would send the token unencrypted", o.Source), "use https; http is for 127.0.0.1 only")
	}
	setDefault(&o.MaxAttempts, 6)
	setDefault(&o.MinBackoff, 500*time.Millisecond)
	setDefault(&o.MaxBackoff, 20*time.Second)
	setDefault(&o.MaxWait, time.Minute)
	setDefault(&o.Budget, 5*time.Minute)
	setDefault(&o.Timeout, time.Minute)
	setDefault(&o.MaxBody, 64<<20)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.SourceClock == nil {
		o.SourceClock = o.Clock
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.Transport == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = 16
		o.Transport = transport
	}
	c := &Client{options: o, base: base, limiters: map[string]*limiter{}}
	c.http = &http.Client{Transport: o.Transport, Timeout: o.Timeout, CheckRedirect: stayAtHost}
	for class, limit := range o.Limits {
		c.limiters[class] = newLimiter(limit, o.Clock())
	}
	return c, nil
}

func setDefault[T int | int64 | time.Duration](value *T, to T) {
	if *value <= 0 {
		*value = to
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// stayAtHost follows redirects within one host. net/http drops the token only
// where the host name changes, not where the port or the scheme does.
func stayAtHost(req *http.Request, via []*http.Request) error {
	if first := via[0].URL; req.URL.Host != first.Host || req.URL.Scheme != first.Scheme || len(via) > 3 {
		return http.ErrUseLastResponse
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Do carries out r and returns the body of the accepted answer: one JSON value,
// compacted. The error is an *Error, perhaps with a hint around it.
func (c *Client) Do(ctx context.Context, r Request) ([]byte, error) {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	at := c.base.JoinPath(r.Path)
	at.RawQuery = r.Query.Encode()
	var content any
	if r.Body != nil {
		content = r.Body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.Method, at.String(), content)
	if err != nil {
		return nil, fmt.Errorf("%s: %s %s: %w", c.options.Source, r.Method, r.Path, withoutURL(err))
	}
	for name, values := range c.options.Header {
		req.Header[name] = values
	}
	req.Header.Set("Authorization", "Bearer "+c.options.Token)
	req.Header.Set("Accept", "application/json")
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	attempts := &call{client: c, request: r, started: c.options.Clock()}
	return attempts.do(req)
}

// call is the state of one Do over its attempts.
type call struct {
	client   *Client
	request  Request
	started  time.Time
	attempts int
	body     []byte        // of the accepted answer
	failure  *Error        // of the last attempt
	advice   string        // hint for failure
	after    time.Duration // wait the server asked for; 0: our own backoff
}

func (a *call) do(req *retryablehttp.Request) ([]byte, error) {
	c := a.client
	retrying := retryablehttp.Client{
		HTTPClient: c.http,
		RetryMax:   c.options.MaxAttempts - 1,
		CheckRetry: a.check,
		// The library's own timer cannot be replaced, so the wait is done in PrepareRetry.
		Backoff:      func(time.Duration, time.Duration, int, *http.Response) time.Duration { return 0 },
		PrepareRetry: a.prepareRetry,
		ErrorHandler: func(resp *http.Response, err error, _ int) (*http.Response, error) { return resp, err },
	}
	if err := c.admit(req.Context(), a.request.Class); err != nil {
		return nil, a.cancelled(err)
	}
	_, err := retrying.Do(req)
	if cause := context.Cause(req.Context()); cause != nil {
		return nil, a.cancelled(cause)
	}
	if a.failure != nil {
		a.failure.Attempts = a.attempts
		if a.advice != "" {
			return nil, hint.Wrap(a.failure, "%s", a.advice)
		}
		return nil, a.failure
	}
	if err != nil {
		return nil, a.cancelled(withoutURL(err))
	}
	return a.body, nil
}

// admit waits until the rate limit of the class allows one more request.
func (c *Client) admit(ctx context.Context, class string) error {
	l := c.limiters[class]
	if l == nil {
		return ctx.Err()
	}
	for {
		wait := l.reserve(c.options.Clock())
		if wait <= 0 {
			return ctx.Err()
		}
		if err := c.options.Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

func (a *call) cancelled(err error) error {
	return a.newError(0, Verdict{}, err)
}

// check is the CheckRetry of the call. It reads the body here, so that a body
// that breaks is one more failed attempt.
func (a *call) check(ctx context.Context, resp *http.Response, err error) (bool, error) {
	a.attempts++
	a.body, a.failure, a.advice, a.after = nil, nil, "", 0
	if ctx.Err() != nil {
		closeBody(resp)
		return false, ctx.Err()
	}
	if err != nil {
		a.failure = a.newError(0, Verdict{}, withoutURL(err))
		a.advice = fmt.Sprintf("check that %s can be reached from here, and the proxy settings", a.client.base.Host)
		return isWorthRetrying(err), nil
	}
	c := a.client
	c.compareClocks(resp.Header)
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, c.options.MaxBody+1))
	closeBody(resp)
	resp.Body = http.NoBody
	if l := c.limiters[a.request.Class]; l != nil {
		if budget, ok := c.options.Policy.Budget(resp.Header); ok {
			l.correct(budget, c.options.Clock())
		}
	}
	verdict := c.options.Policy.Classify(resp, body[:min(len(body), maxErrorBody)])
	switch verdict.Action {
	case Accept:
		switch {
		case readErr != nil:
			a.failure = a.newError(resp.StatusCode, verdict, fmt.Errorf("the body broke after %d bytes: %w", len(body), readErr))
			return true, nil
		case int64(len(body)) > c.options.MaxBody:
			a.failure = a.newError(resp.StatusCode, verdict, fmt.Errorf("the body is larger than %d bytes", c.options.MaxBody))
			return false, nil
		}
		// Vendors indent their answers for people; rows keep parts of them.
		var compact bytes.Buffer
		compact.Grow(len(body))
		if err := json.Compact(&compact, body); err != nil {
			a.failure = a.newError(resp.StatusCode, verdict, fmt.Errorf("the body is no JSON, %d bytes: %w", len(body), err))
			return true, nil
		}
		a.body = compact.Bytes()
		return false, nil
	case Retry:
		a.failure, a.advice, a.after = a.newError(resp.StatusCode, verdict, nil), verdict.Hint, verdict.After
		if l := c.limiters[a.request.Class]; l != nil && resp.StatusCode == http.StatusTooManyRequests {
			l.hold(c.options.Clock().Add(min(verdict.After, c.options.MaxWait)))
		}
		return true, nil
	case QuotaStop:
		a.failure, a.advice = a.newError(resp.StatusCode, verdict, ErrQuota), verdict.Hint
		return false, nil
	default:
		a.failure, a.advice = a.newError(resp.StatusCode, verdict, nil), verdict.Hint
		return false, nil
	}
}

// maxErrorBody bounds what a policy sees of a body.
const maxErrorBody = 64 << 10

func closeBody(resp *http.Response) {
	if resp != nil && resp.Body != nil {
		resp.Body.Close()
	}
}

// isWorthRetrying is false for what the next attempt would meet again.
func isWorthRetrying(err error) bool {
	text := err.Error()
	for _, permanent := range []string{"unsupported protocol scheme", "invalid header", "certificate", "x509:"} {
		if strings.Contains(text, permanent) {
			return false
		}
	}
	return true
}

// prepareRetry waits before the next attempt: what the server asked for, capped,
// or a random part of the exponential backoff ("full jitter").
func (a *call) prepareRetry(req *http.Request) error {
	o := a.client.options
	wait := min(a.after, o.MaxWait)
	if wait <= 0 {
		bound := o.MinBackoff << min(a.attempts-1, 30)
		if bound <= 0 || bound > o.MaxBackoff {
			bound = o.MaxBackoff
		}
		wait = time.Duration(o.Rand() * float64(bound))
	}
	if spent := o.Clock().Sub(a.started); spent+wait > o.Budget {
		return fmt.Errorf("gave up after %s", spent.Round(time.Second))
	}
	if err := o.Sleep(req.Context(), wait); err != nil {
		return err
	}
	return a.client.admit(req.Context(), a.request.Class)
}

func (a *call) newError(status int, v Verdict, err error) *Error {
	redact := func(text string) string {
		if token := a.client.options.Token; token != "" {
			text = strings.ReplaceAll(text, token, "[redacted]")
		}
		return cut(text, 500)
	}
	return &Error{
		Source: a.client.options.Source, Table: a.request.Table, Method: a.request.Method, Path: a.request.Path,
		Status: status, Code: redact(v.Code), Message: redact(v.Message), RequestID: redact(v.RequestID),
		Attempts: a.attempts, Err: err,
	}
}

func cut(text string, limit int) string {
	if len(text) > limit {
		return string(bytes.ToValidUTF8([]byte(text[:limit]), nil)) + "…"
	}
	return text
}

// withoutURL drops the wrapper with which net/http names the whole URL, query included.
func withoutURL(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
