package v1

import (
	"slices"
	"strings"
	"time"
)

// Role is what somebody may do. Each may do all that the ones before it may.
type Role string

// The roles, the least first.
const (
	RoleViewer   Role = "viewer"   // reads
	RoleOperator Role = "operator" // also keeps it running: stops, starts, tests, reconciles, requeues, approves
	RoleAdmin    Role = "admin"    // also installs, changes settings, erases, manages tokens and bridges
)

// Roles are all of them, the least first.
var Roles = []Role{RoleViewer, RoleOperator, RoleAdmin}

// Covers says whether a role may do what takes another. One that is not known covers nothing.
func (r Role) Covers(needed Role) bool {
	has, takes := slices.Index(Roles, r), slices.Index(Roles, needed)
	return has >= 0 && takes >= 0 && has >= takes
}

// RootName is the name, and the id, of --admin-token.
const RootName = "root"

// PersonPrefix begins the names of people who log in at their organisation, and no token's: the audit tells them apart.
const PersonPrefix = "oidc:"

// actors are the words by which the audit and its readers say where a request came from, or that nobody is known.
var actors = []string{"api", "cli", "console", "system", "unauthenticated", "-"}

// IsActor says whether a name reads as what is no token's and no person's in the audit.
func IsActor(name string) bool { return slices.Contains(actors, Fold(Trim(name))) }

// IsPerson says whether a name reads as one of a person.
func IsPerson(name string) bool { return strings.HasPrefix(Fold(name), PersonPrefix) }

// Identity is who asks. The zero one is nobody: it may do and sees nothing.
type Identity struct {
	ID   string `json:"id"`   // of the token or person
	Name string `json:"name"` // of the token, or with PersonPrefix of the person
	Role Role   `json:"role"`
	// Installations are the only ones that it sees; nil is all of them.
	Installations []string `json:"installations,omitempty"`
	// Secret counts the secrets that the token has had: a session ends with the one it was opened with.
	Secret int `json:"secret,omitempty"`
}

// SomebodyElse is what whoever sees some installations only learns of who did something there, unless it was itself:
// names and addresses of others are those of the service.
const SomebodyElse = "somebody else"

// NameFor is what an identity learns of who did something.
func (i Identity) NameFor(who string) string {
	if i.Scoped() && who != i.Name {
		return SomebodyElse
	}
	return who
}

// Grant is what somebody may, and where.
type Grant struct {
	Role         Role
	Installation string // the only one; empty: all of them
}

// Scoped says whether it sees some installations only. Whoever does manages no tokens and installs nothing.
func (i Identity) Scoped() bool { return len(i.Installations) > 0 }

// Sees says whether an installation exists for it.
func (i Identity) Sees(installation string) bool {
	return i.Role.Covers(RoleViewer) && (!i.Scoped() || slices.Contains(i.Installations, installation))
}

// Token is a token of the admin API as it is listed; what it is, is shown once only.
type Token struct {
	ID            string     `json:"id"`
	Name          string     `json:"name"`
	Role          Role       `json:"role"`
	Installations []string   `json:"installations"` // none: all of them
	CreatedAt     time.Time  `json:"createdAt"`
	LastUsedAt    *time.Time `json:"lastUsedAt"` // to about a minute; null: never
	ExpiresAt     *time.Time `json:"expiresAt"`  // null: it does not
}

// CreateToken is the body of POST /tokens.
type CreateToken struct {
	Name string `json:"name" validate:"required,max=100,readable"` // no two tokens have the same, and none RootName, a person's or an actor's
	Role Role   `json:"role" validate:"required,oneof=viewer operator admin"`
	// Installations limits it to these; leave it out for all.
	Installations []string   `json:"installations,omitempty" validate:"omitempty,min=1,max=500,unique"`
	ExpiresAt     *time.Time `json:"expiresAt,omitempty"` // leave it out for one that does not expire
}

// NewToken is a token that was just made, or its new secret.
type NewToken struct {
	ID    string `json:"id"`
	Token string `json:"token"` // shown once, on purpose not a Secret
}

// TokenList is all tokens but --admin-token, by name.
type TokenList struct {
	Items []Token `json:"items"`
}
