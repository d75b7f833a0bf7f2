package chrome

import (
	"context"
	"errors"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Command is an action that sends one command of the browser's protocol.
func Command[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

// run runs an action with a deadline of its own.
func run[T any](p *Page, action chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, action)
}

func (p *Page) must(what string, action chromedp.Action[chromedp.Void]) {
	p.T.Helper()
	if _, err := run(p, action); err != nil {
		p.T.Fatalf("%s: %v", what, err)
	}
}

// Eval is what an expression is on the page; a promise is waited for.
func Eval[T any](p *Page, expression string) T {
	p.T.Helper()
	v, err := run(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.T.Fatalf("evaluate %.80s: %v", expression, err)
	}
	return v
}

// Press clicks a button that sends a form, and waits for the page that follows.
func (p *Page) Press(name string) {
	p.T.Helper()
	p.leave(name, "button")
}

// Follow clicks a link, and waits for the page that follows.
func (p *Page) Follow(name string) {
	p.T.Helper()
	p.leave(name, "link")
}

// Click clicks what stays on the page: a checkbox, a choice, a summary.
func (p *Page) Click(name string) {
	p.T.Helper()
	p.with(name, []string{"checkbox", "radio", "DisclosureTriangle", "button", "link"}, func(n node) error {
		return p.click(n)
	})
}

func (p *Page) leave(name, role string) {
	p.T.Helper()
	p.with(name, []string{role}, func(n node) error {
		return p.loads(func(context.Context, *chromedp.Target) (chromedp.Void, error) { return chromedp.Void{}, p.click(n) })
	})
}

// loads does what leads to another page, and waits until that is loaded. Unlike
// chromedp.WaitEvent it leaves nothing behind when it cannot be done.
func (p *Page) loads(do chromedp.Action[chromedp.Void]) error {
	_, err := run(p, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		loaded := cdp.Events(ctx, t, page.LoadEventFired)
		_, failed := do(ctx, t)
		if failed != nil {
			cancel() // ends the events below, which must be ranged over to end at all
		}
		for _, err := range loaded {
			return errors.Join(failed, err)
		}
		return errors.Join(failed, errors.New("the tab is gone"))
	}))
	return err
}

// click is the mouse of a person: where the thing is, and only if it is there.
func (p *Page) click(n node) error {
	_, err := run(p, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, dom.ScrollIntoViewIfNeeded, dom.ScrollIntoViewIfNeededParams{BackendNodeID: n.id}); err != nil {
			return fmt.Errorf("scroll to it: %w", err)
		}
		box, err := cdp.Call(ctx, t, dom.GetContentQuads, dom.GetContentQuadsParams{BackendNodeID: n.id})
		if err != nil {
			return fmt.Errorf("find where it is: %w", err)
		}
		if len(box.Quads) == 0 || len(box.Quads[0]) != 8 {
			return errors.New("it cannot be seen")
		}
		x, y := (box.Quads[0][0]+box.Quads[0][4])/2, (box.Quads[0][1]+box.Quads[0][5])/2
		res, err := n.call(ctx, t, fmt.Sprintf(`function() {
			const e = document.elementFromPoint(%f, %f);
			return e !== null && this.contains(e);
		}`, x, y))
		if err != nil {
			return err
		}
		if string(res.Value) != "true" {
			return errors.New("it has moved, or something lies over it")
		}
		_, err = chromedp.MouseClickXY(x, y)(ctx, t)
		return err
	}))
	return err
}

// fields are the roles of what text is entered in.
func fields() []string { return []string{"textbox", "searchbox", "spinbutton"} }

// Fill enters a text in the field of that label, in the place of what is there.
func (p *Page) Fill(label, text string) {
	p.T.Helper()
	p.with(label, fields(), func(n node) error {
		_, err := run(p, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			if _, err := cdp.Call(ctx, t, dom.Focus, dom.FocusParams{BackendNodeID: n.id}); err != nil {
				return fmt.Errorf("focus it: %w", err)
			}
			if _, err := n.call(ctx, t, `function() { this.select(); }`); err != nil {
				return err
			}
			_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: text})
			return err
		}))
		return err
	})
}

// Choose chooses an option of a list by its text.
func (p *Page) Choose(label, option string) {
	p.T.Helper()
	p.with(label, []string{"combobox", "listbox", "MenuListPopup"}, func(n node) error {
		_, err := run(p, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := n.call(ctx, t, `function(text) {
				const o = [...this.options].find((o) => o.text === text);
				if (!o) throw new Error("no option " + text + " among " + [...this.options].map((o) => o.text).join(", "));
				this.value = o.value;
				this.dispatchEvent(new Event("change", {bubbles: true}));
			}`, option)
			return err
		}))
		return err
	})
}

// Value is what a field holds.
func (p *Page) Value(label string) string {
	p.T.Helper()
	var value string
	p.with(label, append(fields(), "combobox"), func(n node) error {
		var err error
		_, err = run(p, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			res, err := n.call(ctx, t, `function() { return this.value; }`)
			if err == nil {
				err = unquote(res.Value, &value)
			}
			return err
		}))
		return err
	})
	return value
}

// call calls a function of the page with the node as this.
func (n node) call(ctx context.Context, t *chromedp.Target, function string, args ...string) (*runtime.RemoteObject, error) {
	object, err := cdp.Call(ctx, t, dom.ResolveNode, dom.ResolveNodeParams{BackendNodeID: n.id})
	if err != nil {
		return nil, fmt.Errorf("resolve it: %w", err)
	}
	params := runtime.CallFunctionOnParams{FunctionDeclaration: function, ObjectID: object.Object.ObjectID, ReturnByValue: new(true)}
	for _, arg := range args {
		params.Arguments = append(params.Arguments, &runtime.CallArgument{Value: quote(arg)})
	}
	res, err := cdp.Call(ctx, t, runtime.CallFunctionOn, params)
	if err != nil {
		return nil, err
	}
	if res.ExceptionDetails != nil {
		return nil, fmt.Errorf("%s", res.ExceptionDetails.Exception.Description)
	}
	return res.Result, nil
}

// Keys presses keys one after the other, wherever the focus is.
func (p *Page) Keys(keys string, modifiers ...chromedp.Modifier) {
	p.T.Helper()
	p.must("press keys", chromedp.KeyEvent(keys, chromedp.KeyModifiers(modifiers...)))
}

// KeysLeave presses keys that lead to another page, and waits for that.
func (p *Page) KeysLeave(keys string) {
	p.T.Helper()
	if err := p.loads(chromedp.KeyEvent(keys)); err != nil {
		p.T.Fatalf("press keys and wait for the next page: %v", err)
	}
}
