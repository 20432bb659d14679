# Words that the program knows are asked of it.
function __pdclean_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdclean; and command pdclean --complete fish $before "$current" 2>/dev/null
end
complete -c pdclean -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdclean_asked)'
complete -c pdclean -s c -d 'Class of the objects: destination, queue or server; without -c it is destination' -r -f -a '(__pdclean_asked)'
complete -c pdclean -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdclean_asked)'
complete -c pdclean -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pdclean_asked)'
complete -c pdclean -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdclean -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdclean -s V -l version -d 'Print version'
complete -c pdclean -f -a '(__pdclean_asked)'
