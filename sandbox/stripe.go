package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
)

var stripeCollections = map[string]int{
	"customers": kindCustomer, "subscriptions": kindSubscription, "invoices": kindInvoice, "events": kindEvent,
}

var stripeNouns = [...]string{kindCustomer: "customer", kindSubscription: "subscription", kindInvoice: "invoice", kindEvent: "event"}

// Parameters of the lists, besides those of paging.
var stripeParams = [...][]string{
	kindCustomer:     {"created", "email"},
	kindSubscription: {"created", "customer", "status", "price", "collection_method"},
	kindInvoice:      {"created", "customer", "status", "subscription", "collection_method"},
	kindEvent:        {"created", "type", "types[]", "types"},
}

func stripeError(w http.ResponseWriter, status int, typ, code, param, message string) {
	var j jsonWriter
	j.object()
	j.open("error")
	if code != "" {
		j.str("code", code)
		j.str("doc_url", "https://stripe.com/docs/error-codes/"+strings.ReplaceAll(code, "_", "-"))
	}
	j.str("message", message)
	if param != "" {
		j.str("param", param)
	}
	j.str("type", typ)
	j.close()
	j.close()
	w.WriteHeader(status)
	w.Write(j.b)
}

// badRequest is an answer 400 with Stripe's code and the parameter at fault.
type badRequest struct{ code, param, message string }

func (e *badRequest) Error() string { return e.message }

func (c *Company) stripe() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/v1/"), "/")
		kind, known := stripeCollections[parts[0]]
		switch {
		case !strings.HasPrefix(r.URL.Path, "/v1/"):
		case r.Method != http.MethodGet:
			stripeError(w, http.StatusMethodNotAllowed, "invalid_request_error", "", "", "The sandbox is read-only.")
			return
		case known && len(parts) == 1:
			c.stripeList(w, r, kind)
			return
		case known && len(parts) == 2:
			c.stripeGet(w, kind, parts[1])
			return
		case parts[0] == "subscription_items" && len(parts) == 1:
			c.stripeItems(w, r)
			return
		}
		stripeError(w, http.StatusNotFound, "invalid_request_error", "", "",
			fmt.Sprintf("Unrecognized request URL (%s: %s).", r.Method, r.URL.Path))
	})
}

func (c *Company) stripeGet(w http.ResponseWriter, kind int, id string) {
	if account, number, ok := c.ids.parseStripe(kind, id); ok && int(account) < c.accounts {
		var j jsonWriter
		if c.writeStripe(&j, c.cachedLife(account), kind, number, c.until) {
			w.Write(j.b)
			return
		}
	}
	stripeError(w, http.StatusNotFound, "invalid_request_error", "resource_missing", "id",
		fmt.Sprintf("No such %s: '%s'", stripeNouns[kind], id))
}

// stripeItems serves the one item of a subscription.
func (c *Company) stripeItems(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("subscription")
	if id == "" {
		stripeError(w, http.StatusBadRequest, "invalid_request_error", "parameter_missing", "subscription", "Missing required param: subscription.")
		return
	}
	if account, number, ok := c.ids.parseStripe(kindSubscription, id); ok && int(account) < c.accounts {
		l := c.cachedLife(account)
		for _, s := range c.subscriptions(l) {
			if s.number == number && s.created <= c.until {
				var j jsonWriter
				j.object()
				j.str("object", "list")
				j.list("data")
				c.writeItem(&j, l, s, c.until)
				j.end()
				j.bool("has_more", false)
				j.str("url", "/v1/subscription_items")
				j.close()
				w.Write(j.b)
				return
			}
		}
	}
	stripeError(w, http.StatusBadRequest, "invalid_request_error", "resource_missing", "subscription", fmt.Sprintf("No such subscription: '%s'", id))
}

// stripeQuery is a list request, read.
type stripeQuery struct {
	kind                int
	limit               int
	after, before       string
	from, to            int64 // created in [from, to)
	status              string
	customer, sub, mail string
	price, method       string
	types               []string
}

