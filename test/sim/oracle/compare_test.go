package oracle

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	channelprogram "channelsync/test/sim/channelprogram/sim"
)

// sample is a state with a client in full, one by name, and a contract of each.
func sample() State {
	return State{
		Clients: map[string]Client{
			"9": {
				Full: true, Name: "Nine", Emails: []string{"a@nine.example"}, Phones: []string{"1", "2"},
				Address: &channelprogram.Address{Line1: "1 High St", City: "Albany"},
			},
			"10": {Name: "Ten"},
		},
		Contracts: map[string]Contract{
			"90": {
				ClientID: "9", ClientName: "Nine", VendorName: "Alpha",
				OverallCost: &channelprogram.Money{Amount: "1.00", Currency: "USD"},
			},
			"100": {ClientID: "10", ClientName: "Ten", VendorName: "Beta", Name: new("Care")},
		},
	}
}

func editClient(id string, edit func(*Client)) func(*State) {
	return func(s *State) {
		c := s.Clients[id]
		edit(&c)
		s.Clients[id] = c
	}
}

func editContract(id string, edit func(*Contract)) func(*State) {
	return func(s *State) {
		c := s.Contracts[id]
		edit(&c)
		s.Contracts[id] = c
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		why    string
		actual func(*State) // what is otherwise at the target
		left   []string
		want   []string
	}{
		{"equal sides", func(*State) {}, nil, nil},
		{"an empty list and none are the same", editClient("9", func(c *Client) { c.Websites = []string{} }), nil, nil},
		{"a wiped target", func(s *State) { *s = State{} }, nil, []string{
			"client 9: expected it to be there, got nothing",
			"client 10: expected it to be there, got nothing",
			"contract 90: expected it to be there, got nothing",
			"contract 100: expected it to be there, got nothing",
		}},
		{"the name of a client", editClient("9", func(c *Client) { c.Name = "Neun" }), nil, []string{
			`client 9 name: expected "Nine", got "Neun"`,
		}},
		{"every detail of a client", editClient("9", func(c *Client) {
			*c = Client{
				Name: "Nine", Address: &channelprogram.Address{}, Phones: []string{"2", "1"}, Websites: []string{"x"},
				Archived: true,
			}
		}), nil, []string{
			"client 9 form: expected full, got name only",
			`client 9 address: expected line1 "1 High St", city "Albany", got an empty one`,
			`client 9 emails: expected ["a@nine.example"], got none`,
			`client 9 phones: expected ["1" "2"], got ["2" "1"]`,
			`client 9 websites: expected none, got ["x"]`,
			"client 9 lifecycle: expected active, got archived",
		}},
		{"a client by name that has another", editClient("10", func(c *Client) { c.Name = "Zehn" }), nil, []string{
			`client 10 name: expected "Ten", got "Zehn"`,
		}},
		{"every detail of a contract", editContract("90", func(c *Contract) {
			*c = Contract{ClientID: "10", ClientName: "Ten", VendorNameDefaulted: true, Name: new(""), Archived: true}
		}), nil, []string{
			`contract 90 client: expected "9", got "10"`,
			`contract 90 client.name: expected "Nine", got "Ten"`,
			`contract 90 vendorName: expected "Alpha", got ""`,
			"contract 90 vendorNameDefaulted: expected false, got true",
			`contract 90 name: expected none, got ""`,
			"contract 90 overallCost: expected 1.00 USD, got not known",
			"contract 90 lifecycle: expected active, got archived",
		}},
		{"another currency", editContract("90", func(c *Contract) {
			c.OverallCost = &channelprogram.Money{Amount: "1.00", Currency: "EUR"}
		}), nil, []string{"contract 90 overallCost: expected 1.00 USD, got 1.00 EUR"}},
		{"a missing name", editContract("100", func(c *Contract) { c.Name = nil }), nil, []string{
			`contract 100 name: expected "Care", got none`,
		}},
		{"records that are not in scope", func(s *State) {
			s.Clients["11"], s.Contracts["11"] = Client{Name: "Eleven"}, Contract{}
		}, nil, []string{
			"client 11: expected nothing, got a record that is not in scope",
			"contract 11: expected nothing, got a record that is not in scope",
		}},
		{"records that were left there", func(s *State) {
			s.Clients["11"], s.Contracts["11"] = Client{Full: true, Name: "Eleven"}, Contract{}
		}, []string{"client/11", "contract/11"}, nil},
		{"what is left of one kind is not left of the other", func(s *State) {
			s.Clients["11"], s.Contracts["12"] = Client{}, Contract{}
		}, []string{"contract/11", "client/12"}, []string{
			"client 11: expected nothing, got a record that is not in scope",
			"contract 12: expected nothing, got a record that is not in scope",
		}},
		{"what was left there once is compared while it is in scope", func(s *State) {
			delete(s.Clients, "9")
			delete(s.Contracts, "90")
		}, []string{"client/9", "contract/90"}, []string{
			"client 9: expected it to be there, got nothing",
			"contract 90: expected it to be there, got nothing",
		}},
		{"a client that is richer than it should be", editClient("10", func(c *Client) {
			*c = Client{Full: true, Name: "Zehn", Phones: []string{"1"}}
		}), []string{"client/10"}, []string{"client 10 form: expected name only, got full"}},
		{"a client that was pushed in full once", editClient("10", func(c *Client) {
			*c = Client{Full: true, Name: "Zehn", Phones: []string{"1"}}
		}), []string{"client/10/full"}, nil},
	} {
		t.Run(c.why, func(t *testing.T) {
			expected, actual := sample(), sample()
			c.actual(&actual)
			expected.Left = map[string]bool{}
			for _, key := range c.left {
				expected.Left[key] = true
			}
			var got []string
			for _, d := range Compare(expected, actual) {
				got = append(got, d.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("differences (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDifferencesHaveAKindAndParts(t *testing.T) {
	expected, actual := sample(), sample()
	delete(actual.Clients, "9")
	actual.Clients["10"] = Client{Full: true, Name: "Ten"}
	actual.Clients["11"] = Client{Name: "Eleven"}
	editContract("90", func(c *Contract) { c.VendorName = "Beta" })(&actual)
	want := []Difference{
		{Missing, "client 9", "", "it to be there", "nothing"},
		{Richer, "client 10", "form", "name only", "full"},
		{Extra, "client 11", "", "nothing", "a record that is not in scope"},
		{Different, "contract 90", "vendorName", `"Alpha"`, `"Beta"`},
	}
	if diff := cmp.Diff(want, Compare(expected, actual)); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}

func TestPastRemembersWhatWasExpected(t *testing.T) {
	var past Past
	first := past.Note(sample())
	want := map[string]bool{
		"client/9": true, "client/9/full": true, "client/10": true, "contract/90": true, "contract/100": true,
	}
	if diff := cmp.Diff(want, first.Left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	later := past.Note(State{Clients: map[string]Client{"12": {Name: "Twelve"}}})
	if want["client/12"] = true; !cmp.Equal(want, later.Left) {
		t.Errorf("left (-want +got):\n%s", cmp.Diff(want, later.Left))
	}
	if first.Left["client/12"] {
		t.Error("an earlier state learnt of a later one")
	}
	if got := Compare(past.Note(State{}), sample()); len(got) != 0 {
		t.Errorf("what was in scope once may stay: %v", got)
	}
}
