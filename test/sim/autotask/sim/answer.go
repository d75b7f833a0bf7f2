package sim

import (
	"encoding/json"
	"fmt"
	"net/http"

	"channelsync/test/sim/autotask/schema"
)

// answer is what a REST request gets.
type answer struct {
	status     int
	body       []byte
	retryAfter int  // seconds, 0 = no header
	cut        bool // the connection ends after half of the body
}

func ok(body []byte) answer { return answer{status: http.StatusOK, body: body} }

// okJSON answers 200 with a value that marshals for certain.
func okJSON(v any) answer {
	raw, err := json.Marshal(v)
	if err != nil {
		return failed(http.StatusInternalServerError, err.Error())
	}
	return ok(raw)
}

// failed is the vendor's error shape; most of its errors are status 500, and an empty text is an empty body.
func failed(status int, text string) answer {
	if text == "" {
		return answer{status: status}
	}
	raw, _ := json.Marshal(map[string][]string{"errors": {text}}) // strings always marshal
	return answer{status: status, body: raw}
}

// refused is an error of the vendor's business layer.
func refused(format string, args ...any) answer {
	return failed(http.StatusInternalServerError, fmt.Sprintf(format, args...))
}

// routing is the shape of errors that ASP.NET makes before the vendor's code runs.
func routing(status int, text string) answer {
	raw, _ := json.Marshal(map[string]string{"Message": text})
	return answer{status: status, body: raw}
}

func wrongVerb(method string) answer {
	return routing(http.StatusMethodNotAllowed,
		fmt.Sprintf("The requested resource does not support http method '%s'.", method))
}

func noResource(r *http.Request) answer {
	return routing(http.StatusNotFound,
		fmt.Sprintf("No HTTP resource was found that matches the request URI '%s'.", r.URL.Path))
}

// Texts that have been seen on real tenants, word for word.
const (
	textZone        = "Zone information could not be determined"
	textIntegration = "IntegrationCode is invalid."
	textNoMatch     = "No message. No matching records found. " +
		"The logged in Resource may not have the required permissions to delete the data."
	textNoQueryRight = "The logged in Resource does not have the adequate permissions to query this entity type."
	textNoWriteRight = "The logged in Resource does not have the adequate permissions to %s this entity type."
	textThreads      = "The Autotask API thread threshold of %d threads has been exceeded."
	// The vendor's page has the rule ("at least one callout field … to make a create or update call"), not the words.
	textNoField = "Data violation: at least one callout field is required to update a webhook ; on record number [1]."
	textLocked  = "The user account has been locked. Please see your Autotask Administrator for details."
)

// item and items are the vendor's envelopes.
func item(e *schema.Entity, row schema.Record, v schema.View) answer {
	return ok(append(e.AppendJSON([]byte(`{"item":`), row, v), '}'))
}

func itemID(id int64) answer { return okJSON(map[string]int64{"itemId": id}) }
