package sandbox

import (
	"fmt"
)

const stripeVersion = "2026-03-25.dahlia"

// writeCustomer renders a customer as it was at time at.
func (c *Company) writeCustomer(w *jsonWriter, l *life, k customer, at int64) {
	p := &l.p
	w.object()
	w.str("id", c.ids.stripe(kindCustomer, p.account, k.number))
	w.str("object", "customer")
	if k.deleted > 0 && at >= k.deleted {
		w.bool("deleted", true)
		w.close()
		return
	}
	who := c.person(p, k.ws, 0)
	w.null("address")
	w.int("balance", 0)
	w.int("created", k.created)
	w.str("currency", "usd")
	w.null("default_source")
	w.bool("delinquent", false)
	w.null("description")
	w.null("discount")
	w.str("email", who.email)
	w.str("invoice_prefix", fmt.Sprintf("T%07d", p.account))
	w.open("invoice_settings")
	w.null("custom_fields")
	w.orNull("default_payment_method", c.paymentMethod(l, &l.trials[k.ws], at))
	w.null("footer")
	w.null("rendering_options")
	w.close()
	w.bool("livemode", false)
	form := p.stripeID[k.ws]
	if k.fixed > 0 && at >= k.fixed {
		form = idExact
	}
	w.open("metadata")
	if id := c.written(p, k.ws, form); id != "" {
		w.str("account_id", id)
	}
	w.close()
	if p.domain == domainFree && p.noise>>58&1 == 0 {
		w.str("name", who.first+" "+who.last)
	} else {
		w.str("name", c.name(p))
	}
	w.int("next_invoice_sequence", 1)
	w.null("phone")
	w.lit("preferred_locales", "[]")
	w.null("shipping")
	w.str("tax_exempt", "none")
	w.null("test_clock")
	w.close()
}

// paymentMethod is the id of the card on file at a time, empty without one.
func (c *Company) paymentMethod(l *life, t *trial, at int64) string {
	if !t.card && !(t.outcome == endedPastDue || t.converted() && at >= t.over) {
		return ""
	}
	return c.ids.stripe(kindPaymentMethod, l.p.account, uint16(t.ws))
}

// writeSubscription renders a subscription as it was at time at.
func (c *Company) writeSubscription(w *jsonWriter, l *life, s subscription, at int64) {
	t, p := s.t, &l.p
	id := c.ids.stripe(kindSubscription, p.account, s.number)
	ended := t.ended
	if s.attempt {
		ended = s.created + attemptLife
	}
	if ended > at {
		ended = 0
	}
	asked := int64(0)
	if !s.attempt && t.asked > 0 && t.asked <= at {
		asked = t.asked
	}
	w.object()
	w.str("id", id)
	w.str("object", "subscription")
	w.null("application")
	w.null("application_fee_percent")
	w.lit("automatic_tax", `{"disabled_reason":null,"enabled":false,"liability":null}`)
	anchor := s.created
	if !s.attempt {
		anchor = t.endAt(at)
	}
	w.int("billing_cycle_anchor", anchor)
	w.lit("billing_mode", `{"type":"classic"}`)
	w.null("billing_thresholds")
	_, periodEnd := t.period(s, at)
	if asked > 0 && ended == 0 {
		w.int("cancel_at", periodEnd)
		w.bool("cancel_at_period_end", true)
	} else {
		w.null("cancel_at")
		w.bool("cancel_at_period_end", asked > 0)
	}
	canceled := asked
	if canceled == 0 && !s.attempt {
		canceled = ended
	}
	w.second("canceled_at", canceled)
	w.open("cancellation_details")
	w.null("comment")
	w.null("feedback")
	switch {
	case canceled == 0:
		w.null("reason")
	case asked > 0:
		w.str("reason", "cancellation_requested")
	default:
		w.str("reason", "payment_failed")
	}
	w.close()
	w.str("collection_method", "charge_automatically")
	w.int("created", s.created)
	w.str("currency", "usd")
	w.str("customer", c.ids.stripe(kindCustomer, p.account, customerOf(p, t.ws)))
	w.null("days_until_due")
	if s.attempt {
		w.null("default_payment_method")
	} else {
		w.orNull("default_payment_method", c.paymentMethod(l, t, at))
	}
	w.null("default_source")
	w.lit("default_tax_rates", "[]")
	w.null("description")
	w.lit("discounts", "[]")
	w.second("ended_at", ended)
	w.lit("invoice_settings", `{"account_tax_ids":null,"issuer":{"type":"self"}}`)
	c.writeItems(w, l, s, at)
	latest := invoice{}
	c.invoices(l, s, at, func(v invoice) { latest = v })
	w.str("latest_invoice", c.ids.stripe(kindInvoice, p.account, latest.number))
	w.bool("livemode", false)
	w.lit("metadata", "{}")
	w.null("next_pending_invoice_item_invoice")
	w.null("on_behalf_of")
	w.null("pause_collection")
	w.lit("payment_settings", `{"payment_method_options":null,"payment_method_types":null,"save_default_payment_method":"off"}`)
	w.null("pending_invoice_item_interval")
	w.null("pending_setup_intent")
	w.null("pending_update")
	w.null("schedule")
	w.int("start_date", s.created)
	w.str("status", c.status(l, s, at))
	w.null("test_clock")
	w.null("transfer_data")
	if s.attempt {
		w.null("trial_end")
		w.lit("trial_settings", `{"end_behavior":{"missing_payment_method":"create_invoice"}}`)
		w.null("trial_start")
	} else {
		w.int("trial_end", t.endAt(at))
		behavior := "cancel"
		if t.outcome == endedPaused {
			behavior = "pause"
		}
		w.lit("trial_settings", `{"end_behavior":{"missing_payment_method":"`+behavior+`"}}`)
		w.int("trial_start", t.start)
	}
	w.close()
}

