package stripe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// append adds an object to the rows, with all its subscription items: the list
// inside a subscription ends after its first page.
func (r *run) append(ctx context.Context, o object) error {
	var nested struct {
		Items struct {
			HasMore bool              `json:"has_more"`
			Data    []json.RawMessage `json:"data"`
		} `json:"items"`
	}
	raw := o.raw
	if r.contract == "stripe.subscriptions" && json.Unmarshal(raw, &nested) == nil && nested.Items.HasMore {
		items, err := r.subscriptionItems(ctx, o.ID)
		if err != nil {
			return err
		}
		if raw, err = replaceMember(raw, "items", items); err != nil {
			return fmt.Errorf("%s: %w", o.ID, err)
		}
	}
	r.rows.Append(raw, o.ID, 0)
	return r.rows.Err()
}

// subscriptionItems reads every item of a subscription as one list without a next page.
func (r *run) subscriptionItems(ctx context.Context, subscription string) ([]byte, error) {
	const path = "/v1/subscription_items"
	query := url.Values{"subscription": {subscription}, "limit": {strconv.Itoa(r.config.PageSize)}}
	all := []json.RawMessage{}
	for {
		page, more, err := r.page(ctx, path, query)
		if err != nil {
			return nil, err
		}
		for _, o := range page {
			all = append(all, o.raw)
		}
		if !more {
			break
		}
		if len(page) == 0 || page[len(page)-1].ID == query.Get("starting_after") {
			return nil, fmt.Errorf("%s: has_more is set, but the page does not lead on", path)
		}
		query.Set("starting_after", page[len(page)-1].ID)
	}
	return json.Marshal(map[string]any{"object": "list", "data": all, "has_more": false, "url": path + "?subscription=" + subscription})
}

// replaceMember returns the object with the value of one member replaced; the
// other bytes stay as they came.
func replaceMember(raw []byte, name string, value []byte) ([]byte, error) {
	d := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	for d.PeekKind() == '"' {
		key, err := d.ReadToken()
		if err != nil {
			return nil, err
		}
		found := key.String() == name
		old, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		if end := int(d.InputOffset()); found {
			return bytes.Join([][]byte{raw[:end-len(old)], value, raw[end:]}, nil), nil
		}
	}
	return nil, fmt.Errorf("no member %s", name)
}

// markDeleted returns the object with "deleted":true as Stripe writes it for customers.
func markDeleted(raw []byte) []byte {
	if marked, err := replaceMember(raw, "deleted", []byte("true")); err == nil {
		return marked
	}
	if rest, ok := bytes.CutPrefix(raw, []byte("{")); ok && len(raw) > len("{}") {
		return append([]byte(`{"deleted":true,`), rest...)
	}
	return raw
}
