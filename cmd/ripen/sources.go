package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/ripen-data/ripen/extractors"
	"github.com/ripen-data/ripen/extractors/files"
	"github.com/ripen-data/ripen/extractors/hubspot"
	"github.com/ripen-data/ripen/extractors/segment"
	"github.com/ripen-data/ripen/extractors/stripe"
	_ "github.com/ripen-data/ripen/internal/blob/clouds" // s3:// and gs:// of file sources
)

// Tokens of the simulated company: it takes any key of these shapes. It runs in
// this process and has no limits of its own.
const (
	sandboxStripeKey    = "sk_test_sandbox"
	sandboxHubSpotToken = "pat-sandbox"
	sandboxRateLimit    = 10_000
)

// source is a configured source, ready to be read.
type source struct {
	name      string
	extractor extractors.Extractor
}

// openSources makes an extractor for every source of the project, ordered by name.
// server is the simulated company, nil when no source reads it.
func openSources(cfg *Config, server *sandboxServer, clock func() time.Time, note func(source, table, text string)) ([]source, error) {
	var list []source
	for _, name := range sortedKeys(cfg.Sources) {
		tell := func(table, text string) { note(name, table, text) }
		e, err := openSource(cfg, name, cfg.Sources[name], server, clock, tell)
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", name, err)
		}
		list = append(list, source{name, e})
	}
	return list, nil
}

func openSource(cfg *Config, name string, s SourceConfig, server *sandboxServer, clock func() time.Time, note func(table, text string)) (extractors.Extractor, error) {
	simulated := s.BaseURL == sandboxAddress || s.Path == sandboxAddress
	switch s.Type {
	case "segment":
		address := cfg.path(s.Path)
		if simulated {
			address = cfg.sandboxEvents()
		}
		return segment.New(segment.Config{Location: address, Clock: clock})
	case "stripe":
		c := stripe.Config{BaseURL: s.BaseURL, KeyName: s.APIKeyEnv, RateLimit: s.RateLimit, Clock: clock, Note: note}
		var err error
		if simulated {
			c.BaseURL, c.APIKey = server.stripeURL(), sandboxStripeKey
			c.RateLimit = cmp.Or(c.RateLimit, sandboxRateLimit)
		} else if c.APIKey, err = secret(name, "api_key_env", s.APIKeyEnv); err != nil {
			return nil, err
		}
		return stripe.New(c)
	case "hubspot":
		c := hubspot.Config{BaseURL: s.BaseURL, KeyName: s.TokenEnv, RateLimit: s.RateLimit, Properties: s.Properties, Clock: clock, Note: note}
		var err error
		if simulated {
			c.BaseURL, c.Token = server.hubspotURL(), sandboxHubSpotToken
			c.RateLimit, c.SearchLimit = cmp.Or(c.RateLimit, sandboxRateLimit), sandboxRateLimit
		} else if c.Token, err = secret(name, "token_env", s.TokenEnv); err != nil {
			return nil, err
		}
		return hubspot.New(c)
	case "files":
		return files.New(files.Config{Dir: cfg.dir, Mappings: s.Files, Clock: clock})
	default:
		return nil, usagef("unknown type %q", s.Type) // parseConfig has refused it
	}
}

// readsSandbox reports whether any source reads the simulated company.
func (c *Config) readsSandbox() bool {
	for _, s := range c.Sources {
		if s.BaseURL == sandboxAddress || s.Path == sandboxAddress {
			return true
		}
	}
	return false
}
