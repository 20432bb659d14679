# Words that the program knows are asked of it.
function __pdclaim_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdclaim; and command pdclaim --complete fish $before "$current" 2>/dev/null
end
complete -c pdclaim -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdclaim_asked)'
complete -c pdclaim -s d -d 'Destination here that prints the jobs (-p means the same)' -r -f -a '(__pdclaim_asked)'
complete -c pdclaim -l of -d 'List the jobs of this server of the group only' -r -f -a '(__pdclaim_asked)'
complete -c pdclaim -l lost -d 'The server is lost that has claimed these jobs of this server, and had begun them: each may have printed, and is held'
complete -c pdclaim -l json -d 'Show the list as JSON'
complete -c pdclaim -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdclaim -s V -l version -d 'Print version'
complete -c pdclaim -f -a '(__pdclaim_asked)'
