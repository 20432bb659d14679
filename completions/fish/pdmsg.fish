# Words that the program knows are asked of it.
function __pdmsg_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdmsg; and command pdmsg --complete fish $before "$current" 2>/dev/null
end
complete -c pdmsg -l all -d 'Every message'
complete -c pdmsg -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdmsg -s V -l version -d 'Print version'
complete -c pdmsg -f -a '(__pdmsg_asked)'