func (c *Company) writeItems(w *jsonWriter, l *life, s subscription, at int64) {
	id := c.ids.stripe(kindSubscription, l.p.account, s.number)
	w.open("items")
	w.str("object", "list")
	w.list("data")
	c.writeItem(w, l, s, at)
	w.end()
	w.bool("has_more", false)
	w.int("total_count", 1)
	w.str("url", "/v1/subscription_items?subscription="+id)
	w.close()
}

// writeItem renders the one item of a subscription; since 2025 the period is here.
func (c *Company) writeItem(w *jsonWriter, l *life, s subscription, at int64) {
	t := s.t
	from, to := t.period(s, at)
	seats := c.seatsAt(&l.p, t, at)
	if s.attempt {
		seats = max(1, t.seats)
	}
	w.object()
	w.str("id", c.ids.stripe(kindItem, l.p.account, s.number))
	w.str("object", "subscription_item")
	w.null("billing_thresholds")
	w.int("created", s.created)
	w.int("current_period_end", to)
	w.int("current_period_start", from)
	w.lit("discounts", "[]")
	w.lit("metadata", "{}")
	w.key("price")
	price := t.price()
	if !s.attempt && at < t.over {
		price = 2 // trials run on the Team plan by month
	}
	c.writePrice(w, price)
	w.int("quantity", int64(seats))
	w.str("subscription", c.ids.stripe(kindSubscription, l.p.account, s.number))
	w.lit("tax_rates", "[]")
	w.close()
}

func (c *Company) writePrice(w *jsonWriter, price int) {
	interval := "month"
	if price%2 == 1 {
		interval = "year"
	}
	plan := planNames[price/2]
	w.object()
	w.str("id", c.ids.stripe(kindPrice, 0, uint16(price)))
	w.str("object", "price")
	w.bool("active", true)
	w.str("billing_scheme", "per_unit")
	w.int("created", c.start-30*day)
	w.str("currency", "usd")
	w.null("custom_unit_amount")
	w.bool("livemode", false)
	w.str("lookup_key", planCodes[price/2+1]+"_"+interval)
	w.lit("metadata", "{}")
	w.str("nickname", plan+" per seat and "+interval)
	w.str("product", c.ids.stripe(kindProduct, 0, uint16(price/2)))
	w.open("recurring")
	w.str("interval", interval)
	w.int("interval_count", 1)
	w.null("meter")
	w.null("trial_period_days")
	w.str("usage_type", "licensed")
	w.close()
	w.str("tax_behavior", "unspecified")
	w.null("tiers_mode")
	w.null("transform_quantity")
	w.str("type", "recurring")
	w.int("unit_amount", unitAmount(price))
	w.str("unit_amount_decimal", fmt.Sprint(unitAmount(price)))
	w.close()
}

