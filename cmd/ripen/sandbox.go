package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ripen-data/ripen/internal/hint"
	"github.com/ripen-data/ripen/sandbox"
)

func (a *app) sandboxCommand() *cobra.Command {
	var (
		cfg                         sandbox.Config
		start, until                string
		eventsDir, truthDir, listen string
	)
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Simulate a SaaS company: Stripe- and HubSpot-shaped APIs and Segment files",
		Long: `Simulates a SaaS company with free trials, the same for the same numbers, with the
mess of real data. --events writes its product events as Segment's JSONL files,
--listen serves its billing and CRM in the shape of Stripe's and HubSpot's APIs, and
--truth writes what really happened (true company of every record, true conversion
probability of every trial-day), which the pipeline never reads.

See sandbox/README.md for the company and the mess.`,
		Example: `  ripen sandbox --accounts 5000 --days 120 --events events --listen 127.0.0.1:8900
  ripen sandbox --accounts 5000 --days 120 --truth truth`,
		RunE: func(c *cobra.Command, _ []string) error {
			if eventsDir == "" && truthDir == "" && listen == "" {
				return usagef("nothing to do: give --events DIR, --truth DIR or --listen ADDRESS")
			}
			var err error
			cfg.Until, err = parseInstant(until, a.clock().UTC().Truncate(time.Hour))
			if err != nil {
				return usagef("--until: %w", err)
			}
			cfg.Start, err = parseInstant(start, cfg.Until.Truncate(24*time.Hour).AddDate(0, 0, -cfg.Days))
			if err != nil {
				return usagef("--start: %w", err)
			}
			company, err := sandbox.New(cfg)
			if err != nil {
				return &usageError{err}
			}
			if eventsDir != "" {
				if err := company.WriteEvents(c.Context(), eventsDir); err != nil {
					return err
				}
				a.talk("product events: %s", eventsDir)
			}
			if truthDir != "" {
				if err := company.WriteTruth(c.Context(), truthDir); err != nil {
					return err
				}
				a.talk("truth: %s", truthDir)
			}
			if listen == "" {
				return nil
			}
			server, err := serveSandbox(company, listen)
			if err != nil {
				return err
			}
			a.talk("Stripe API:  %s (any key sk_test_…)\nHubSpot API: %s (any token pat-…)\nstop with Ctrl-C", server.stripeURL(), server.hubspotURL())
			<-c.Context().Done()
			return server.close()
		},
	}
	flags := cmd.Flags()
	flags.Uint64Var(&cfg.Seed, "seed", 7, "seed")
	flags.IntVar(&cfg.Accounts, "accounts", 1000, "sign-ups within --days (200 to 100,000)")
	flags.IntVar(&cfg.Days, "days", 90, "days of history")
	flags.StringVar(&start, "start", "", "founding of the company, YYYY-MM-DD (default: --days before --until)")
	flags.StringVar(&until, "until", "", "the company's now, RFC 3339 or YYYY-MM-DD (default: the start of this hour)")
	flags.IntVar(&cfg.ThrottleEvery, "throttle-every", 0, "answer every n-th request with 429")
	flags.StringVar(&eventsDir, "events", "", "write Segment JSONL files into this directory")
	flags.StringVar(&truthDir, "truth", "", "write the truth into this directory")
	flags.StringVar(&listen, "listen", "", "serve the APIs at this address, e.g. 127.0.0.1:8900")
	return cmd
}

// parseInstant reads RFC 3339 or a date (its midnight UTC).
func parseInstant(text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, fmt.Errorf("%q is neither RFC 3339 nor YYYY-MM-DD", text)
	}
	return t, nil
}

// sandboxServer serves a company on a loopback port.
type sandboxServer struct {
	listener net.Listener
	server   *http.Server
}

func serveSandbox(company *sandbox.Company, address string) (*sandboxServer, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve the sandbox: %w", err)
	}
	s := &sandboxServer{listener, &http.Server{Handler: company.Handler(), ReadHeaderTimeout: 10 * time.Second}}
	go s.server.Serve(listener) //nolint:errcheck // always ErrServerClosed after close
	return s, nil
}

func (s *sandboxServer) stripeURL() string { return "http://" + s.listener.Addr().String() + "/stripe" }
func (s *sandboxServer) hubspotURL() string {
	return "http://" + s.listener.Addr().String() + "/hubspot"
}

func (s *sandboxServer) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(s.server.Shutdown(ctx))
}

// openSandbox simulates the company of the project as of now: it writes the event
// files that are missing and serves its APIs until the returned server is closed.
func openSandbox(ctx context.Context, cfg *Config, now time.Time) (*sandboxServer, error) {
	start, err := parseInstant(cfg.Sandbox.Start, time.Time{})
	if err != nil {
		return nil, err
	}
	if now.Before(start) {
		return nil, &usageError{hint.New(fmt.Sprintf("the simulated company starts at %s, after %s", cfg.Sandbox.Start, now.Format(time.RFC3339)),
			"give a later --as-of, or an earlier sandbox.start in ripen.yaml")}
	}
	company, err := sandbox.New(sandbox.Config{
		Seed: cfg.Sandbox.Seed, Accounts: cfg.Sandbox.Accounts, Days: cfg.Sandbox.Days,
		Start: start, Until: now, ThrottleEvery: cfg.Sandbox.ThrottleEvery,
	})
	if err != nil {
		return nil, &usageError{fmt.Errorf("sandbox: %w", err)}
	}
	if err := company.WriteEvents(ctx, cfg.sandboxEvents()); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return serveSandbox(company, "127.0.0.1:0")
}

func (c *Config) sandboxEvents() string { return filepath.Join(c.dir, ".ripen", "sandbox", "events") }
