package v1

import _ "embed"

//go:embed openapi.yaml
var openAPI string

// OpenAPI is the description of the admin API in OpenAPI 3.1, which
// GET /api/v1/openapi.yaml serves. The tests of handlers/admin hold it to the
// routes, to the types of this package, and to real answers.
func OpenAPI() string { return openAPI }
