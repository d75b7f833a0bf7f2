// Package export returns any list of the admin API as one file, in CSV or JSON. It requests
// page after page from the API, as any caller would, and writes each page as it arrives, so it
// keeps no list in memory. An incomplete file shows: the connection is cut, and JSON has no
// end. The columns of every list are defined here, once. It reads no data itself and knows no
// secret, because the API returns none. The API's listener and the console use it.
package export
