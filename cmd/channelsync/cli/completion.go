package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"channelsync/api/client"
	v1 "channelsync/api/v1"

	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
	"channelsync/internal/search"
)

// The scripts ask the program itself, so they never grow old. A candidate is a
// line: the word, a tab, what it is.
const (
	bashScript = `# bash completion of channelsync: source <(channelsync completion bash)
_channelsync() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$(printf '%q' "${line%%$'\t'*}")")
    done < <(channelsync __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _channelsync channelsync
`
	zshScript = `#compdef channelsync
# zsh completion of channelsync: channelsync completion zsh > "${fpath[1]}/_channelsync"
_channelsync() {
    local -a candidates
    local line
    while IFS= read -r line; do
        local word="${line%%$'\t'*}" about="${line#*$'\t'}"
        candidates+=("${word//:/\\:}:${about}")
    done < <(channelsync __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} )); then
        _describe channelsync candidates
    else
        _files
    fi
}
if [ "$funcstack[1]" = "_channelsync" ]; then
    _channelsync "$@"
else
    compdef _channelsync channelsync
fi
`
	fishScript = `# fish completion of channelsync: channelsync completion fish > ~/.config/fish/completions/channelsync.fish
function __channelsync_complete
    set -l words (commandline -opc)
    channelsync __complete $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c channelsync -a '(__channelsync_complete)'
`
)

func (s *session) completionCommand() *command.Command {
	scripts := map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
	shells := []string{"bash", "zsh", "fish"}
	return &command.Command{
		Name: "completion", Args: "bash|zsh|fish", Short: "print a completion script for a shell",
		Examples: []string{"source <(channelsync completion bash)"}, Words: shells,
		Run: func(_ context.Context, args []string) error {
			if len(args) != 1 {
				return command.Usage("bash, zsh or fish", "name one shell")
			}
			script, known := scripts[args[0]]
			if !known {
				return command.Usage("the shells are bash, zsh and fish", "there is no completion for %q", args[0])
			}
			_, err := fmt.Fprint(s.Stdout, script)
			return err
		},
	}
}

// completeWithin is how long a key press may wait for the names of installations and records.
const completeWithin = time.Second

// completeCommand answers the scripts. What the service would have to be asked is left out where it
// does not answer at once.
func (s *session) completeCommand() *command.Command {
	return &command.Command{
		Name: "__complete", Short: "complete a command line", Raw: true, Hidden: true,
		Run: func(ctx context.Context, args []string) error {
			ctx, cancel := context.WithTimeout(ctx, completeWithin)
			defer cancel()
			for i := range args {
				args[i] = unquote(args[i])
			}
			for _, c := range s.completing(ctx).Complete(args) {
				if _, err := fmt.Fprintf(s.Stdout, "%s\t%s\n", c.Word, screen.Clean(c.About)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// completing is the program with what is completed from the service.
func (s *session) completing(ctx context.Context) *command.Program {
	p := s.program()
	p.AskValue = func(flag, last string) []command.Candidate {
		if flag != "installation" {
			return nil
		}
		return s.installationNames(ctx, last)
	}
	var each func(*command.Command)
	each = func(c *command.Command) {
		switch {
		case c.Args == recordArgs:
			c.Ask = func(before []string, last string) []command.Candidate { return s.recordWords(ctx, before, last) }
		case strings.HasPrefix(c.Args, selectorArgs):
			c.Ask = func(before []string, last string) []command.Candidate {
				if len(before) > 0 {
					return nil
				}
				return s.installationNames(ctx, last)
			}
		}
		for _, sub := range c.Subs {
			each(sub)
		}
	}
	each(p.Root)
	return p
}

// installed lists the installations; nothing where the service does not answer.
func (s *session) installed(ctx context.Context) (*client.Client, []v1.Installation) {
	api, err := s.api()
	if err != nil {
		return nil, nil
	}
	all, err := api.Installations(ctx)
	if err != nil {
		return nil, nil
	}
	return api, all
}

func (s *session) installationNames(ctx context.Context, last string) []command.Candidate {
	_, all := s.installed(ctx)
	return named(all, last)
}

func named(all []v1.Installation, last string) (found []command.Candidate) {
	for _, in := range all {
		if begins(in.Name, last) {
			found = append(found, command.Candidate{Word: text(in.Name), About: string(in.State)})
		}
	}
	return found
}

// recordWords completes [installation] [kind] <id or name>: ids where nothing or digits were
// typed, else names.
func (s *session) recordWords(ctx context.Context, before []string, last string) []command.Candidate {
	api, all := s.installed(ctx)
	if api == nil {
		return nil
	}
	var which selector
	q := v1.RecordQuery{Limit: mostMatches}
	for i, arg := range before {
		switch {
		case slices.Contains(recordKinds(), arg):
			q.Kind = v1.Kind(arg)
		case i == 0:
			which.ref = arg
		default:
			return nil // the record is there already
		}
	}
	var found []command.Candidate
	if len(before) == 0 && len(all) > 1 {
		found = named(all, last)
	}
	in, err := which.among(all)
	if err != nil || q.Kind == "" && last == "" {
		return found // nothing says what is meant, and a list of everything helps nobody
	}
	digits := strings.Trim(last, "0123456789") == ""
	if !digits {
		q.Q = last
	}
	page, err := api.Records(ctx, in.ID, q)
	if err != nil {
		return found
	}
	for _, r := range page.Items {
		switch {
		case digits && strings.HasPrefix(r.ID, last):
			found = append(found, command.Candidate{Word: r.ID, About: text(r.Name)})
		case !digits && begins(r.Name, last):
			found = append(found, command.Candidate{Word: text(r.Name), About: string(r.Kind) + " " + r.ID})
		}
	}
	return found
}

// begins compares as the search does. What was typed of signs alone begins nothing.
func begins(name, typed string) bool {
	folded := search.Fold(typed)
	return (folded != "" || typed == "") && strings.HasPrefix(search.Fold(name), folded)
}

// unquote takes off what a shell needs around a word: bash hands over words as they are typed.
func unquote(word string) string {
	var b strings.Builder
	var quote rune
	escaped := false
	for _, r := range word {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped = true
		case quote == 0 && (r == '\'' || r == '"'):
			quote = r
		case r == quote:
			quote = 0
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
