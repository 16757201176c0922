package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/orchestrate"
	"github.com/ripen-data/ripen/warehouse"
	"github.com/ripen-data/ripen/warehouse/duckdb"
)

// projectStatus is what `ripen status` prints.
type projectStatus struct {
	Runs    []orchestrate.RunRecord `json:"runs"`
	Tables  []tableStatus           `json:"tables"`
	Models  []modelStatus           `json:"models"`
	Rejects json.RawMessage         `json:"dead_letters,omitempty"`
	Locked  string                  `json:"warehouse_locked,omitempty"` // who holds the warehouse: tables and models are left out
	rejects *rowSet
}

type tableStatus struct {
	Source     string    `json:"source"`
	Table      string    `json:"table"`
	Runs       int64     `json:"runs"`
	Loaded     int64     `json:"runs_loaded"`
	Rows       int64     `json:"rows_loaded"`
	Rejects    int64     `json:"rejected_records"`
	LastLanded time.Time `json:"last_landed_at"`
}

type modelStatus struct {
	Model   string    `json:"model"`
	Rows    int64     `json:"rows"`
	BuildID string    `json:"build_id"`
	BuiltAt time.Time `json:"built_at"`
}

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "status",
		Short:   "Print the last runs, what was landed and loaded, and what was rejected",
		Example: "  ripen status -C demo",
		RunE: func(c *cobra.Command, _ []string) error {
			p, err := a.openProject()
			if err != nil {
				return err
			}
			s, err := p.status(c.Context(), a.clock)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(a.stdout).Encode(s)
			}
			s.write(a)
			if s.Locked != "" {
				a.talk("\ntables and models are not shown: %s", s.Locked)
			}
			return nil
		},
	}
}

func (p *project) status(ctx context.Context, clock func() time.Time) (*projectStatus, error) {
	s := &projectStatus{Runs: []orchestrate.RunRecord{}, Tables: []tableStatus{}, Models: []modelStatus{}}
	runs, err := orchestrate.NewLedger(p.state("runs")).Last(5)
	if err != nil {
		return nil, err
	}
	held, err := orchestrate.Held(p.state("lease"))
	if err != nil {
		return nil, err
	}
	for i, r := range runs {
		// Runs take turns: only the newest can still be under way.
		if r.Status == orchestrate.Running && (i > 0 || !held) {
			runs[i].Status = orchestrate.Killed
		}
	}
	s.Runs = append(s.Runs, runs...)
	tables := map[[2]string]*tableStatus{}
	table := func(source, id string) *tableStatus {
		key := [2]string{source, id}
		if tables[key] == nil {
			tables[key] = &tableStatus{Source: source, Table: id}
		}
		return tables[key]
	}
	zone, err := p.openZone(clock)
	if err != nil {
		return nil, err
	}
	for key, err := range zone.Keys(ctx) {
		if err != nil {
			return nil, err
		}
		table(key.Source, key.Table).Runs++
	}
	if _, err := os.Stat(p.warehousePath()); err == nil {
		err := p.warehouseStatus(ctx, clock, s, table)
		if errors.Is(err, duckdb.ErrLocked) { // by the run that is under way, most of the time
			s.Locked = err.Error()
			return s, nil
		}
		if err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, t := range tables {
		s.Tables = append(s.Tables, *t)
	}
	slices.SortFunc(s.Tables, func(x, y tableStatus) int {
		return slices.Compare([]string{x.Source, x.Table}, []string{y.Source, y.Table})
	})
	return s, nil
}

func (p *project) warehouseStatus(ctx context.Context, clock func() time.Time, s *projectStatus, table func(source, id string) *tableStatus) error {
	db, err := p.openWarehouse(ctx, true, clock)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // opened for reading
	loads, err := db.Loads(ctx)
	if err != nil {
		return err
	}
	for _, l := range loads {
		t := table(l.Source, l.Table)
		t.Loaded++
		t.Rows += l.Rows
		t.Rejects += l.Rejects
		if l.CommittedAt.After(t.LastLanded) {
			t.LastLanded = l.CommittedAt
		}
	}
	published, err := db.Published(ctx)
	if err != nil {
		return err
	}
	for _, publication := range published {
		if publication.Environment != "" || strings.HasSuffix(publication.View.Table, fmt.Sprintf("_v%d", publication.Version)) {
			continue // not production, or the versioned face of the same table
		}
		s.Models = append(s.Models, modelStatus{publication.View.String(), publication.Rows, publication.BuildID, publication.BuiltAt})
	}
	s.rejects, err = readRows(ctx, db, warehouse.Statement{Name: "dead letters", SQL: "" +
		"select source_name, table_name, reason_code, count(distinct dead_letter_id) as records, min(detail) as example, min(location) as location " +
		"from raw_ripen.dead_letters group by source_name, table_name, reason_code order by source_name, table_name, reason_code"})
	if err != nil {
		return err
	}
	s.Rejects = s.rejects.json()
	return nil
}

func (s *projectStatus) write(a *app) {
	right := func(from, to int) (configs []table.ColumnConfig) {
		for i := from; i <= to; i++ {
			configs = append(configs, table.ColumnConfig{Number: i, Align: text.AlignRight})
		}
		return configs
	}
	if len(s.Runs) == 0 {
		fmt.Fprintln(a.stdout, "nothing has run yet")
	} else {
		t := newTable(a.stdout)
		t.AppendHeader(table.Row{"run", "command", "as of", "status", "rejected", "seconds", "peak memory", "error"})
		t.SetColumnConfigs(append(right(5, 7), table.ColumnConfig{Number: 8, WidthMax: 70, WidthMaxEnforcer: text.WrapSoft}))
		for _, r := range s.Runs {
			seconds := ""
			if !r.FinishedAt.IsZero() {
				seconds = fmt.Sprintf("%.1f", r.FinishedAt.Sub(r.StartedAt).Seconds())
			}
			t.AppendRow(table.Row{r.StartedAt.Format(time.DateTime), r.Command, r.AsOf.Format("2006-01-02 15:04"), r.Status, count(r.Rejects),
				seconds, size(r.PeakMemory), r.Error})
		}
		t.Render()
	}
	if len(s.Tables) > 0 {
		fmt.Fprintln(a.stdout)
		t := newTable(a.stdout)
		t.AppendHeader(table.Row{"source", "table", "runs landed", "loaded", "rows", "rejected", "last landed"})
		t.SetColumnConfigs(right(3, 6))
		for _, x := range s.Tables {
			last := "-"
			if !x.LastLanded.IsZero() {
				last = x.LastLanded.Format(time.DateTime)
			}
			t.AppendRow(table.Row{x.Source, x.Table, count(x.Runs), count(x.Loaded), count(x.Rows), count(x.Rejects), last})
		}
		t.Render()
	}
	if len(s.Models) > 0 {
		fmt.Fprintln(a.stdout)
		t := newTable(a.stdout)
		t.AppendHeader(table.Row{"model", "rows", "built"})
		t.SetColumnConfigs(right(2, 2))
		for _, m := range s.Models {
			t.AppendRow(table.Row{m.Model, count(m.Rows), m.BuiltAt.Format(time.DateTime)})
		}
		t.Render()
	}
	if s.rejects != nil && len(s.rejects.rows) > 0 {
		fmt.Fprintln(a.stdout, "\ndead letters (raw_ripen.dead_letters)")
		s.rejects.writeTable(a.stdout, 60)
	}
}
