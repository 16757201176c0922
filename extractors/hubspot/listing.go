package hubspot

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ripen-data/ripen/internal/httpx"
	"github.com/ripen-data/ripen/internal/recent"
)

// idleMove is how old a cursor gets before it moves without any rows, so that the
// stretch to search stays short; otherwise a run that finds nothing leaves no trace.
const idleMove = 24 * time.Hour

// collection reads one collection from where its state says.
func (r *run) collection(ctx context.Context, object string) error {
	s := r.cursor.At[object]
	seen, err := recent.Parse(s.Seen)
	if err != nil {
		return err
	}
	archived, err := recent.Parse(s.Archived)
	if err != nil {
		return err
	}
	if s.Until == 0 {
		return r.list(ctx, object, s, seen, archived)
	}
	return r.changes(ctx, object, s, seen, archived)
}

func (r *run) objectPath(object string) string {
	if strings.HasPrefix(r.config.Version, "v") {
		return "/crm/" + r.config.Version + "/objects/" + object
	}
	return "/crm/objects/" + r.config.Version + "/" + object
}

// pages calls visit with each page of the list at path, from the token on.
func (r *run) pages(ctx context.Context, path string, query url.Values, after string, visit func(records []record, next string) error) error {
	query.Set("limit", strconv.Itoa(r.config.PageSize))
	for {
		if after != "" {
			query.Set("after", after)
		}
		body, err := r.client.Do(ctx, httpx.Request{Path: path, Query: query, Table: r.table, Class: objectRequests})
		if err != nil {
			return err
		}
		p, records, err := parsePage(path, body)
		if err != nil {
			return err
		}
		next := p.after()
		if err := visit(records, next); err != nil {
			return err
		}
		if next == "" || next == after {
			return nil
		}
		after = next
	}
}

func (r *run) listQuery(archived bool) url.Values {
	query := url.Values{"properties": {strings.Join(r.properties, ",")}, "archived": {strconv.FormatBool(archived)}}
	// An archived record has lost its associations.
	if len(r.associations) > 0 && !archived {
		query.Set("associations", strings.Join(r.associations, ","))
	}
	return query
}

// list reads a whole collection. Pages are in the order of ids and their tokens
// name an id, so a later run can go on at a token.
func (r *run) list(ctx context.Context, object string, s state, seen, archived *recent.Set) error {
	l := s.Listing
	seen.Keep()
	archived.Keep()
	if l == nil {
		l = &listing{Top: r.now}
	} else {
		r.config.Note(r.table, "resumes its full listing of "+object)
	}
	top := func() int64 { return r.vendorTime(l.Top) } // known after the first answer
	from := func() int64 { return top() - r.config.Overlap.Milliseconds() }
	at := func(next listing) state {
		return state{Listing: &next, Seen: seen.Text(from()), Archived: archived.Text(minInstant), Overflow: s.Overflow}
	}
	if !l.Archived {
		err := r.pages(ctx, r.objectPath(object), r.listQuery(false), l.After, func(records []record, next string) error {
			for _, rec := range records {
				if text, modified := rec.modified(r.modified); modified >= from() || modified == 0 {
					seen.Meet(modified, rec.ID, text)
				}
				if err := r.append(object, rec, ""); err != nil {
					return err
				}
			}
			if r.rows.Len() >= r.config.CheckpointRows && next != "" {
				return r.commit(object, at(listing{Top: top(), After: next}))
			}
			return nil
		})
		if r.isStale(err, l.After) {
			return r.list(ctx, object, state{}, mustBeEmpty(), mustBeEmpty())
		}
		if err != nil {
			return err
		}
		l = &listing{Top: top(), Archived: true}
	}
	err := r.pages(ctx, r.objectPath(object), r.listQuery(true), l.After, func(records []record, next string) error {
		for _, rec := range records {
			archived.Meet(parseInstant(rec.ArchivedAt), rec.ID, rec.ArchivedAt)
			if err := r.append(object, rec, ""); err != nil {
				return err
			}
		}
		s.Overflow = s.Overflow || archived.Full()
		if r.rows.Len() >= r.config.CheckpointRows && next != "" {
			return r.commit(object, at(listing{Top: top(), Archived: true, After: next}))
		}
		return nil
	})
	if r.isStale(err, l.After) {
		return r.list(ctx, object, state{}, mustBeEmpty(), mustBeEmpty())
	}
	if err != nil {
		return err
	}
	return r.commit(object, state{Until: top(), Seen: seen.Text(from()), Archived: archived.Text(minInstant), Overflow: s.Overflow})
}

const minInstant = -1 << 63

func mustBeEmpty() *recent.Set {
	set, err := recent.Parse("")
	if err != nil {
		panic(err) // the empty text is the empty set
	}
	return set
}

// isStale: HubSpot did not take the token of an earlier run, so the listing
// starts over. Only the first page of a run can tell.
func (r *run) isStale(err error, token string) bool {
	if err == nil || token == "" || httpx.Status(err) != http.StatusBadRequest || r.collected() {
		return false
	}
	r.config.Note(r.table, "the page to resume at is gone: the whole table is listed again")
	return true
}

// archivedRecords lands the archived records that were not landed before. The
// list is read in full each time: HubSpot keeps them for 90 days, and their
// modification dates say nothing about when they were archived.
func (r *run) archivedRecords(ctx context.Context, object string, s *state, archived *recent.Set) error {
	from := s.Until - r.config.Overlap.Milliseconds()
	err := r.pages(ctx, r.objectPath(object), r.listQuery(true), "", func(records []record, _ string) error {
		for _, rec := range records {
			at := parseInstant(rec.ArchivedAt)
			if archived.Meet(at, rec.ID, rec.ArchivedAt) || s.Overflow && at != 0 && at < from {
				continue
			}
			if err := r.append(object, rec, ""); err != nil {
				return err
			}
		}
		if r.rows.Len() >= r.config.CheckpointRows {
			return r.flush("")
		}
		return nil
	})
	s.Overflow = archived.Full()
	return err
}
