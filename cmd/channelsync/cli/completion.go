package cli

import (
	"context"
	"fmt"

	"channelsync/cmd/channelsync/cli/internal/command"
	"channelsync/cmd/channelsync/cli/internal/screen"
)

// The scripts ask the program itself, so they never grow old. A candidate is a
// line: the word, a tab, what it is.
const (
	bashScript = `# bash completion of channelsync: source <(channelsync completion bash)
_channelsync() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\t'*}")
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
    done < <(channelsync __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
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
		Name: "completion", Args: "bash|zsh|fish", Short: "print the completion script of a shell",
		Examples: []string{"source <(channelsync completion bash)"}, Words: shells,
		Run: func(_ context.Context, args []string) error {
			if len(args) != 1 {
				return command.Usage("bash, zsh or fish", "say one shell")
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

// completeCommand answers the scripts. It asks no API: a key press must not wait.
func (s *session) completeCommand() *command.Command {
	return &command.Command{
		Name: "__complete", Short: "complete a command line", Raw: true, Hidden: true,
		Run: func(_ context.Context, args []string) error {
			for _, c := range s.program().Complete(args) {
				if _, err := fmt.Fprintf(s.Stdout, "%s\t%s\n", c.Word, screen.Clean(c.About)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