// writeInvoice renders an invoice as it was at time at.
func (c *Company) writeInvoice(w *jsonWriter, l *life, v invoice, at int64) {
	p := &l.p
	status := v.status(at)
	id := c.ids.stripe(kindInvoice, p.account, v.number)
	sub := c.ids.stripe(kindSubscription, p.account, v.sub.number)
	who := c.person(p, int(customerOf(p, v.sub.t.ws)), 0)
	paid := int64(0)
	if status == "paid" {
		paid = v.amount
	}
	remaining := v.amount - paid
	attempts := indicatorInt(v.failed > 0 && at >= v.failed) + indicatorInt(v.paid > 0 && at >= v.paid && v.amount > 0)
	w.object()
	w.str("id", id)
	w.str("object", "invoice")
	w.str("account_country", "US")
	w.str("account_name", productName)
	w.null("account_tax_ids")
	w.int("amount_due", v.amount)
	w.int("amount_overpaid", 0)
	w.int("amount_paid", paid)
	w.int("amount_remaining", remaining)
	w.int("amount_shipping", 0)
	w.null("application")
	w.int("attempt_count", attempts)
	w.bool("attempted", attempts > 0)
	w.bool("auto_advance", status == "draft" || status == "open")
	w.lit("automatic_tax", `{"disabled_reason":null,"enabled":false,"liability":null,"provider":null,"status":null}`)
	w.str("billing_reason", v.reason)
	w.str("collection_method", "charge_automatically")
	w.int("created", v.created)
	w.str("currency", "usd")
	w.null("custom_fields")
	w.str("customer", c.ids.stripe(kindCustomer, p.account, customerOf(p, v.sub.t.ws)))
	w.null("customer_address")
	w.str("customer_email", who.email)
	w.str("customer_name", c.name(p))
	w.str("customer_tax_exempt", "none")
	w.null("default_payment_method")
	w.null("default_source")
	w.lit("default_tax_rates", "[]")
	w.null("description")
	w.lit("discounts", "[]")
	w.null("due_date")
	w.second("effective_at", upTo(v.final, at))
	w.int("ending_balance", 0)
	w.null("footer")
	w.lit("issuer", `{"type":"self"}`)
	w.open("lines")
	w.str("object", "list")
	w.list("data")
	c.writeLine(w, l, v)
	w.end()
	w.bool("has_more", false)
	w.int("total_count", 1)
	w.str("url", "/v1/invoices/"+id+"/lines")
	w.close()
	w.bool("livemode", false)
	w.lit("metadata", "{}")
	w.null("next_payment_attempt")
	if status == "draft" {
		w.null("number")
	} else {
		w.str("number", fmt.Sprintf("T%07d-%04d", p.account, v.number+1))
	}
	w.null("on_behalf_of")
	w.open("parent")
	w.null("quote_details")
	w.open("subscription_details")
	w.lit("metadata", "{}")
	w.str("subscription", sub)
	w.close()
	w.str("type", "subscription_details")
	w.close()
	w.int("period_end", v.created)
	w.int("period_start", v.created)
	w.int("post_payment_credit_notes_amount", 0)
	w.int("pre_payment_credit_notes_amount", 0)
	w.null("receipt_number")
	w.int("starting_balance", 0)
	w.null("statement_descriptor")
	w.str("status", status)
	w.open("status_transitions")
	w.second("finalized_at", upTo(v.final, at))
	if v.sub.attempt {
		w.null("marked_uncollectible_at")
	} else {
		w.second("marked_uncollectible_at", upTo(v.closed, at))
	}
	w.second("paid_at", upTo(v.paid, at))
	if v.sub.attempt {
		w.second("voided_at", upTo(v.closed, at))
	} else {
		w.null("voided_at")
	}
	w.close()
	w.int("subtotal", v.amount)
	w.int("subtotal_excluding_tax", v.amount)
	w.null("test_clock")
	w.int("total", v.amount)
	w.lit("total_discount_amounts", "[]")
	w.int("total_excluding_tax", v.amount)
	w.lit("total_taxes", "[]")
	w.null("webhooks_delivered_at")
	w.close()
}

