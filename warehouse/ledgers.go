package warehouse

import "github.com/ripen-data/ripen/schemas"

// MetaDataset holds the ledgers.
const MetaDataset = "ripen_meta"

// Ledgers returns the tables that ripen keeps about itself: Dataset is MetaDataset
// as it stands, without the prefix of a raw table. Every engine has them from its
// first opening on. They are ordinary tables: anybody may read them, and what has
// no method of Warehouse is written through Change.
func Ledgers() []schemas.Table {
	return []schemas.Table{
		ledger("load", "One row per load: which landed run is in its raw table.", []string{"load_id"},
			text("load_id", "Derived from the content of the manifest."),
			text("source", "Name of the source in ripen.yaml."),
			text("table_id", "Contract of the table, e.g. stripe.invoices."),
			number("sequence", "Of the run within source and table, from 1."),
			number("row_count", "Rows loaded."),
			number("byte_count", "Bytes of the landed files."),
			number("reject_count", "Records that became dead letters."),
			instant("committed_at", "When the manifest was committed."),
			instant("loaded_at", "When the rows were loaded."),
		),
		ledger("build", "One row per change of a stable view, the newest of a view is in force.", []string{"publication", "view_dataset", "view_name"},
			number("publication", "Counts up; the order of events."),
			text("view_dataset", "Dataset of the view."),
			text("view_name", "Name of the view."),
			text("table_dataset", "Dataset of the table that the view shows, or showed when it was withdrawn."),
			text("table_name", "Name of that table."),
			text("build_id", "What the table was built from: equal ids, equal content."),
			number("version", "Version of the model."),
			number("row_count", "Rows of the table."),
			instant("built_at", "When the table was built."),
			instant("published_at", "When the view was changed."),
			text("release", "Run that did it; events of one release are rolled back together."),
			text("environment", "Empty for production."),
			text("model", "Address of the model, dataset.model_vN."),
			text("fingerprint", "Of the model's meaning."),
			number("byte_count", "Bytes of the table on disk, 0 where unknown."),
			flag("withdrawn", "The view was dropped."),
			column("inputs", schemas.JSON, "What besides the fingerprint decided the build id, as JSON."),
		),
		ledger("built", "One row per table or view that was built and not dropped since.", []string{"table_dataset", "table_name"},
			text("table_dataset", "Dataset of the table."),
			text("table_name", "Name of the table."),
			text("statement_name", "What it was built for: the address of a model, a check."),
			instant("built_at", "When it was built."),
			flag("is_view", "It is a view."),
			text("reads", "JSON array of the tables, dataset.table, that a view reads; [] for a table."),
		),
		ledger("version", "One row per fingerprint that was ever published: what the model was.", []string{"fingerprint"},
			text("fingerprint", "Of the model's meaning, its parents included."),
			text("model", "Address of the model, dataset.model_vN."),
			text("own_digest", "Of the model's own files, without its parents."),
			text("query", "GoogleSQL of the model."),
			text("config", "The model's configuration as JSON."),
			column("columns", schemas.JSON, "JSON array of its columns with their types."),
			instant("created_at", "When it was published for the first time."),
		),
		ledger("interval", "One row per interval that an incremental table holds.", []string{"table_name", "start_at"},
			text("table_name", "Table, dataset.table."),
			instant("start_at", "First instant of the interval."),
			instant("end_at", "First instant behind it."),
			text("inputs", "What the interval was computed from: equal inputs, equal rows."),
			number("row_count", "Rows of the interval."),
			instant("built_at", "When it was computed."),
		),
		ledger("seen", "One row per load that an incremental table holds.", []string{"table_name", "source_table", "load_id"},
			text("table_name", "Table, dataset.table."),
			text("source_table", "Raw table the load is in, e.g. raw_stripe.invoices."),
			text("load_id", "The load."),
		),
		ledger("check", "One row per check of a table that was to be published.", []string{"release", "environment", "model", "check_name"},
			text("release", "Run that checked."),
			text("environment", "Empty for production."),
			text("model", "Address of the model, dataset.model_vN."),
			text("table_name", "Table that was checked, dataset.table."),
			text("check_name", "The check."),
			text("severity", "fail or warn."),
			number("failing_rows", "Rows that failed it; 0 when it passed."),
			text("stored_in", "Table with rows that failed, dataset.table; empty when there are none."),
			instant("checked_at", "When it was checked."),
		),
	}
}

func ledger(name, description string, key []string, columns ...schemas.Column) schemas.Table {
	return schemas.Table{Dataset: MetaDataset, Name: name, Description: description, Key: key, Drift: schemas.Freeze, Columns: columns}
}

func column(name string, kind schemas.Kind, description string) schemas.Column {
	return schemas.Column{Name: name, Type: schemas.Type{Kind: kind}, Required: true, Description: description}
}

func text(name, description string) schemas.Column { return column(name, schemas.String, description) }

func number(name, description string) schemas.Column { return column(name, schemas.Int64, description) }

func instant(name, description string) schemas.Column {
	return column(name, schemas.Timestamp, description)
}

func flag(name, description string) schemas.Column { return column(name, schemas.Bool, description) }
