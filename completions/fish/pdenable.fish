# Words that the program knows are asked of it.
function __pdenable_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdenable; and command pdenable --complete fish $before "$current" 2>/dev/null
end
complete -c pdenable -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdenable_asked)'
complete -c pdenable -s c -d 'Class of the objects; without -c it is destination' -r -f -a '(__pdenable_asked)'
complete -c pdenable -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdenable_asked)'
complete -c pdenable -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pdenable_asked)'
complete -c pdenable -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdenable -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdenable -s V -l version -d 'Print version'
complete -c pdenable -f -a '(__pdenable_asked)'
