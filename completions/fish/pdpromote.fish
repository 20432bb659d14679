# Words that the program knows are asked of it.
function __pdpromote_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdpromote; and command pdpromote --complete fish $before "$current" 2>/dev/null
end
complete -c pdpromote -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdpromote_asked)'
complete -c pdpromote -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdpromote_asked)'
complete -c pdpromote -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pdpromote_asked)'
complete -c pdpromote -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdpromote -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdpromote -s V -l version -d 'Print version'
complete -c pdpromote -f -a '(__pdpromote_asked)'