func parseStripeQuery(kind int, q url.Values) (*stripeQuery, error) {
	s := &stripeQuery{kind: kind, limit: 10, to: 1 << 40}
	for key, values := range q {
		name, op, _ := strings.Cut(key, "[")
		op = strings.TrimSuffix(op, "]")
		value := values[len(values)-1]
		switch {
		case key == "limit":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > 100 {
				return nil, &badRequest{"parameter_invalid_integer", "limit", "Invalid integer: limit must be 1 to 100, not " + value}
			}
			s.limit = n
			continue
		case key == "starting_after":
			s.after = value
			continue
		case key == "ending_before":
			s.before = value
			continue
		case name == "expand":
			continue // objects come whole, with ids for the rest
		case !slices.Contains(stripeParams[kind], key) && !(name == "created" && op != "") && !(name == "types" && kind == kindEvent):
			return nil, &badRequest{"parameter_unknown", key, "Received unknown parameter: " + key}
		}
		switch name {
		case "created":
			t, err := strconv.ParseInt(value, 10, 64)
			if err != nil {
				return nil, &badRequest{"parameter_invalid_integer", key, "Invalid integer: " + value}
			}
			switch op {
			case "":
				s.from, s.to = max(s.from, t), min(s.to, t+1)
			case "gte":
				s.from = max(s.from, t)
			case "gt":
				s.from = max(s.from, t+1)
			case "lt":
				s.to = min(s.to, t)
			case "lte":
				s.to = min(s.to, t+1)
			default:
				return nil, &badRequest{"parameter_unknown", key, "Received unknown parameter: " + key}
			}
		case "status":
			s.status = value
		case "customer":
			s.customer = value
		case "subscription":
			s.sub = value
		case "email":
			s.mail = value
		case "price":
			s.price = value
		case "collection_method":
			s.method = value
		case "type":
			s.types = append(s.types, value)
		case "types":
			s.types = append(s.types, values...)
		}
	}
	if s.after != "" && s.before != "" {
		return nil, &badRequest{"", "ending_before", "You can only specify one of these parameters: starting_after, ending_before."}
	}
	allowed := map[int][]string{
		kindSubscription: {"", "all", "ended", "active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid"},
		kindInvoice:      {"", "draft", "open", "paid", "uncollectible", "void"},
	}[kind]
	if allowed != nil && !slices.Contains(allowed, s.status) {
		return nil, &badRequest{"", "status", "Invalid status: must be one of " + strings.Join(allowed[1:], ", ")}
	}
	return s, nil
}

// stripeList answers a list: newest first, a page found by binary search.
func (c *Company) stripeList(w http.ResponseWriter, r *http.Request, kind int) {
	var list []entry
	q, err := parseStripeQuery(kind, r.URL.Query())
	lo, hi, back := 0, 0, false
	if err == nil {
		list = c.scope(q)
		lo, hi, back, err = c.stripeRange(q, list)
	}
	if err != nil {
		bad, ok := err.(*badRequest)
		if !ok {
			bad = &badRequest{message: err.Error()}
		}
		stripeError(w, http.StatusBadRequest, "invalid_request_error", bad.code, bad.param, bad.message)
		return
	}
	found := make([]entry, 0, q.limit)
	more := false
	take := func(e entry) bool {
		if !c.stripeMatches(q, e) {
			return true
		}
		if len(found) == q.limit {
			more = true
			return false
		}
		found = append(found, e)
		return true
	}
	if back {
		for i := lo; i < hi && take(list[i]); i++ {
		}
		slices.Reverse(found)
	} else {
		for i := hi - 1; i >= lo && take(list[i]); i-- {
		}
	}
	var j jsonWriter
	j.object()
	j.str("object", "list")
	j.list("data")
	for _, e := range found {
		c.writeStripe(&j, c.cachedLife(e.account), kind, e.number, c.until)
	}
	j.end()
	j.bool("has_more", more)
	j.str("url", r.URL.Path)
	j.close()
	w.Write(j.b)
}

// scope is the list that a query walks, oldest first: all there is of the kind,
// or what one customer has.
func (c *Company) scope(q *stripeQuery) []entry {
	owner, kind := q.customer, kindCustomer
	if owner == "" {
		owner, kind = q.sub, kindSubscription
	}
	if owner == "" {
		return c.index().stripe[q.kind]
	}
	account, number, ok := c.ids.parseStripe(kind, owner)
	if !ok || int(account) >= c.accounts {
		return nil
	}
	l := c.cachedLife(account)
	var list []entry
	for _, s := range c.subscriptions(l) {
		if s.created > c.until || kind == kindCustomer && customerOf(&l.p, s.t.ws) != number || kind == kindSubscription && s.number != number {
			continue
		}
		if q.kind == kindSubscription {
			list = append(list, c.entryAt(s.created, 0, account, s.number))
			continue
		}
		c.invoices(l, s, c.until, func(v invoice) { list = append(list, c.entryAt(v.created, 0, account, v.number)) })
	}
	slices.SortFunc(list, compareEntries)
	return list
}

