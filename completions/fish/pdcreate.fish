# Words that the program knows are asked of it.
function __pdcreate_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdcreate; and command pdcreate --complete fish $before "$current" 2>/dev/null
end
complete -c pdcreate -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdcreate_asked)'
complete -c pdcreate -s c -d 'Class of the objects; without -c it is destination' -r -f -a '(__pdcreate_asked)'
complete -c pdcreate -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdcreate_asked)'
complete -c pdcreate -s r -d 'Show these attributes of the objects: none, brief, verbose, all, or names' -r -f -a '(__pdcreate_asked)'
complete -c pdcreate -s s -d 'Style of that display: column or line' -r -f -a '(__pdcreate_asked)'
complete -c pdcreate -s x -d 'Attributes, as "job-priority=30 job-name=\'two words\'"' -r -f -a '(__pdcreate_asked)'
complete -c pdcreate -s X -d 'Read attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdcreate -s g -d 'No headings, no labels in what -r shows'
complete -c pdcreate -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdcreate -s V -l version -d 'Print version'
complete -c pdcreate -f -a '(__pdcreate_asked)'
