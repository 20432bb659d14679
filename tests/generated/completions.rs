//! Completions: the scripts that clap makes know the options; words that the tables and the spool know are asked of the program
//! (`PROGRAM --complete`, `src/commands/completing.rs`).

use anyhow::Context;
use clap::{Command, ValueHint};
use clap_complete::{Shell, generate};

/// The program that knows nothing of `--complete`: all it takes is files and numbers.
const STATIC: &[&str] = &["fastp", "spoollp"];

/// The script of a program for a shell.
pub fn script(shell: Shell, command: &Command) -> anyhow::Result<String> {
    let name = command.get_name().to_owned();
    if STATIC.contains(&name.as_str()) {
        return options(shell, command.clone(), &name);
    }
    // What the program says itself is not said in the script: neither words nor file names.
    let asked = |arg: &clap::Arg| arg.get_action().takes_values() && matches!(arg.get_value_hint(), ValueHint::Unknown);
    let all = command.clone().mut_args(|arg| match asked(&arg) {
        true => arg.value_parser(clap::builder::ValueParser::os_string()).value_hint(ValueHint::Other),
        false => arg,
    });
    let takes_files = command
        .get_positionals()
        .any(|arg| matches!(arg.get_value_hint(), ValueHint::FilePath | ValueHint::DirPath | ValueHint::AnyPath));
    let text = options(shell, all, &name)?;
    match shell {
        Shell::Bash => Ok(replaced(&text, &format!("_{name}() {{"), &format!("_{name}_options() {{"))? + &bash(&name)),
        Shell::Zsh => {
            let text = replaced(&text, &format!("\n_{name}() {{"), &format!("\n_{name}_options() {{"))?;
            let end = format!("if [ \"$funcstack[1]\" = \"_{name}\" ]; then");
            replaced(&text, &end, &format!("{}\n{end}", zsh(&name)))
        }
        _ => Ok(fish(&name, &text, takes_files)),
    }
}

fn options(shell: Shell, mut command: Command, name: &str) -> anyhow::Result<String> {
    let mut text = Vec::new();
    generate(shell, &mut command, name, &mut text);
    Ok(String::from_utf8(text)?)
}

/// Puts `other` in place of `part`, which is there once.
fn replaced(text: &str, part: &str, other: &str) -> anyhow::Result<String> {
    let (before, after) = text.split_once(part).with_context(|| format!("clap writes no '{part}' any more"))?;
    anyhow::ensure!(!after.contains(part), "clap writes '{part}' twice");
    Ok(format!("{before}{other}{after}"))
}

fn bash(name: &str) -> String {
    BASH.replace("NAME", name)
}

const BASH: &str = r#"
# Words that the program knows are asked of it, quoted as the line needs them; the rest is options and files.
_NAME() {
    local -a asked
    mapfile -d '' -t asked < <(command NAME --complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    if [[ ${#asked[@]} -gt 1 ]]; then
        if [[ ${asked[0]} == nospace ]]; then
            compopt -o nospace 2>/dev/null
        fi
        COMPREPLY=("${asked[@]:1}")
        return 0
    fi
    _NAME_options "$@"
}
"#;

fn zsh(name: &str) -> String {
    ZSH.replace("NAME", name)
}

const ZSH: &str = r#"# Words that the program knows are asked of it; the rest is options and files.
_NAME() {
    local current="${(Q)${:-$QIPREFIX$PREFIX$compstate[quote]}}"
    local state text note ret=1
    local -a before asked texts shown open_texts open_shown
    before=("${(@Q)words[2,CURRENT-1]}")
    asked=("${(@0)$(command NAME --complete zsh "${before[@]}" "$current" 2>/dev/null)}")
    for state text note in "${asked[@]}"; do
        [[ -n $text ]] || continue
        [[ -n $note ]] && note="$text  -- $note" || note=$text
        if [[ $state == open ]]; then
            open_texts+=("$text") open_shown+=("$note")
        else
            texts+=("$text") shown+=("$note")
        fi
    done
    if (( $#texts + $#open_texts )); then
        local -a lines
        [[ "${shown[*]}" == *'  -- '* ]] && lines=(-l)
        (( $#texts )) && compadd -V words $lines -d shown -a texts && ret=0
        (( $#open_texts )) && compadd -V words -S '' -d open_shown -a open_texts && ret=0
        return ret
    fi
    _NAME_options "$@"
}
"#;

fn fish(name: &str, text: &str, takes_files: bool) -> String {
    let ask = format!(" -a '(__{name}_asked)'");
    let line = |line: &str| match line.ends_with(" -r -f") {
        true => format!("{line}{ask}\n"),
        false => format!("{line}\n"),
    };
    let lines: String = text.lines().map(line).collect();
    let files = if takes_files { "" } else { " -f" };
    FISH.replace("NAME", name) + &lines + &format!("complete -c {name}{files}{ask}\n")
}

const FISH: &str = r#"# Words that the program knows are asked of it.
function __NAME_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q NAME; and command NAME --complete fish $before "$current" 2>/dev/null
end
"#;
