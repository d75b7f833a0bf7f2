package cli

import (
	"context"
	"flag"
	"strconv"

	v1 "channelsync/api/v1"
	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
	"channelsync/internal/search"
)

func (s *session) installationChoices() *command.Command {
	var which selector
	var q string
	return &command.Command{
		Name: "choices", Args: selectorArgs, Short: "list the contract types, categories and classifications to choose from",
		Examples: []string{"channelsync installation choices --q recurring"},
		Flags: func(fs *flag.FlagSet) {
			which.flags(fs)
			fs.StringVar(&q, "q", "", "`TEXT`: part of the name")
			s.jsonFlag(fs)
		},
		Run: func(ctx context.Context, args []string) error {
			if err := which.take(args); err != nil {
				return err
			}
			api, in, err := s.open(ctx, &which)
			if err != nil {
				return err
			}
			found, err := api.Choices(ctx, in.ID)
			if err != nil {
				return err
			}
			if s.json {
				return s.writeJSON(found)
			}
			return s.writeTable(choiceTable(found, search.Parse(q)))
		},
	}
}

func choiceTable(found v1.Choices, query search.Query) screen.Table {
	t := screen.Table{Header: []string{"OPTION", "ID", "NAME", "RECORDS"}}
	for _, of := range []struct {
		option string
		list   []v1.Choice
	}{
		{"contract-types", found.ContractTypes},
		{"contract-categories", found.ContractCategories},
		{"company-classifications", found.CompanyClassifications},
	} {
		for _, c := range of.list {
			records := "not counted"
			if c.Records != nil {
				records = strconv.Itoa(*c.Records)
			}
			if query.In(search.Fold(c.Name)) {
				t.Add(of.option, strconv.FormatInt(c.ID, 10), c.Name, records)
			}
		}
	}
	return t
}
