"""`hepexp completion bash|zsh|fish`: print the script that teaches a shell to complete hepexp's command line."""

from hepexp.cli.parser import Parser

HELP = "print the completion script of a shell: bash, zsh or fish"

# bash splits words at = and :, so what it replaces is only the part after the last of them.
BASH = r"""# hepexp: add to ~/.bashrc: source <(hepexp completion bash)
_hepexp() {
    local line="${COMP_LINE:0:COMP_POINT}"
    local word="${line##*[[:space:]]}"
    mapfile -t COMPREPLY < <(hepexp __complete "$line" 2>/dev/null)
    if [[ $word == *=* && $COMP_WORDBREAKS == *=* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${word%"${word##*=}"}"}")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=.,\(] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o default -F _hepexp hepexp
"""

ZSH = r"""#compdef hepexp
# hepexp: add to ~/.zshrc, after compinit: source <(hepexp completion zsh)
_hepexp() {
    local -a found open
    found=("${(@f)$(hepexp __complete "${BUFFER[1,CURSOR]}" 2>/dev/null)}")
    open=(${(M)found:#*[=.,\(]})
    found=(${found:#*[=.,\(]})
    (( ${#open} )) && compadd -S '' -- $open
    (( ${#found} )) && compadd -- $found
    (( ${#open} + ${#found} )) || _files
}
compdef _hepexp hepexp
"""

FISH = r"""# hepexp: save as ~/.config/fish/completions/hepexp.fish
complete -c hepexp -a '(hepexp __complete (commandline -cp) 2>/dev/null)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def main(args: list[str]) -> int:
    """Print the script of one shell."""
    parser = Parser(prog="hepexp completion", description=HELP)
    parser.add_argument("shell", metavar="SHELL", choices=SCRIPTS, help="bash, zsh or fish")
    print(SCRIPTS[parser.parse_args(args).shell], end="")
    return 0
