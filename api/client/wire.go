package client

import v1 "channelsync/api/v1"

// v1.Secret masks itself in JSON, so that it cannot be sent by accident. These
// are the bodies in which it is sent on purpose, with the fields of their
// namesakes in api/v1.

type createInstallation struct {
	Name               string          `json:"name"`
	Username           string          `json:"username"`
	Secret             string          `json:"secret"`
	TrackingIdentifier string          `json:"trackingIdentifier"`
	Zone               string          `json:"zone,omitempty"`
	Syncs              []v1.Sync       `json:"syncs"`
	ChannelProgram     target          `json:"channelProgram"`
	Options            *v1.Options     `json:"options,omitempty"`
	Names              *v1.OptionNames `json:"names,omitempty"`
}

type target struct {
	ConnectionID string `json:"connectionId"`
	Token        string `json:"token"`
}

type credentials struct {
	Username           string `json:"username"`
	Secret             string `json:"secret"`
	TrackingIdentifier string `json:"trackingIdentifier"`
	Zone               string `json:"zone,omitempty"`
}

type compareInstallations struct {
	Items []claim `json:"items"`
}

type claim struct {
	Name               string `json:"name"`
	Username           string `json:"username"`
	Secret             string `json:"secret"`
	TrackingIdentifier string `json:"trackingIdentifier"`
	Zone               string `json:"zone,omitempty"`
	ChannelProgram     target `json:"channelProgram"`
}

func wireClaim(in v1.Claim) claim {
	return claim{
		Name: in.Name, Username: in.Username, Secret: in.Secret.Reveal(), TrackingIdentifier: in.TrackingIdentifier.Reveal(),
		Zone: in.Zone, ChannelProgram: wireTarget(in.ChannelProgram),
	}
}

func wireInstallation(in v1.CreateInstallation) createInstallation {
	return createInstallation{
		Name: in.Name, Username: in.Username, Secret: in.Secret.Reveal(),
		TrackingIdentifier: in.TrackingIdentifier.Reveal(), Zone: in.Zone, Syncs: in.Syncs,
		ChannelProgram: wireTarget(in.ChannelProgram), Options: in.Options, Names: in.Names,
	}
}

func wireTarget(in v1.ChannelProgramTarget) target {
	return target{ConnectionID: in.ConnectionID, Token: in.Token.Reveal()}
}

func wireCredentials(in v1.Credentials) credentials {
	return credentials{
		Username: in.Username, Secret: in.Secret.Reveal(),
		TrackingIdentifier: in.TrackingIdentifier.Reveal(), Zone: in.Zone,
	}
}
