package hubspot

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ripen-data/ripen/internal/httpx"
)

// associated is one entry of an association list, in the shape of the object API.
type associated struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// associationsOf reads the associations of records that came from a search and
// returns, per record, the member `"associations":{…}` as a listing has it; empty
// where there is nothing to ask for.
func (w *search) associationsOf(ctx context.Context, object string, records []record) ([]string, error) {
	members := make([]string, len(records))
	if len(w.associations) == 0 {
		return members, nil
	}
	found := make([]map[string]any, len(records))
	for i := range found {
		found[i] = map[string]any{}
	}
	for _, to := range w.associations {
		lists, err := w.readAssociations(ctx, object, to, records)
		if err != nil {
			return nil, err
		}
		for i, rec := range records {
			if list := lists[rec.ID]; len(list) > 0 {
				found[i][to] = map[string]any{"results": list}
			}
		}
	}
	for i, lists := range found {
		if len(lists) == 0 {
			continue
		}
		text, err := json.Marshal(lists)
		if err != nil {
			return nil, err
		}
		members[i] = `"associations":` + string(text)
	}
	return members, nil
}

func (w *search) readAssociations(ctx context.Context, from, to string, records []record) (map[string][]associated, error) {
	type input struct {
		ID string `json:"id"`
	}
	inputs := make([]input, len(records))
	for i, rec := range records {
		inputs[i].ID = rec.ID
	}
	question, err := json.Marshal(map[string]any{"inputs": inputs})
	if err != nil {
		return nil, err
	}
	path := "/crm/v4/associations/" + from + "/" + to + "/batch/read"
	body, err := w.client.Do(ctx, httpx.Request{Method: "POST", Path: path, Body: question, Table: w.table, Class: objectRequests})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Results []struct {
			From struct {
				ID json.RawMessage `json:"id"`
			} `json:"from"`
			To []struct {
				ToObjectID       json.RawMessage `json:"toObjectId"`
				AssociationTypes []struct {
					Label string `json:"label"`
				} `json:"associationTypes"`
			} `json:"to"`
		} `json:"results"`
		Errors []struct {
			Category    string `json:"category"`
			SubCategory string `json:"subCategory"`
			Message     string `json:"message"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Results == nil {
		return nil, fmt.Errorf("%s: the answer is no batch: %.80s", path, body)
	}
	// 207: a record without associations, or deleted since the search, is an error of its own.
	for _, e := range answer.Errors {
		kind := e.Category + " " + e.SubCategory
		if !strings.Contains(kind, "NO_ASSOCIATIONS_FOUND") && !strings.Contains(kind, "OBJECT_NOT_FOUND") {
			return nil, fmt.Errorf("%s: %s: %s", path, strings.TrimSpace(kind), e.Message)
		}
	}
	kind := strings.TrimSuffix(from, "s") + "_to_" + strings.TrimSuffix(strings.Replace(to, "companies", "company", 1), "s")
	lists := map[string][]associated{}
	for _, result := range answer.Results {
		var primary, others []associated
		for _, one := range result.To {
			isPrimary := slices.ContainsFunc(one.AssociationTypes, func(t struct {
				Label string `json:"label"`
			}) bool {
				return t.Label == "Primary"
			})
			if isPrimary {
				primary = append(primary, associated{ID: unquote(one.ToObjectID), Type: kind})
			} else {
				others = append(others, associated{ID: unquote(one.ToObjectID), Type: kind + "_unlabeled"})
			}
		}
		lists[unquote(result.From.ID)] = append(primary, others...)
	}
	return lists, nil
}
