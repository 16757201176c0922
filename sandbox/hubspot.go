package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

func hubspotError(w http.ResponseWriter, status int, category, message string) {
	var j jsonWriter
	j.object()
	j.str("status", "error")
	j.str("message", message)
	j.str("correlationId", w.Header().Get("X-HubSpot-Correlation-Id"))
	j.str("category", category)
	j.close()
	w.WriteHeader(status)
	w.Write(j.b)
}

func invalid(w http.ResponseWriter, format string, args ...any) {
	hubspotError(w, http.StatusBadRequest, "VALIDATION_ERROR", fmt.Sprintf(format, args...))
}

// hubspot serves /crm/v3/objects/… and the same under the dated paths.
func (c *Company) hubspot() http.Handler {
	mux := http.NewServeMux()
	object := func(serve func(http.ResponseWriter, *http.Request, int)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			obj := slices.Index(objNames[:], r.PathValue("type"))
			if obj < 0 {
				invalid(w, "Unable to infer object type from: %s", r.PathValue("type"))
				return
			}
			serve(w, r, obj)
		}
	}
	for _, base := range []string{"/crm/v3/objects/{type}", "/crm/objects/{version}/{type}"} {
		mux.HandleFunc("GET "+base, object(c.hubspotList))
		mux.HandleFunc("GET "+base+"/{id}", object(c.hubspotGet))
		mux.HandleFunc("POST "+base+"/search", object(c.hubspotSearch))
	}
	mux.HandleFunc("POST /crm/v4/associations/{from}/{to}/batch/read", c.hubspotAssociations)
	mux.HandleFunc("GET /crm/v3/owners", c.hubspotOwners)
	mux.HandleFunc("GET /crm/v3/owners/{$}", c.hubspotOwners)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		hubspotError(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "There is nothing at "+r.Method+" "+r.URL.Path)
	})
	return mux
}

// hubspotQuery is what lists and single records share.
type hubspotQuery struct {
	limit        int
	after        int64
	properties   []string
	associations []int
	archived     bool
}

func parseHubSpotQuery(q url.Values) (*hubspotQuery, error) {
	s := &hubspotQuery{limit: 10}
	var err error
	if text := q.Get("limit"); text != "" {
		if s.limit, err = strconv.Atoi(text); err != nil || s.limit < 1 || s.limit > 100 {
			return nil, fmt.Errorf("limit must be 1 to 100, not %s", text)
		}
	}
	if text := q.Get("after"); text != "" {
		if s.after, err = strconv.ParseInt(text, 10, 64); err != nil {
			return nil, fmt.Errorf("after is no paging token: %s", text)
		}
	}
	if text := q.Get("archived"); text != "" {
		if s.archived, err = strconv.ParseBool(text); err != nil {
			return nil, fmt.Errorf("archived must be true or false, not %s", text)
		}
	}
	s.properties = splitList(q["properties"])
	for _, name := range splitList(q["associations"]) {
		obj := slices.Index(objNames[:], name)
		if obj < 0 {
			obj = slices.Index(objSingular[:], name)
		}
		if obj < 0 {
			return nil, fmt.Errorf("unknown association type: %s", name)
		}
		s.associations = append(s.associations, obj)
	}
	return s, nil
}

func splitList(values []string) []string {
	var list []string
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
	}
	return list
}

// hubspotList pages by id: the token is the last id seen. Ids lie in the order
// of accounts, so the next page starts at an account and not at an offset.
func (c *Company) hubspotList(w http.ResponseWriter, r *http.Request, obj int) {
	q, err := parseHubSpotQuery(r.URL.Query())
	if err != nil {
		invalid(w, "%s", err)
		return
	}
	var j jsonWriter
	j.object()
	j.list("results")
	count, last, more := 0, int64(0), false
	visit := func(l *life, rec record) bool {
		id := recordID(obj, l.p.account, rec.number)
		if rec.obj != obj || rec.archived > 0 != q.archived || id <= q.after {
			return true
		}
		if count == q.limit {
			more = true
			return false
		}
		c.writeRecord(&j, l, rec, q.properties, q.associations)
		count, last = count+1, id
		return true
	}
	c.walkRecords(obj, q, visit)
	j.end()
	if more {
		writePaging(&j, strconv.FormatInt(last, 10), r.URL)
	}
	j.close()
	w.Write(j.b)
}

func (c *Company) walkRecords(obj int, q *hubspotQuery, visit func(*life, record) bool) {
	first := uint32(0)
	if account, _, ok := parseRecord(obj, q.after); ok {
		first = account
	} else if q.after > idBase[obj] {
		return
	}
	going := true
	one := func(account uint32) {
		l := c.cachedLife(account)
		c.records(l, func(rec record) {
			going = going && visit(l, rec)
		})
	}
	if !q.archived {
		for account := first; going && int(account) < c.accounts; account++ {
			one(account)
		}
		return
	}
	for _, account := range c.index().archived {
		if !going {
			return
		}
		if account >= first {
			one(account)
		}
	}
}

func writePaging(j *jsonWriter, after string, u *url.URL) {
	j.open("paging")
	j.open("next")
	j.str("after", after)
	if u != nil {
		q := u.Query()
		q.Set("after", after)
		j.str("link", "https://api.hubapi.com"+u.Path+"?"+q.Encode())
	}
	j.close()
	j.close()
}

