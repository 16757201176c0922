// Package sql carries the models that ship with ripen, as files:
// <dataset>/<model>_v<N>/{query.sql, model.yaml, cases.txtar}.
package sql

import "embed"

// Models is the folder of the shipped models.
//
//go:embed */*/*
var Models embed.FS