func (c *Company) writeLine(w *jsonWriter, l *life, v invoice) {
	t := v.sub.t
	price := t.price()
	if v.amount == 0 {
		price = 2
	}
	w.object()
	w.str("id", c.ids.stripe(kindLine, l.p.account, v.number))
	w.str("object", "line_item")
	w.int("amount", v.amount)
	w.str("currency", "usd")
	if v.amount == 0 {
		w.str("description", "Trial period for "+planNames[price/2])
	} else {
		w.str("description", fmt.Sprintf("%d × %s", v.seats, planNames[price/2]))
	}
	w.bool("discountable", true)
	w.lit("discount_amounts", "[]")
	w.lit("discounts", "[]")
	w.str("invoice", c.ids.stripe(kindInvoice, l.p.account, v.number))
	w.bool("livemode", false)
	w.lit("metadata", "{}")
	w.open("parent")
	w.null("invoice_item_details")
	w.open("subscription_item_details")
	w.bool("proration", false)
	w.str("subscription", c.ids.stripe(kindSubscription, l.p.account, v.sub.number))
	w.str("subscription_item", c.ids.stripe(kindItem, l.p.account, v.sub.number))
	w.close()
	w.str("type", "subscription_item_details")
	w.close()
	w.open("period")
	w.int("end", v.to)
	w.int("start", v.from)
	w.close()
	w.open("pricing")
	w.open("price_details")
	w.str("price", c.ids.stripe(kindPrice, 0, uint16(price)))
	w.str("product", c.ids.stripe(kindProduct, 0, uint16(price/2)))
	w.close()
	w.str("type", "price_details")
	w.str("unit_amount_decimal", fmt.Sprint(unitAmount(price)))
	w.close()
	w.int("quantity", int64(v.seats))
	w.lit("taxes", "[]")
	w.close()
}

// writeStripeEvent renders an event with its object as it was then.
func (c *Company) writeStripeEvent(w *jsonWriter, l *life, number uint16, e stripeEvent) {
	w.object()
	w.str("id", c.ids.stripe(kindEvent, l.p.account, number))
	w.str("object", "event")
	w.str("api_version", stripeVersion)
	w.int("created", e.at)
	w.open("data")
	w.key("object")
	if e.kind == kindCustomer && e.typ == "customer.deleted" {
		// The event carries the customer as it was last.
		c.writeStripe(w, l, e.kind, e.number, e.at-1)
	} else {
		c.writeStripe(w, l, e.kind, e.number, e.at)
	}
	if e.prev != "" {
		w.lit("previous_attributes", e.prev)
	}
	w.close()
	w.bool("livemode", false)
	w.int("pending_webhooks", 0)
	w.lit("request", `{"id":null,"idempotency_key":null}`)
	w.str("type", e.typ)
	w.close()
}

// writeStripe renders an account's object as it was at time at; false when
// there was none.
func (c *Company) writeStripe(w *jsonWriter, l *life, kind int, number uint16, at int64) bool {
	switch kind {
	case kindCustomer:
		for _, k := range c.customers(l) {
			if k.number == number && k.created <= at {
				c.writeCustomer(w, l, k, at)
				return true
			}
		}
	case kindSubscription:
		for _, s := range c.subscriptions(l) {
			if s.number == number && s.created <= at {
				c.writeSubscription(w, l, s, at)
				return true
			}
		}
	case kindInvoice:
		found := false
		for _, s := range c.subscriptions(l) {
			c.invoices(l, s, at, func(v invoice) {
				if v.number == number {
					c.writeInvoice(w, l, v, at)
					found = true
				}
			})
		}
		return found
	case kindEvent:
		events := c.stripeEvents(l)
		if int(number) < len(events) && events[number].at > at-eventDays*day {
			c.writeStripeEvent(w, l, number, events[number])
			return true
		}
	}
	return false
}

func indicatorInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// upTo hides a time that has not come.
func upTo(t, at int64) int64 {
	if t > at {
		return 0
	}
	return t
}
