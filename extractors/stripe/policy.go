package stripe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/ripen-data/ripen/internal/httpx"
)

// policy is what Stripe's answers mean: https://docs.stripe.com/error-low-level.
type policy struct {
	clock   func() time.Time
	keyName string
}

// Budget: Stripe sends no rate limit headers.
func (policy) Budget(http.Header) (httpx.Budget, bool) { return httpx.Budget{}, false }

func (p policy) Classify(resp *http.Response, body []byte) httpx.Verdict {
	v := httpx.Verdict{RequestID: resp.Header.Get("Request-Id")}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		v.Action = httpx.Accept
		return v
	}
	var answer struct {
		Error struct{ Type, Code, Message string }
	}
	if json.Unmarshal(body, &answer) == nil {
		v.Code, v.Message = answer.Error.Code, answer.Error.Message
		if v.Code == "" {
			v.Code = answer.Error.Type
		}
	}
	// Stripe knows best whether the same request can succeed.
	switch should := resp.Header.Get("Stripe-Should-Retry"); {
	case should == "true":
		v.Action = httpx.Retry
	case should == "false":
		v.Action = httpx.Refuse
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusConflict, resp.StatusCode >= 500:
		v.Action = httpx.Retry
	}
	v.After = httpx.RetryAfter(resp.Header, p.clock())
	switch status := resp.StatusCode; {
	case status == http.StatusUnauthorized:
		v.Hint = fmt.Sprintf("set %s to a secret or restricted key of the account (dashboard, Developers, API keys)", p.keyName)
	case status == http.StatusForbidden:
		v.Hint = fmt.Sprintf("give the restricted key in %s read access to Customers, Subscriptions, Invoices and Events", p.keyName)
	case status == http.StatusTooManyRequests:
		v.Hint = "lower rate_limit of the source, or run when other users of the account are quiet"
	case status >= 500:
		v.Hint = "Stripe has a problem: https://status.stripe.com; the next run resumes where this one stopped"
	case status >= 300 && status < 400:
		v.Message = "redirected to another host, which was not followed"
		v.Hint = "check base_url of the source"
	}
	return v
}
