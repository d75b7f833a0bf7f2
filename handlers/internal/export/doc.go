// Package export answers any list of the admin API as one file, in CSV or JSON: it asks the API for page after
// page, as anybody would, and writes each as it comes. It keeps no list in memory, and what breaks off is seen to
// be broken: the connection is cut, and JSON has no end. The columns of every list stand here, once. It reads
// nothing itself and knows no secret, since the API answers none. The API's listener and the console use it.
package export
