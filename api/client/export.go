package client

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	v1 "channelsync/api/v1"
)

// Lists that can be exported, of all installations.
const (
	ExportInstallations = "/installations"
	ExportIssues        = "/status"
	ExportAudit         = "/audit"
	ExportTokens        = "/tokens"
)

// ExportOf is a list of an installation that can be exported: records, dead-letters, drift, jobs, activity, issues or bridges.
func ExportOf(id, list string) string { return at(id, list) }

// ExportVersions is the list of a record's versions.
func ExportVersions(id string, kind v1.Kind, record string) string {
	return at(id, "records", string(kind), record, "versions")
}

// Export writes a whole list to a writer as csv, csv-spreadsheet or json. After an error, what was written is
// not all of it. Begun, which may be nil, receives the header of the answer before anything is written.
func (c *Client) Export(ctx context.Context, list string, filter url.Values, format string, to io.Writer, begun func(http.Header)) error {
	query := url.Values{"format": {format}}
	maps.Copy(query, filter)
	if begun == nil {
		begun = func(http.Header) {}
	}
	if err := c.download(ctx, Call{Path: list, Query: query}, to, begun); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}
