package autotask

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	v1 "channelsync/api/v1"
)

// numberedHost is an API host whose user interface runs on the ww host of the same number.
var numberedHost = regexp.MustCompile(`^webservices(\d+)\.autotask\.net$`)

// WebURL is the address of the zone's user interface, https://ww31.autotask.net
// for webservices31; "" for a host whose interface is not known.
func WebURL(zone v1.Zone) string {
	u, err := url.Parse(zone.URL)
	if err != nil {
		return ""
	}
	m := numberedHost.FindStringSubmatch(strings.ToLower(u.Hostname()))
	if m == nil {
		return ""
	}
	return "https://ww" + m[1] + ".autotask.net"
}

// RecordURL is the page of a record in Autotask's user interface (vendor:
// ExecuteCommand API), "" where WebURL is or for a kind that has no such page.
func RecordURL(zone v1.Zone, kind v1.Kind, id int64) string {
	web := WebURL(zone)
	if web == "" {
		return ""
	}
	code, key := "", ""
	switch kind {
	case v1.KindCompany:
		code, key = "OpenAccount", "AccountID"
	case v1.KindContract:
		code, key = "OpenContract", "ContractID"
	default:
		return ""
	}
	return fmt.Sprintf("%s/Autotask/AutotaskExtend/ExecuteCommand.aspx?Code=%s&%s=%d", web, code, key, id)
}
