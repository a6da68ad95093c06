/**
 * What a shell runs to complete "cpugate". Each script asks the program for the words and adds the
 * files itself, before them, where the program says so: names of files are quoted in each shell's way.
 */
import { basename } from 'node:path';
import { FILES } from './complete.js';
import { SHELLS } from './specs/completion.js';

type Shell = (typeof SHELLS)[number];

const BASH = `# cpugate completion for bash
_cpugate() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line file
  [[ $cur == = ]] && cur=
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${FILES} ]]; then
      while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "$cur")
    else
      COMPREPLY+=("$line")
    fi
  done < <(cpugate --get-yargs-completions "\${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
}
complete -o filenames -o nosort -F _cpugate cpugate 2>/dev/null ||
  complete -o filenames -F _cpugate cpugate
`;

const ZSH = `#compdef cpugate
# cpugate completion for zsh
_cpugate() {
  local -a offered
  local line files=
  for line in "\${(@f)$(cpugate --get-yargs-completions "\${(@)words[1,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      ${FILES}) files=1 ;;
      ?*) offered+=("$line") ;;
    esac
  done
  [[ $PREFIX == --*=* ]] && compset -P '--*='
  [[ -n $files ]] && _files
  (( \${#offered} )) && compadd -V cpugate -a offered
}
whence compdef >/dev/null || { autoload -Uz compinit && compinit }
compdef _cpugate cpugate
`;

const FISH = `# cpugate completion for fish
function __cpugate_complete
    set -l current (commandline -ct)
    set -l prefix (string match -r -- '^--[a-z-]+=' "$current")
    for line in (cpugate --get-yargs-completions (commandline -opc) "$current" 2>/dev/null)
        if test "$line" = '${FILES}'
            for file in (__fish_complete_path (string replace -r -- '^--[a-z-]+=' '' "$current"))
                string join '' -- $prefix $file
            end
        else
            string join '' -- $prefix $line
        end
    end
end
complete -c cpugate -f -k -a '(__cpugate_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

function isShell(name: string): name is Shell {
  return (SHELLS as readonly string[]).includes(name);
}

/** By the user's own shell, as $SHELL names it; bash for those that have no completion like this. */
export function shellOf(path: string | undefined): Shell {
  const name = basename(path ?? '');
  return isShell(name) ? name : 'bash';
}

export function completionScript(shell: string): string {
  return SCRIPTS[isShell(shell) ? shell : 'bash'];
}
