package sandbox

import "time"

// Summary counts what there is at Until.
type Summary struct {
	Until             time.Time      `json:"until"`
	Accounts          int            `json:"accounts"` // signed up
	Workspaces        int            `json:"workspaces"`
	Trials            int            `json:"trials"`         // started, by billing
	RunningTrials     int            `json:"running_trials"` // not over yet
	ConvertedTrials   int            `json:"converted_trials"`
	AccountsNotInCRM  int            `json:"accounts_not_in_crm"`
	MergedCRMAccounts int            `json:"merged_crm_accounts"`
	Stripe            map[string]int `json:"stripe"`  // objects by collection; events of the last 30 days
	HubSpot           map[string]int `json:"hubspot"` // live records by type
}

// Summary counts the company. The first call simulates every account once, as
// the first list over HTTP does.
func (c *Company) Summary() Summary {
	x := c.index()
	s := Summary{
		Until: c.cfg.Until, Accounts: c.accounts, Workspaces: x.counts.workspaces, Trials: x.counts.trials,
		RunningTrials: x.counts.running, ConvertedTrials: x.counts.converted,
		AccountsNotInCRM: x.counts.withoutCRM, MergedCRMAccounts: x.counts.merged,
		Stripe: map[string]int{}, HubSpot: map[string]int{},
	}
	for name, kind := range stripeCollections {
		s.Stripe[name] = len(x.stripe[kind])
	}
	for obj, name := range objNames {
		s.HubSpot[name] = len(x.objects[obj])
	}
	return s
}
