# Words that the program knows are asked of it.
function __pddisable_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pddisable; and command pddisable --complete fish $before "$current" 2>/dev/null
end
complete -c pddisable -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pddisable_asked)'
complete -c pddisable -s c -d 'Class of the objects; without -c it is destination' -r -f -a '(__pddisable_asked)'
complete -c pddisable -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pddisable_asked)'
complete -c pddisable -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pddisable_asked)'
complete -c pddisable -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pddisable -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pddisable -s V -l version -d 'Print version'
complete -c pddisable -f -a '(__pddisable_asked)'
