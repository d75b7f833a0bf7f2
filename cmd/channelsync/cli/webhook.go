package cli

import (
	"context"
	"flag"
	"strconv"

	"channelsync/api/client"
	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

func (s *session) webhookCommand() *command.Command {
	return &command.Command{
		Name: "webhook", Short: "webhook registrations at Autotask",
		Subs: []*command.Command{
			s.webhookStatus(),
			s.onWebhooks("repair", "repair the registrations, whoever changed them",
				"The registrations of %q are being compared and repaired; channelsync webhook status shows them.",
				(*client.Client).RepairWebhooks),
			s.onWebhooks("rotate-secret", "give the registrations new secrets",
				"The registrations of %q have new secrets; the old ones stay valid for a while.",
				(*client.Client).RotateWebhookSecret),
		},
	}
}

func (s *session) webhookStatus() *command.Command {
	var which selector
	return &command.Command{
		Name: "status", Args: selectorArgs, Short: "show the registrations",
		Flags: func(fs *flag.FlagSet) { which.flags(fs); s.jsonFlag(fs) },
		Run: s.onInstallation(&which, func(_ context.Context, _ *client.Client, in v1.Installation) error {
			if s.json {
				return s.writeJSON(map[string][]v1.Webhook{"webhooks": in.Webhooks})
			}
			if len(in.Webhooks) == 0 {
				s.say("%q has no webhooks at Autotask; its changes are found by polling.", text(in.Name))
				return nil
			}
			return s.showWebhooks(in.Webhooks)
		}),
	}
}

func (s *session) showWebhooks(webhooks []v1.Webhook) error {
	t := screen.Table{Header: []string{"WEBHOOK", "ID", "ACTIVE", "READY", "LAST CALLBACK", "GUID"}}
	for _, w := range webhooks {
		t.Add(w.Entity, strconv.FormatInt(w.ID, 10), yesNo(w.Active), yesNo(w.Ready),
			screen.WhenPtr(s.now(), w.LastCallbackAt, "never"), w.GUID)
	}
	return s.writeTable(t)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (s *session) onWebhooks(
	name, short, done string, do func(*client.Client, context.Context, string) error,
) *command.Command {
	var which selector
	return &command.Command{
		Name: name, Args: selectorArgs, Short: short, Flags: which.flags,
		Run: s.onInstallation(&which, func(ctx context.Context, api *client.Client, in v1.Installation) error {
			if err := do(api, ctx, in.ID); err != nil {
				return err
			}
			s.say(done, text(in.Name))
			return nil
		}),
	}
}
