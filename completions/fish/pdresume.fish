# Words that the program knows are asked of it.
function __pdresume_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdresume; and command pdresume --complete fish $before "$current" 2>/dev/null
end
complete -c pdresume -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdresume_asked)'
complete -c pdresume -s c -d 'Class of the objects: destination, queue, server or job; without -c it is destination' -r -f -a '(__pdresume_asked)'
complete -c pdresume -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdresume_asked)'
complete -c pdresume -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pdresume_asked)'
complete -c pdresume -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdresume -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdresume -s V -l version -d 'Print version'
complete -c pdresume -f -a '(__pdresume_asked)'
