# Words that the program knows are asked of it.
function __pdpause_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdpause; and command pdpause --complete fish $before "$current" 2>/dev/null
end
complete -c pdpause -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdpause_asked)'
complete -c pdpause -s c -d 'Class of the objects: destination, queue, server or job; without -c it is destination' -r -f -a '(__pdpause_asked)'
complete -c pdpause -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdpause_asked)'
complete -c pdpause -s w -d 'When what prints stops: now, or after-current-job of a destination or the server' -r -f -a '(__pdpause_asked)'
complete -c pdpause -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pdpause_asked)'
complete -c pdpause -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdpause -s j -d 'Only the jobs that the destinations print'
complete -c pdpause -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdpause -s V -l version -d 'Print version'
complete -c pdpause -f -a '(__pdpause_asked)'