// stripeRange is the part of list between the bounds of the query; back means
// that the page is at its old end.
func (c *Company) stripeRange(q *stripeQuery, list []entry) (lo, hi int, back bool, err error) {
	at := func(t int64) int {
		return sort.Search(len(list), func(i int) bool { return c.start+int64(list[i].sec) >= t })
	}
	lo, hi = at(q.from), at(q.to)
	cursor, param := q.after, "starting_after"
	if cursor == "" {
		cursor, param = q.before, "ending_before"
	}
	if cursor == "" {
		return lo, hi, false, nil
	}
	missing := &badRequest{"resource_missing", param, fmt.Sprintf("No such %s: '%s'", stripeNouns[q.kind], cursor)}
	account, number, ok := c.ids.parseStripe(q.kind, cursor)
	if !ok || int(account) >= c.accounts {
		return 0, 0, false, missing
	}
	created := c.stripeCreated(c.cachedLife(account), q.kind, number)
	if created == 0 {
		return 0, 0, false, missing
	}
	target := c.entryAt(created, 0, account, number)
	i, present := slices.BinarySearchFunc(c.index().stripe[q.kind], target, compareEntries)
	if !present {
		return 0, 0, false, missing
	}
	if len(list) != len(c.index().stripe[q.kind]) {
		i, _ = slices.BinarySearchFunc(list, target, compareEntries)
	}
	if q.before != "" {
		return max(lo, i+1), hi, true, nil
	}
	return lo, min(hi, i), false, nil
}

// stripeCreated is the creation of an account's object, 0 when there is none.
func (c *Company) stripeCreated(l *life, kind int, number uint16) (created int64) {
	switch kind {
	case kindCustomer:
		for _, k := range c.customers(l) {
			if k.number == number {
				created = k.created
			}
		}
	case kindEvent:
		if events := c.stripeEvents(l); int(number) < len(events) {
			created = events[number].at
		}
	default:
		for _, s := range c.subscriptions(l) {
			if kind == kindSubscription && s.number == number {
				return s.created
			}
			if kind == kindInvoice {
				c.invoices(l, s, c.until, func(v invoice) {
					if v.number == number {
						created = v.created
					}
				})
			}
		}
	}
	return created
}

// stripeMatches applies the filters that are not bounds.
func (c *Company) stripeMatches(q *stripeQuery, e entry) bool {
	if q.method == "send_invoice" {
		return false
	}
	switch q.kind {
	case kindCustomer:
		if q.mail == "" {
			return true
		}
		p := c.profile(e.account)
		return strings.EqualFold(c.person(&p, int(e.number), 0).email, q.mail)
	case kindSubscription:
		if q.status == "all" && q.price == "" {
			return true
		}
		l := c.cachedLife(e.account)
		for _, s := range c.subscriptions(l) {
			if s.number != e.number {
				continue
			}
			status := c.status(l, s, c.until)
			price := s.t.price()
			if !s.attempt && c.until < s.t.over {
				price = 2
			}
			return (q.price == "" || q.price == c.ids.stripe(kindPrice, 0, uint16(price))) &&
				(q.status == "all" || q.status == status ||
					q.status == "" && status != "canceled" ||
					q.status == "ended" && (status == "canceled" || status == "incomplete_expired"))
		}
	case kindInvoice:
		if q.status == "" {
			return true
		}
		matches := false
		l := c.cachedLife(e.account)
		for _, s := range c.subscriptions(l) {
			c.invoices(l, s, c.until, func(v invoice) {
				matches = matches || v.number == e.number && v.status(c.until) == q.status
			})
		}
		return matches
	case kindEvent:
		if len(q.types) == 0 {
			return true
		}
		typ := c.stripeEvents(c.cachedLife(e.account))[e.number].typ
		return slices.ContainsFunc(q.types, func(want string) bool {
			prefix, wild := strings.CutSuffix(want, "*")
			return typ == want || wild && strings.HasPrefix(typ, prefix)
		})
	}
	return true
}
