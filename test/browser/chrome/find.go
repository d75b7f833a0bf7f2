package chrome

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/cdp/jsonv2"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"channelsync/test/harness"
)

// textOf is the text of a page as it is seen, with single spaces.
const textOf = `(document.body ? document.body.innerText : "").replace(/\s+/g, " ")`

// node is a thing on a page as a screen reader knows it.
type node struct {
	id         cdp.BackendNodeID
	role, name string
}

// until waits until check is nil; the test fails with its last error.
func (p *Page) until(what string, check func() error) {
	p.T.Helper()
	harness.Eventually(p.T, what, patience, check)
}

// Text is the text of the page as it is seen, with single spaces.
func (p *Page) Text() string {
	p.T.Helper()
	return Eval[string](p, textOf)
}

// See waits until every text is to be seen on the page.
func (p *Page) See(texts ...string) {
	p.T.Helper()
	for _, text := range texts {
		p.until(fmt.Sprintf("seeing %q", text), func() error {
			all, err := run(p, chromedp.Evaluate[string](textOf))
			if err == nil && !strings.Contains(all, text) {
				err = errors.New("it is not there")
			}
			return err
		})
	}
}

// ReloadUntil loads the page again and again until a text is to be seen: what a
// person without scripts does.
func (p *Page) ReloadUntil(text string) {
	p.T.Helper()
	p.until(fmt.Sprintf("seeing %q after a reload", text), func() error {
		all, err := run(p, chromedp.Evaluate[string](textOf))
		if err == nil && !strings.Contains(all, text) {
			_, err = run(p, chromedp.Reload())
			if err == nil {
				err = errors.New("it is not there")
			}
		}
		return err
	})
}

// SeeNot wants none of the texts on the page as it is now.
func (p *Page) SeeNot(texts ...string) {
	p.T.Helper()
	all := p.Text()
	for _, text := range texts {
		if strings.Contains(all, text) {
			p.T.Errorf("on %s: %q must not be seen", p.path(), text)
		}
	}
}

// Has says whether the page has a thing of that role and accessible name now.
func (p *Page) Has(role, name string) bool {
	p.T.Helper()
	found, err := p.find(name, []string{role})
	if err != nil {
		p.T.Fatalf("look for the %s %q: %v", role, name, err)
	}
	return len(found) > 0
}

// with waits for the one thing of that accessible name, and does something with
// it. It looks again when the page changes under its hands.
func (p *Page) with(name string, roles []string, do func(node) error) {
	p.T.Helper()
	p.until(fmt.Sprintf("%s %q", strings.Join(roles, " or "), name), func() error {
		found, err := p.find(name, roles)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return errors.New("there is none")
		case len(found) > 1:
			return fmt.Errorf("there are %d of that name; look for it within a region", len(found))
		}
		return do(found[0])
	})
}

// find lists what has that accessible name and one of the roles.
func (p *Page) find(name string, roles []string) ([]node, error) {
	return run(p, func(ctx context.Context, t *chromedp.Target) ([]node, error) {
		root, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{Expression: "document"})
		if err != nil {
			return nil, fmt.Errorf("find the document: %w", err)
		}
		query := accessibility.QueryAXTreeParams{ObjectID: root.Result.ObjectID}
		if p.in != "" {
			within := query
			within.AccessibleName, within.Role = p.in, "region"
			regions, err := nodes(ctx, t, within)
			if err != nil {
				return nil, err
			}
			if len(regions) != 1 {
				return nil, fmt.Errorf("%d regions are called %q", len(regions), p.in)
			}
			query = accessibility.QueryAXTreeParams{BackendNodeID: regions[0].id}
		}
		var found []node
		for _, role := range roles {
			query.Role = role
			all, err := nodes(ctx, t, query)
			if err != nil {
				return nil, err
			}
			for _, n := range all {
				if n.name == name {
					found = append(found, n)
				}
			}
		}
		return found, nil
	})
}

func nodes(ctx context.Context, t *chromedp.Target, query accessibility.QueryAXTreeParams) ([]node, error) {
	res, err := cdp.Call(ctx, t, accessibility.QueryAXTree, query)
	if err != nil {
		return nil, fmt.Errorf("query the accessibility tree: %w", err)
	}
	var all []node
	for _, n := range res.Nodes {
		if !n.Ignored {
			all = append(all, nodeOf(n))
		}
	}
	return all, nil
}

func nodeOf(n *accessibility.Node) node {
	found := node{id: n.BackendDOMNodeID}
	if n.Role != nil {
		_ = unquote(n.Role.Value, &found.role) // a role is always a text
	}
	if n.Name != nil {
		_ = unquote(n.Name.Value, &found.name)
		// The browser parts what is shown from what is for screen readers only.
		found.name = strings.ReplaceAll(found.name, " :", ":")
	}
	return found
}

// Focus is what has the focus: its role and accessible name.
func (p *Page) Focus() (role, name string) {
	p.T.Helper()
	n, err := run(p, func(ctx context.Context, t *chromedp.Target) (node, error) {
		active, err := cdp.Call(ctx, t, runtime.Evaluate, runtime.EvaluateParams{Expression: "document.activeElement"})
		if err != nil {
			return node{}, fmt.Errorf("find the focus: %w", err)
		}
		res, err := cdp.Call(ctx, t, accessibility.GetPartialAXTree, accessibility.GetPartialAXTreeParams{
			ObjectID: active.Result.ObjectID, FetchRelatives: new(false),
		})
		if err != nil || len(res.Nodes) == 0 {
			return node{}, fmt.Errorf("ask what has the focus: %w", err)
		}
		return nodeOf(res.Nodes[0]), nil
	})
	if err != nil {
		p.T.Fatalf("focus: %v", err)
	}
	return n.role, n.name
}

func quote(text string) jsonv2.Value {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always can be
	}
	return jsonv2.Value(b)
}

func unquote(value jsonv2.Value, into any) error { return json.Unmarshal([]byte(value), into) }
