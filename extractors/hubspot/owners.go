package hubspot

import (
	"context"
	"net/url"
	"strconv"

	"github.com/ripen-data/ripen/internal/recent"
)

// owners reads all owners, active and archived, each time: there is no filter by
// change. Only those that differ from what was landed are landed.
func (r *run) owners(ctx context.Context) error {
	const name = "owners"
	seen, err := recent.Parse(r.cursor.At[name].Seen)
	if err != nil {
		return err
	}
	for _, archived := range []bool{false, true} {
		query := url.Values{"archived": {strconv.FormatBool(archived)}}
		err := r.pages(ctx, "/crm/v3/owners", query, "", func(records []record, _ string) error {
			for _, rec := range records {
				if seen.Meet(0, rec.ID, string(rec.raw)) {
					continue
				}
				if err := r.append(name, rec, ""); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if !r.collected() {
		return nil
	}
	return r.commit(name, state{Seen: seen.Text(minInstant)})
}
