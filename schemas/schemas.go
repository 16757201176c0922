// Package schemas holds the words that every stage shares: Type, Column and
// Table, and the contract of every table that ripen lands. A contract is data
// (one YAML file per table below contracts/); the Arrow schema, the Parquet
// schema, the GoogleSQL catalog entry and the DDL of each warehouse are derived
// from it and from nothing else.
package schemas

import "strings"

// Column is one column of a landed table.
type Column struct {
	Name        string      `json:"name"`
	Type        Type        `json:"type"`
	Required    bool        `json:"required,omitempty"` // a record without it is a dead letter
	Fields      []string    `json:"fields,omitempty"`   // dotted paths in the source record, the first one with a value wins; "$" is the whole record
	Format      Format      `json:"format,omitempty"`   // how a timestamp is written at the source
	Sensitivity Sensitivity `json:"sensitivity,omitempty"`
	Description string      `json:"description"`
}

// Format is how a source writes a TIMESTAMP.
type Format string

// Timestamp formats. The zero value takes RFC 3339 and ISO 8601 text with or
// without a zone (none means UTC), and a bare date as its midnight UTC.
const (
	Text        Format = ""
	EpochSecond Format = "epoch_s"
	EpochMilli  Format = "epoch_ms"
)

// Sensitivity says whether a column holds personal data.
type Sensitivity string

// Sensitivities. Personal columns identify a natural person, directly or by a
// stable pseudonym (GDPR, article 4(1)).
const (
	NotSensitive Sensitivity = ""
	Personal     Sensitivity = "personal"
)

// Drift is what happens to a field that the contract does not know.
type Drift string

// Drift policies.
const (
	Evolve  Drift = "evolve"  // becomes a new nullable STRING column of the raw table
	Freeze  Drift = "freeze"  // stops the table with an error
	Discard Drift = "discard" // is dropped and counted in the manifest
)

// Table is the contract of one landed table.
type Table struct {
	Dataset     string   `json:"dataset"` // e.g. stripe; the raw table is raw_stripe.<name>
	Name        string   `json:"name"`
	Description string   `json:"description"` // starts with the grain
	Docs        string   `json:"docs,omitempty"`
	Object      string   `json:"object,omitempty"` // what the source's own documentation calls a record, e.g. subscription; several separated by |; see SourceObject
	Key         []string `json:"key"`              // names of the columns that identify a record
	Cursor      string   `json:"cursor,omitempty"` // column that orders changes at the source
	Drift       Drift    `json:"drift"`
	Columns     []Column `json:"columns"`
}

// ID names the contract, e.g. stripe.subscriptions.
func (t Table) ID() string { return t.Dataset + "." + t.Name }

// SourceObject names what a record is at the source: Object, or the table's name
// where the contract is not that of one vendor.
func (t Table) SourceObject() string {
	if t.Object != "" {
		return t.Object
	}
	return t.Name
}

// SourceFields are the fields of a record that fill a column, as dotted paths,
// the first one with a value first; its own name for a column that drift
// brought, none for a column of LoadColumns.
func (c Column) SourceFields() []string {
	if len(c.Fields) == 0 && !strings.HasPrefix(c.Name, "_") {
		return []string{c.Name}
	}
	return c.Fields
}

// RawDataset is the dataset of the raw table, e.g. raw_stripe.
func (t Table) RawDataset() string { return "raw_" + t.Dataset }

// ExtraColumn carries, in a landed file only, the fields that the contract does
// not know as one JSON object; NULL when there are none.
const ExtraColumn = "_extra"

// LoadID is the column of a raw table that says which load brought the row.
const LoadID = "_ripen_load_id"

// LoadColumns are the columns that the Loader adds to every raw table: the
// configured name of the source, the load that brought the row and the instant
// at which its manifest was committed.
func LoadColumns() []Column {
	return []Column{
		{Name: "_ripen_source", Type: Type{Kind: String}, Required: true, Description: "Name of the source in ripen.yaml."},
		{Name: LoadID, Type: Type{Kind: String}, Required: true, Description: "Load that brought the row: derived from the content of its manifest."},
		{Name: "_ripen_loaded_at", Type: Type{Kind: Timestamp}, Required: true, Description: "When the manifest of the load was committed: the arrival of the row."},
	}
}

// RawColumns are the columns of the raw table: the contract's own, then LoadColumns.
func (t Table) RawColumns() []Column {
	return append(append([]Column{}, t.Columns...), LoadColumns()...)
}
