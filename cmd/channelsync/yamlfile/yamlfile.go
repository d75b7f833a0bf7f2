// Package yamlfile reads YAML that people write, with the line of everything, so that
// what is wrong can be named. It knows no setting, repeats no value in an error, and takes
// plain mappings, lists and values only. Used by packages cli and config.
package yamlfile

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Field is one entry of a mapping.
type Field struct {
	Name  string
	Line  int
	Value Value
}

// Value is what stands behind a name or in a list.
type Value struct{ node ast.Node }

// ErrNoMapping says that a file is something else than one mapping.
var ErrNoMapping = errors.New("got something else, want one mapping of names to values")

// Parse reads a file that is one mapping; an empty one has no fields. The name of the file is
// for errors.
func Parse(name string, text []byte) ([]Field, error) {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, malformed(name, err)
	}
	if len(tree.Docs) > 1 {
		return nil, fmt.Errorf("%s: %w", name, ErrNoMapping)
	}
	if len(tree.Docs) == 0 {
		return nil, nil
	}
	fields, ok := fieldsOf(tree.Docs[0].Body)
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, ErrNoMapping)
	}
	return fields, nil
}

// malformed says where a file is not YAML, without the line itself, which may hold a secret.
func malformed(name string, err error) error {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if !errors.As(err, &at) || at.GetToken() == nil {
		return fmt.Errorf("%s: not YAML", name)
	}
	return fmt.Errorf("%s:%d: not YAML: %s", name, at.GetToken().Position.Line, at.GetMessage())
}

func fieldsOf(n ast.Node) (fields []Field, ok bool) {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case nil, *ast.NullNode, *ast.CommentGroupNode:
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	case *ast.MappingNode:
		pairs = n.Values
	default:
		return nil, false
	}
	for _, pair := range pairs {
		key := pair.Key.GetToken()
		fields = append(fields, Field{Name: key.Value, Line: key.Position.Line, Value: Value{pair.Value}})
	}
	return fields, true
}

// Line is where a value begins.
func (v Value) Line() int {
	if v.node == nil {
		return 0
	}
	switch n := v.node.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			return n.Values[0].Key.GetToken().Position.Line
		}
	case *ast.MappingValueNode:
		return n.Key.GetToken().Position.Line
	}
	return v.node.GetToken().Position.Line
}

// Fields are the entries of a mapping; an empty value has none.
func (v Value) Fields() ([]Field, error) {
	fields, ok := fieldsOf(v.node)
	if !ok {
		return nil, fmt.Errorf("got %s, want a mapping of names to values", v.what())
	}
	return fields, nil
}

// Items are the elements of a list; an empty value has none.
func (v Value) Items() ([]Value, error) {
	switch n := v.node.(type) {
	case nil, *ast.NullNode:
		return nil, nil
	case *ast.SequenceNode:
		items := make([]Value, len(n.Values))
		for i, one := range n.Values {
			items[i] = Value{one}
		}
		return items, nil
	}
	return nil, fmt.Errorf("got %s, want a list", v.what())
}

// Text is a value as it is written, numbers too; a list counts as its elements with commas between them.
func (v Value) Text() (string, error) {
	switch n := v.node.(type) {
	case nil, *ast.NullNode:
		return "", nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.SequenceNode:
		var parts []string
		for _, one := range n.Values {
			if _, nested := one.(*ast.SequenceNode); nested {
				return "", errors.New("got a list in a list, want values")
			}
			part, err := Value{one}.Text()
			if err != nil {
				return "", err
			}
			parts = append(parts, part)
		}
		return strings.Join(parts, ","), nil
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, nil
	}
	return "", fmt.Errorf("got %s, want a value or a list of values", v.what())
}

// List is a value as Text, but for the elements of a list that have a comma or a quote in them: they
// stand in quotes, as a row of CSV has them.
func (v Value) List() (string, error) {
	n, is := v.node.(*ast.SequenceNode)
	if !is {
		return v.Text()
	}
	var parts []string
	for _, one := range n.Values {
		part, err := Value{one}.Text()
		if err != nil {
			return "", err
		}
		if strings.ContainsAny(part, `",`) {
			part = `"` + strings.ReplaceAll(part, `"`, `""`) + `"`
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ","), nil
}

// what names the kind of a value, never the value itself.
func (v Value) what() string {
	switch n := v.node.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or alias"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	default:
		return "a " + strings.ToLower(n.Type().String())
	}
}
