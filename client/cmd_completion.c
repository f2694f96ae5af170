/* `assay completion`: the scripts by which shells complete. They know nothing themselves: they ask
 * `assay complete`, whose first line says whether paths are candidates, too. */
#include <string.h>

#include "client/command.h"
#include "client/out.h"
#include "client/say.h"

static const char bash[] =
    "# assay.bash - completion for bash: source <(assay completion bash)\n"
    "_assay() {\n"
    "    local IFS=$'\\n' word=${COMP_WORDS[COMP_CWORD]} kind line item\n"
    "    local -a lines\n"
    "    COMPREPLY=()\n"
    "    mapfile -t lines < <(assay complete -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "    kind=${lines[0]:-words}\n"
    "    for line in \"${lines[@]:1}\"; do\n"
    "        printf -v item %q \"${line%%$'\\t'*}\"\n"
    "        COMPREPLY+=(\"$item\")\n"
    "    done\n"
    "    [ \"$word\" != = ] || word=\n"
    "    case $kind in\n"
    "    files) compopt -o filenames; COMPREPLY+=($(compgen -f -- \"$word\")) ;;\n"
    "    folders) compopt -o filenames; COMPREPLY+=($(compgen -d -- \"$word\")) ;;\n"
    "    esac\n"
    "    case ${COMPREPLY[0]-} in\n"
    "    */ | *=) compopt -o nospace ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _assay assay\n";

static const char zsh[] =
    "#compdef assay\n"
    "# _assay - completion for zsh: in a folder of $fpath, or: source <(assay completion zsh)\n"
    "_assay() {\n"
    "    local kind line word help\n"
    "    local -a lines open shut openhelp shuthelp\n"
    "    lines=(\"${(@f)$(assay complete -- \"${(@Q)words[2,CURRENT-1]}\" \"${(Q)PREFIX}\" "
    "2>/dev/null)}\")\n"
    "    kind=${lines[1]:-words}\n"
    "    for line in \"${(@)lines[2,-1]}\"; do\n"
    "        word=${line%%$'\\t'*} help=${line#*$'\\t'}\n"
    "        [[ -n $help ]] && help=\"$word  -- $help\" || help=$word\n"
    "        case $word in\n"
    "        '') ;;\n"
    "        */ | *=) open+=(\"$word\") openhelp+=(\"$help\") ;;\n"
    "        *) shut+=(\"$word\") shuthelp+=(\"$help\") ;;\n"
    "        esac\n"
    "    done\n"
    "    (( $#shut )) && compadd -l -d shuthelp -a shut\n"
    "    (( $#open )) && compadd -l -d openhelp -S '' -a open\n"
    "    case $kind in\n"
    "    files) compset -P '--*='; _files ;;\n"
    "    folders) compset -P '--*='; _files -/ ;;\n"
    "    esac\n"
    "}\n"
    "if [[ ${funcstack[1]-} == _assay ]]; then\n"
    "    _assay \"$@\"\n"
    "else\n"
    "    compdef _assay assay\n"
    "fi\n";

static const char fish[] =
    "# assay.fish - completion for fish: assay completion fish | source\n"
    "function __assay_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l word (commandline -ct)\n"
    "    set -l lines (assay complete -- $words[2..-1] \"$word\" 2>/dev/null)\n"
    "    set -q lines[2]; and printf '%s\\n' $lines[2..-1]\n"
    "    switch \"$lines[1]\"\n"
    "        case files\n"
    "            __fish_complete_path \"$word\"\n"
    "        case folders\n"
    "            __fish_complete_directories \"$word\"\n"
    "    end\n"
    "end\n"
    "complete -c assay -f -a '(__assay_complete)'\n";

static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static int run(const struct invocation *invocation)
{
    static const char *const scripts[] = {bash, zsh, fish};
    const char *shell = invocation->operands[0];

    for (size_t i = 0; shells[i] != NULL; i++) {
        if (strcmp(shell, shells[i]) == 0) {
            out_write(span_text(scripts[i]));
            return 0;
        }
    }
    return say(EXIT_USAGE, shell, "assay completion bash, zsh or fish",
               "there is no script for this shell");
}

const struct command command_completion = {
    .name = "completion",
    .operands = "bash|zsh|fish",
    .help = "Print the script by which a shell completes commands",
    .about = "`cmake --install` puts the scripts where the shells look for them; this is for "
             "those who have not installed, and takes effect in the shell at hand. Flags, their "
             "values, experiments, trials and tokens are completed; what only a head knows is "
             "asked of it, for half a second at most.",
    .example = "source <(assay completion bash)",
    .least = 1,
    .most = 1,
    .words = shells,
    .run = run,
};
