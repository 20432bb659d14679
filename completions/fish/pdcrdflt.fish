# Words that the program knows are asked of it.
function __pdcrdflt_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdcrdflt; and command pdcrdflt --complete fish $before "$current" 2>/dev/null
end
complete -c pdcrdflt -s c -d 'Make the queue SERVER-default-queue too, which assigns jobs to destinations'
complete -c pdcrdflt -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdcrdflt -s V -l version -d 'Print version'
complete -c pdcrdflt -f -a '(__pdcrdflt_asked)'
