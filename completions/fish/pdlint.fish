# Words that the program knows are asked of it.
function __pdlint_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdlint; and command pdlint --complete fish $before "$current" 2>/dev/null
end
complete -c pdlint -s k -l kind -d 'What the files are, where their look does not tell' -r -f -a '(__pdlint_asked)'
complete -c pdlint -l server -d 'Name of the server in these commands; otherwise as the dump says' -r -f -a '(__pdlint_asked)'
complete -c pdlint -s q -l quiet -d 'Only what differs and what lacks something'
complete -c pdlint -l make -d 'Write the commands that make the objects of dumps'
complete -c pdlint -l json -d 'Show the result as JSON'
complete -c pdlint -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdlint -s V -l version -d 'Print version'
complete -c pdlint -a '(__pdlint_asked)'
