# Words that the program knows are asked of it.
function __pddeviceop_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pddeviceop; and command pddeviceop --complete fish $before "$current" 2>/dev/null
end
complete -c pddeviceop -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pddeviceop_asked)'
complete -c pddeviceop -s c -d 'Class of the objects: only destination' -r -f -a '(__pddeviceop_asked)'
complete -c pddeviceop -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pddeviceop_asked)'
complete -c pddeviceop -s t -d 'What is done: online, offline or reset' -r -f -a '(__pddeviceop_asked)'
complete -c pddeviceop -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pddeviceop_asked)'
complete -c pddeviceop -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pddeviceop -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pddeviceop -s V -l version -d 'Print version'
complete -c pddeviceop -f -a '(__pddeviceop_asked)'
