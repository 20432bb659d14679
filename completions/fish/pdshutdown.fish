# Words that the program knows are asked of it.
function __pdshutdown_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdshutdown; and command pdshutdown --complete fish $before "$current" 2>/dev/null
end
complete -c pdshutdown -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdshutdown_asked)'
complete -c pdshutdown -s c -d 'Class of the object: server or destination; without -c it is server' -r -f -a '(__pdshutdown_asked)'
complete -c pdshutdown -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdshutdown_asked)'
complete -c pdshutdown -s w -d 'When the server stops: now (jobs in print wait again), after-current (they are finished; so without -w), or after-all (what waits is printed first; the command waits for that)' -r -f -a '(__pdshutdown_asked)'
complete -c pdshutdown -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pdshutdown_asked)'
complete -c pdshutdown -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdshutdown -s s -d 'Of a destination, wait until it is offline, so that what is counted as printed has been printed'
complete -c pdshutdown -s n -d 'Accepted with -s; it changes nothing'
complete -c pdshutdown -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdshutdown -s V -l version -d 'Print version'
complete -c pdshutdown -f -a '(__pdshutdown_asked)'
