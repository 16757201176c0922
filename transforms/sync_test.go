package transforms

import "testing"

const syncQuery = "select id, amount from raw_shop.orders"

func TestLoad_RefusesSyncThatCannotBe(t *testing.T) {
	for _, test := range []struct {
		name, sync string
		want       []string
	}{
		{"no object", "sync: {fields: {id: order_id}}", []string{`sync object "" is not <system>.<object>`, "hubspot.companies"}},
		{"object without a system", "sync: {object: companies, fields: {id: order_id}}", []string{`sync object "companies"`}},
		{"no fields", "sync: {object: hubspot.deals}", []string{"sync has no fields"}},
		{"no property name", "sync: {object: hubspot.deals, fields: {id: order id}}", []string{`sync property "order id" of column id`}},
		{"two columns into one", "sync: {object: hubspot.deals, fields: {id: x, amount: x}}", []string{"columns amount and id both go to property x"}},
		{"unknown word", "sync: {object: hubspot.deals, field: {id: x}}", []string{`unknown setting "field"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(folderOf(map[string]modelText{
				"shop/order_v1": {query: syncQuery, config: "description: Orders.\nkey: [id]\n" + test.sync + "\n"},
			}), nil)
			wantError(t, err, append(test.want, "sql/shop/order_v1/model.yaml:3:")...)
		})
	}
}

func TestCompile_RefusesSyncOfUnknownColumn(t *testing.T) {
	project := loadProject(t, map[string]modelText{
		"shop/order_v1": {query: syncQuery, config: "description: Orders.\nkey: [id]\nsync:\n  object: hubspot.deals\n  fields:\n    amonut: amount\n    id: order_id\n"},
	}, nil)
	e := newStandIn(t).engine("")
	_, err := e.Compile(graphOf(t, e, project), project.Models)
	wantError(t, err, "sql/shop/order_v1/model.yaml:6:5: sync column \"amonut\" is not returned by the query", "did you mean \"amount\"?")
}
