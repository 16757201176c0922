package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version is set by the release build.
var version = "0.1.0-dev"

type versionInfo struct {
	Ripen     string `json:"ripen"`
	Go        string `json:"go"`
	Platform  string `json:"platform"`
	GoogleSQL string `json:"go_googlesql"`
	DuckDB    string `json:"duckdb_go"`
}

func currentVersion() versionInfo {
	v := versionInfo{Ripen: version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			switch d.Path {
			case "github.com/goccy/go-googlesql":
				v.GoogleSQL = d.Version
			case "github.com/duckdb/duckdb-go/v2":
				v.DuckDB = d.Version
			}
		}
	}
	return v
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of ripen and of its engines",
		Example: "  ripen version --output json",
		RunE: func(*cobra.Command, []string) error {
			v := currentVersion()
			if a.output == "json" {
				return json.NewEncoder(a.stdout).Encode(v)
			}
			_, err := fmt.Fprintf(a.stdout, "ripen %s (%s, %s)\nGoogleSQL analyzer %s\nDuckDB driver %s\n",
				v.Ripen, v.Go, v.Platform, v.GoogleSQL, v.DuckDB)
			return err
		},
	}
}
