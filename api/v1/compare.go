package v1

// CompareInstallations is the body of POST /installations/compare.
type CompareInstallations struct {
	Items []Claim `json:"items" validate:"required,min=1,max=100,dive"`
}

// Claim is what somebody says an installation has.
type Claim struct {
	Name               string               `json:"name" validate:"required,max=100,printed"`
	Username           string               `json:"username" validate:"required,max=200,printed"`
	Secret             Secret               `json:"secret" validate:"required,max=400,printed"`
	TrackingIdentifier Secret               `json:"trackingIdentifier" validate:"required,max=200,printed"`
	Zone               string               `json:"zone,omitempty" validate:"max=300"` // as of CreateInstallation; empty is not compared
	ChannelProgram     ChannelProgramTarget `json:"channelProgram"`
}

// Comparison is what a claim comes to.
type Comparison struct {
	// Installation is the id of the one with the claim's user name and tracking identifier;
	// failing that, of the only one with its name and connection. Empty: there is none.
	Installation string      `json:"installation"`
	Differs      []Different `json:"differs"` // empty without an installation
	// Limited says that the secrets were not compared: too many wrong ones were lately.
	Limited bool `json:"limited"`
}

// Comparisons is the answer, in the order of the claims.
type Comparisons struct {
	Items []Comparison `json:"items"`
}

// Different names what a claim says otherwise than the service has it.
type Different string

// What may differ.
const (
	DiffersAccount    Different = "account" // the user name or the tracking identifier; the secret is not compared then
	DiffersSecret     Different = "secret"
	DiffersZone       Different = "zone"
	DiffersConnection Different = "connection"
	DiffersToken      Different = "token"
)
