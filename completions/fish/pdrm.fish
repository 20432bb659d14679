# Words that the program knows are asked of it.
function __pdrm_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdrm; and command pdrm --complete fish $before "$current" 2>/dev/null
end
complete -c pdrm -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdrm_asked)'
complete -c pdrm -s m -d 'Why, in words; the log of the job keeps it' -r -f -a '(__pdrm_asked)'
complete -c pdrm -s r -d 'How long to keep a removed job, in hours and minutes or in minutes; 0 removes also one that is kept already' -r -f -a '(__pdrm_asked)'
complete -c pdrm -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pdrm_asked)'
complete -c pdrm -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdrm -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdrm -s V -l version -d 'Print version'
complete -c pdrm -f -a '(__pdrm_asked)'
