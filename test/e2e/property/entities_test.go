package property

import (
	"fmt"
	"maps"

	atsim "channelsync/test/sim/autotask/sim"
)

func names() []any {
	return []any{
		"Northwind", "Ærø Tandlæger", "  Padded Ltd ", "Quote \"&\" <Sons>", "Northwind Group", "名前株式会社", "Plain",
	}
}

func companyEdits() []change {
	return []change{
		one("companyName", names()...), one("companyName", append(names(), "", "   ")...),
		one("isActive", true, false), one("isActive", true, false), one("companyType", 1, 1, 2, 3, 7),
		one("phone", "518-555-0001", " 518-555-0002 ", "", nil),
		one("alternatePhone1", "518-555-0003", nil), one("alternatePhone2", "518-555-0001", ""),
		one("address1", "1 Main Street", "", nil), one("address2", "Suite 9", nil),
		one("additionalAddressInformation", "Rear door", " ", nil),
		one("city", "Albany", nil), one("state", "NY", ""), one("postalCode", "12207", nil), one("countryID", 237, 80, 9999, nil),
		one("webAddress", "www.northwind.example", "", nil), one("fax", "518-555-0999", nil), one("classification", 1, 2, nil),
	}
}

func vendorEdits() []change {
	return []change{
		one("companyName", names()...), one("companyName", "Datasafe, Inc.", "Cloudrise", "Patch & Co.", ""),
		one("isActive", true, false), one("companyType", 7, 7, 8, 1),
	}
}

func newCompany(_ *history, which, how int) atsim.Row {
	types := []int{1, 1, 1, 2, 7}
	return atsim.Row{
		"companyName": fmt.Sprintf("New company %d", which), "companyType": types[how%len(types)], "isActive": how%7 != 0,
		"phone": "518-555-0199",
	}
}

func addresses() []any {
	return []any{"ann@northwind.example", "ANN@Northwind.example", "bob@northwind.example", " desk@northwind.example", "", nil}
}

func contactEdits() []change {
	return []change{
		one("emailAddress", addresses()...), one("emailAddress2", addresses()...), one("emailAddress3", addresses()...),
		one("isActive", 0, 1), one("primaryContact", true, false), ref("companyID", "Companies"), one("title", "Owner", "Dentist"),
	}
}

func newContact(h *history, which, how int) atsim.Row {
	return atsim.Row{
		"companyID": h.id("Companies", which), "firstName": "Ann", "lastName": fmt.Sprintf("Lee %d", how),
		"emailAddress": addresses()[how%len(addresses())], "isActive": min(1, how%4), "primaryContact": how%3 == 0,
	}
}

func contractEdits() []change {
	return []change{
		one("contractName", names()...), one("contractName", "Care", "", "  "), one("estimatedCost", money()...),
		one("contractType", 1, 3, 7, 7), one("status", 0, 1), ref("companyID", "Companies"), one("description", "a", "b"),
	}
}

func newContract(h *history, which, how int) atsim.Row {
	types := []int{7, 3, 1, 7, 4}
	row := around(-30, 335)
	maps.Copy(row, atsim.Row{
		"companyID": h.id("Companies", which), "contractName": fmt.Sprintf("Agreement %d", how),
		"contractType": types[how%len(types)], "status": 1, "estimatedCost": money()[how%len(money())],
	})
	return row
}

func serviceLineEdits() []change {
	return []change{one("unitCost", money()...), ref("serviceID", "Services"), one("internalDescription", "a", "b")}
}

func newServiceLine(h *history, which, how int) atsim.Row {
	return atsim.Row{
		"contractID": h.id("Contracts", which), "serviceID": h.id("Services", how), "unitCost": money()[how%len(money())],
	}
}

func unitEdits() []change {
	return []change{
		one("cost", money()...), one("cost", money()...), ref("vendorCompanyID", "Companies"), one("vendorCompanyID", nil, 987654),
		func(_ *history, how int) atsim.Row { return around(how%5-3, how%4) },
	}
}

func newUnit(h *history, which, how int) atsim.Row {
	row := around(how%5-3, how%4)
	maps.Copy(row, atsim.Row{
		"contractID": h.id("Contracts", which), "contractServiceID": h.id("ContractServices", which),
		"serviceID": h.id("Services", how),
		"units":     1, "cost": money()[how%len(money())], "price": "5", "internalCurrencyPrice": "5",
	})
	if vendors := h.rows("Companies", ofType(7)); len(vendors) > 0 && how%3 != 0 {
		row["vendorCompanyID"] = vendors[how%len(vendors)]["id"]
	}
	return row
}

func newBundleLine(h *history, which, how int) atsim.Row {
	return atsim.Row{"contractID": h.id("Contracts", which), "serviceBundleID": h.id("ServiceBundles", how)}
}

func bundleUnitEdits() []change {
	return []change{one("cost", money()...), ref("contractID", "Contracts")}
}

func chargeEdits() []change {
	return []change{one("extendedCost", money()...), ref("productID", "Products"), one("productID", nil, 987654)}
}

func newCharge(h *history, which, how int) atsim.Row {
	return atsim.Row{
		"contractID": h.id("Contracts", which), "productID": h.id("Products", how), "name": "Hardware",
		"extendedCost": money()[how%len(money())], "unitQuantity": 1, "unitCost": "1",
	}
}

func catalogueEdits() []change {
	return []change{
		ref("vendorCompanyID", "Companies"), one("vendorCompanyID", nil), one("unitCost", "1", "2.5", 0),
		one("name", "Backup", "Firewall"),
	}
}

func bundleEdits() []change {
	return []change{one("unitCost", "1", "2.5", 0, nil), one("periodType", 2, 5), one("name", "Suite", "Basics")}
}

func newContent(h *history, which, how int) atsim.Row {
	return atsim.Row{"serviceBundleID": h.id("ServiceBundles", which), "serviceID": h.id("Services", how)}
}

func productEdits() []change {
	return []change{ref("defaultVendorID", "Companies"), one("defaultVendorID", nil)}
}

func supplierEdits() []change {
	return []change{ref("vendorID", "Companies"), one("isDefault", true, false)}
}

func newSupplier(h *history, which, how int) atsim.Row {
	return atsim.Row{"productID": h.id("Products", which), "vendorID": h.id("Companies", how), "isDefault": how%2 == 0}
}
