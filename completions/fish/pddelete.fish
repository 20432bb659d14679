# Words that the program knows are asked of it.
function __pddelete_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pddelete; and command pddelete --complete fish $before "$current" 2>/dev/null
end
complete -c pddelete -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pddelete_asked)'
complete -c pddelete -s c -d 'Class of the objects; without -c it is destination' -r -f -a '(__pddelete_asked)'
complete -c pddelete -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pddelete_asked)'
complete -c pddelete -s r -d 'With -c job, how long to keep the removed job: as pdrm -r' -r -f -a '(__pddelete_asked)'
complete -c pddelete -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pddelete_asked)'
complete -c pddelete -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pddelete -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pddelete -s V -l version -d 'Print version'
complete -c pddelete -f -a '(__pddelete_asked)'
