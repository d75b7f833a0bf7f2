package channelprogram

// Names of the operations, as errors say them and metrics label them.
const (
	opConnection    = "get connection"
	opGetClient     = "get client"
	opGetContract   = "get contract"
	opPutClient     = "put client"
	opPutContract   = "put contract"
	opBatchClient   = "batch upsert clients"
	opBatchContract = "batch upsert contracts"
)

// upserts are the operations on one kind of record.
type upserts struct {
	collection string // path segment under the connection
	put, batch string // operations
}

func clientUpserts() upserts   { return upserts{"clients", opPutClient, opBatchClient} }
func contractUpserts() upserts { return upserts{"contracts", opPutContract, opBatchContract} }
