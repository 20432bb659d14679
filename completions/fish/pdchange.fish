# Words that the program knows are asked of it.
function __pdchange_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdchange; and command pdchange --complete fish $before "$current" 2>/dev/null
end
complete -c pdchange -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdchange_asked)'
complete -c pdchange -l allow-partial -l allow-stragglers -d 'Issue although a server does not answer: it is named, and caught up when it is back (--allow-stragglers means the same)'
complete -c pdchange -l force -d 'Issue although the check finds faults'
complete -c pdchange -l discard -d 'With off: takes back what is staged on this server'
complete -c pdchange -l json -d 'Show the result as JSON'
complete -c pdchange -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdchange -s V -l version -d 'Print version'
complete -c pdchange -f -a '(__pdchange_asked)'
