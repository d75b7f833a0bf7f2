package seed

import (
	"fmt"
	"strings"
)

// Names that break careless software: accents, ampersands, quotes, plus signs, other scripts.
var (
	heads = []string{
		"Northwind", "Café Lumière", "Blue Heron", "O'Brien", "Smith & Sons", "Zürich", "Maple Street", "Señor Taco",
		"Granite", "\"Quick\" Print", "Riverbend", "Øresund", "Harvest", "Łódź", "Silver Birch", "A+ Tutoring", "Old Mill",
		"Crème & Co.", "Lakeside", "Jäger", "Three Pines", "Société d'Outils", "Copper Kettle", "東京", "Beacon Hill",
		"Fjord", "Oak & Iron", "Peña", "Summit", "Garçon", "Prairie", "Straße 9", "Whitewater",
	}
	tails = []string{
		"Dental", "Law Group", "Accounting", "Logistics", "Veterinary Clinic", "Architects", "Bakery", "Insurance",
		"Medical Practice", "Construction", "Realty", "Media", "Engineering", "School", "Credit Union", "Brewery", "Farms",
		"Optics", "Freight", "Interiors", "Machine Works", "Foundation", "Pharmacy", "Textiles", "Hotel", "Theatre",
		"Consulting", "Motors", "Robotics",
	}
	firstNames = []string{"Mary", "José", "Anne-Marie", "Søren", "Priya", "Liam", "Zoë", "Chidi", "Björn", "Grace"}
	lastNames  = []string{"Smith", "O'Neill", "Núñez", "Kowalski", "Müller", "Nguyen", "Brown", "D'Angelo", "Åberg", "Okafor"}
	streets    = []string{"High Street", "Main St.", "Rue de l'Église", "Market Square", "Königstraße", "Elm Avenue", "Dock Road"}
	places     = []struct {
		city, state, code, area string
		country                 int64
	}{
		{"Albany", "NY", "12207", "518", 237},
		{"Troy", "NY", "12180", "518", 237},
		{"Burlington", "VT", "05401", "802", 237},
		{"München", "BY", "80331", "089", 80},
		{"Orléans", "Loiret", "45000", "023", 74},
		{"Leeds", "West Yorkshire", "LS1 4AP", "113", 236},
	}
)

// companyName is different for each i.
func companyName(i int) string {
	name := heads[i%len(heads)] + " " + tails[i%len(tails)]
	if round := i / (len(heads) * len(tails)); round > 0 {
		name += fmt.Sprintf(" No. %d", round+1)
	}
	return name
}

func domain(i int) string {
	word := strings.ToLower(strings.ReplaceAll(tails[i%len(tails)], " ", "-"))
	return fmt.Sprintf("%s%d.example", word, i)
}
