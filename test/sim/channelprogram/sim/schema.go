package sim

import "regexp"

var (
	externalIDPattern = regexp.MustCompile(`^[A-Za-z0-9._~-]{1,128}$`)
	amountPattern     = regexp.MustCompile(`^-?[0-9]{1,15}(\.[0-9]{1,4})?$`)
)

// schema holds the rules of the contract's schemas, named as there.
type schema struct {
	client, contract rule
	batch            rule // the envelope only: a bad data is that item's failure, not the batch's
}

func newSchema(maxBatch int) schema {
	labels := array(0, 20, object([]string{"value"}, map[string]rule{
		"value": text(1, 320),
		"label": text(0, 0),
	}))
	source := object([]string{"system", "observedAt"}, map[string]rule{
		"system":     text(0, 0),
		"observedAt": dateTime(),
		"modifiedAt": nullable(dateTime()),
		"recordUrl":  nullable(absoluteURI()),
		"trigger":    oneOf("webhook", "reconcile", "backfill", "replay", "manual"),
		"eventId":    nullable(text(0, 0)),
	})
	lifecycle := oneOf(LifecycleActive, LifecycleArchived)
	return schema{
		client: object([]string{"name", "address", "emails", "phones", "websites", "source"}, map[string]rule{
			"name": text(1, 255),
			"address": nullable(object(nil, map[string]rule{
				"line1": text(0, 0), "line2": text(0, 0), "city": text(0, 0),
				"region": text(0, 0), "postalCode": text(0, 0), "country": text(0, 0),
			})),
			"emails":         labels,
			"phones":         labels,
			"websites":       labels,
			"lifecycle":      lifecycle,
			"archivedReason": oneOf("type_not_customer", "status_inactive", "deleted_at_source"),
			"source":         source,
		}),
		contract: object([]string{"client", "vendorName", "vendorNameDefaulted", "name", "overallCost", "source"},
			map[string]rule{
				"client": object([]string{"externalId", "name"}, map[string]rule{
					"externalId": matching(externalIDPattern),
					"name":       text(1, 255),
				}),
				"vendorName":          text(1, 255),
				"vendorNameDefaulted": boolean(),
				"name":                nullable(text(0, 255)),
				"overallCost": nullable(object([]string{"amount", "currency"}, map[string]rule{
					"amount":   matching(amountPattern),
					"currency": matching(currencyPattern),
				})),
				"lifecycle":      lifecycle,
				"archivedReason": oneOf("client_out_of_scope", "deleted_at_source"),
				"source":         source,
			}),
		batch: object([]string{"inputs"}, map[string]rule{
			"inputs": array(1, maxBatch, object([]string{"externalId", "data"}, map[string]rule{
				"externalId": matching(externalIDPattern),
				"data":       anything(),
			})),
		}),
	}
}