// find is the live record behind an id; an id that was merged away leads to
// the record that it became.
func (c *Company) find(obj int, id string) (*life, record, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, record{}, false
	}
	account, number, ok := parseRecord(obj, n)
	if !ok || int(account) >= c.accounts {
		return nil, record{}, false
	}
	l := c.cachedLife(account)
	rec, ok := c.record(l, obj, c.survivor(l, obj, number))
	return l, rec, ok
}

func (c *Company) hubspotGet(w http.ResponseWriter, r *http.Request, obj int) {
	q, err := parseHubSpotQuery(r.URL.Query())
	if err != nil {
		invalid(w, "%s", err)
		return
	}
	l, rec, ok := c.find(obj, r.PathValue("id"))
	if !ok || rec.archived > 0 != q.archived {
		hubspotError(w, http.StatusNotFound, "OBJECT_NOT_FOUND", "resource not found")
		return
	}
	var j jsonWriter
	c.writeRecord(&j, l, rec, q.properties, q.associations)
	w.Write(j.b)
}

func (c *Company) hubspotAssociations(w http.ResponseWriter, r *http.Request) {
	from, to := slices.Index(objNames[:], r.PathValue("from")), slices.Index(objNames[:], r.PathValue("to"))
	if from < 0 || to < 0 {
		invalid(w, "Unable to infer object types from: %s, %s", r.PathValue("from"), r.PathValue("to"))
		return
	}
	var body struct {
		Inputs []struct {
			ID string `json:"id"`
		} `json:"inputs"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&body); err != nil {
		invalid(w, "Invalid input JSON: %s", err)
		return
	}
	const most = 1000
	if len(body.Inputs) == 0 || len(body.Inputs) > most {
		invalid(w, "inputs must hold 1 to %d ids", most)
		return
	}
	var j jsonWriter
	var missing []string
	started := string(appendTime(nil, c.until*1000))
	j.object()
	j.str("status", "COMPLETE")
	j.list("results")
	for _, input := range body.Inputs {
		l, rec, ok := c.find(from, input.ID)
		var numbers []uint16
		if ok {
			numbers = c.associations(l, rec, to)
		}
		if len(numbers) == 0 {
			missing = append(missing, input.ID)
			continue
		}
		j.object()
		j.open("from")
		j.str("id", input.ID)
		j.close()
		j.list("to")
		for _, n := range numbers {
			j.object()
			j.int("toObjectId", recordID(to, l.p.account, n))
			j.list("associationTypes")
			if from <= objDeals && to == objCompanies {
				j.raw(`{"category":"HUBSPOT_DEFINED","typeId":` + strconv.Itoa(1+from*4) + `,"label":"Primary"}`)
			}
			j.raw(`{"category":"HUBSPOT_DEFINED","typeId":` + strconv.Itoa(200+from*10+to) + `,"label":null}`)
			j.end()
			j.close()
		}
		j.end()
		j.close()
	}
	j.end()
	if len(missing) > 0 {
		j.int("numErrors", int64(len(missing)))
		j.list("errors")
		for _, id := range missing {
			j.object()
			j.str("status", "error")
			j.str("category", "OBJECT_NOT_FOUND")
			j.str("subCategory", "crm.associations.NO_ASSOCIATIONS_FOUND")
			j.str("message", "No "+associationName(from, to)+" associations found for "+id)
			j.open("context")
			j.list("fromObjectId")
			j.value(id)
			j.end()
			j.close()
			j.close()
		}
		j.end()
	}
	j.str("startedAt", started)
	j.str("completedAt", started)
	j.close()
	if len(missing) > 0 {
		w.WriteHeader(http.StatusMultiStatus)
	}
	w.Write(j.b)
}

func (c *Company) hubspotOwners(w http.ResponseWriter, r *http.Request) {
	q, err := parseHubSpotQuery(r.URL.Query())
	if err != nil {
		invalid(w, "%s", err)
		return
	}
	var j jsonWriter
	j.object()
	j.list("results")
	count, more, last := 0, false, ""
	for i, o := range owners {
		left := c.start + o.left*day
		gone := o.left > 0 && left <= c.crmNow()
		id, _ := strconv.ParseInt(o.id, 10, 64)
		if gone != q.archived || id <= q.after || more {
			continue
		}
		if count == q.limit {
			more = true
			continue
		}
		count, last = count+1, o.id
		j.object()
		j.str("id", o.id)
		j.str("email", strings.ToLower(o.first+"."+o.last)+"@"+companyEmail)
		j.str("type", "PERSON")
		j.str("firstName", o.first)
		j.str("lastName", o.last)
		j.int("userId", int64(5001+i))
		j.time("createdAt", (c.start+o.hired*day)*1000)
		if gone {
			j.time("updatedAt", left*1000)
		} else {
			j.time("updatedAt", (c.start+o.hired*day)*1000)
		}
		j.bool("archived", gone)
		j.list("teams")
		j.object()
		j.str("id", strconv.Itoa(900+len(o.team)))
		j.str("name", o.team)
		j.bool("primary", true)
		j.close()
		j.end()
		j.close()
	}
	j.end()
	if more {
		writePaging(&j, last, r.URL)
	}
	j.close()
	w.Write(j.b)
}
