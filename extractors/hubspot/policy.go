package hubspot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ripen-data/ripen/internal/httpx"
)

// policy is what HubSpot's answers mean:
// https://developers.hubspot.com/docs/api-reference/error-handling.
type policy struct {
	clock   func() time.Time
	keyName string
}

// Budget reads the limit of the private app; search sends none.
func (policy) Budget(header http.Header) (httpx.Budget, bool) {
	number := func(name string) int {
		n, err := strconv.Atoi(header.Get("X-HubSpot-RateLimit-" + name))
		if err != nil {
			return -1
		}
		return n
	}
	b := httpx.Budget{
		Max: number("Max"), Remaining: number("Remaining"),
		Window: time.Duration(number("Interval-Milliseconds")) * time.Millisecond,
	}
	return b, b.Max > 0 && b.Remaining >= 0 && b.Window > 0
}

type failure struct {
	Message       string
	Category      string
	SubCategory   any
	ErrorType     string
	PolicyName    string
	CorrelationID string `json:"correlationId"`
	Errors        []struct {
		Message string
		Context map[string][]string
	}
}

func (p policy) Classify(resp *http.Response, body []byte) httpx.Verdict {
	status := resp.StatusCode
	if status >= 200 && status < 300 {
		return httpx.Verdict{Action: httpx.Accept, RequestID: resp.Header.Get("X-HubSpot-Correlation-Id")}
	}
	var f failure
	_ = json.Unmarshal(body, &f) // a proxy's page leaves it empty
	v := httpx.Verdict{Code: f.Category, Message: f.Message, RequestID: f.CorrelationID}
	if v.Code == "" {
		v.Code = f.ErrorType
	}
	if v.RequestID == "" {
		v.RequestID = resp.Header.Get("X-HubSpot-Correlation-Id")
	}
	switch {
	case status == http.StatusTooManyRequests:
		return p.limited(v, f, resp.Header)
	// 477: the account is being moved to another data centre.
	case status >= 500 || status == http.StatusLocked || status == 477 || status == http.StatusRequestTimeout:
		v.Action, v.After = httpx.Retry, httpx.RetryAfter(resp.Header, p.clock())
		v.Hint = "HubSpot has a problem: https://status.hubspot.com; the next run resumes where this one stopped"
	case status == http.StatusUnauthorized:
		v.Hint = fmt.Sprintf("set %s to the access token of a private app (Settings, Integrations, Private Apps)", p.keyName)
	case status == http.StatusForbidden:
		v.Hint = fmt.Sprintf("give the private app of %s the scopes %s", p.keyName, scopes(f))
	case status >= 300 && status < 400:
		v.Message, v.Hint = "redirected to another host, which was not followed", "check base_url of the source"
	}
	return v
}

// limited tells the daily quota, which ends today's work, from the short ones.
func (p policy) limited(v httpx.Verdict, f failure, header http.Header) httpx.Verdict {
	if f.PolicyName != "" {
		v.Code = f.PolicyName
	}
	said := strings.ToLower(f.PolicyName + " " + f.Message)
	if strings.Contains(said, "daily") {
		v.Action = httpx.QuotaStop
		v.Hint = "the account's daily requests are used up until midnight of its time zone; run again tomorrow, or run less often"
		return v
	}
	v.Action, v.After = httpx.Retry, httpx.RetryAfter(header, p.clock())
	v.Hint = "lower rate_limit of the source, or run when other apps of the account are quiet"
	if v.After == 0 {
		switch {
		case strings.Contains(said, "ten_secondly"):
			v.After = 10 * time.Second
		case strings.Contains(said, "secondly"):
			v.After = time.Second
		}
	}
	return v
}

func scopes(f failure) string {
	for _, e := range f.Errors {
		for name, values := range e.Context {
			if strings.Contains(strings.ToLower(name), "scope") && len(values) > 0 {
				return strings.Join(values, ", ")
			}
		}
	}
	return "crm.objects.companies.read, crm.objects.contacts.read, crm.objects.deals.read, crm.objects.owners.read and sales-email-read"
}
