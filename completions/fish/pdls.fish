# Words that the program knows are asked of it.
function __pdls_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdls; and command pdls --complete fish $before "$current" 2>/dev/null
end
complete -c pdls -s c -d 'Class of the objects: job, document, destination, queue, server, medium, initial-value-job, initial-value-document, station, user, log' -r -f -a '(__pdls_asked)'
complete -c pdls -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdls_asked)'
complete -c pdls -s f -d 'List only what fulfils this, as "name==value && name=*beginning"' -r -f -a '(__pdls_asked)'
complete -c pdls -s r -d 'Attributes to show: none, brief, verbose, all, archive (a file for -X), or names' -r -f -a '(__pdls_asked)'
complete -c pdls -s s -d 'Style: column, doccol or line' -r -f -a '(__pdls_asked)'
complete -c pdls -s x -d 'Attributes of the command, as "style=line requested-attributes=all"' -r -f -a '(__pdls_asked)'
complete -c pdls -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdls -s F -d 'List everything: neither your own jobs only, nor the filter of -f'
complete -c pdls -s g -d 'No headings, no labels'
complete -c pdls -s j -d 'Attributes of jobs only, none of their documents'
complete -c pdls -s U -d 'Everybody\'s jobs, not your own only'
complete -c pdls -l json -d 'An array of objects, keys as the names of attributes; all of them unless -r says otherwise'
complete -c pdls -s A -d 'With a logical destination list the actual ones that print its jobs, too'
complete -c pdls -l history -d 'Finished jobs, the last one first; with jobs named, those whether finished or not'
complete -c pdls -l follow -d 'Show the listing again whenever something in it has changed, until Ctrl-C or until what was named is gone'
complete -c pdls -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdls -s V -l version -d 'Print version'
complete -c pdls -f -a '(__pdls_asked)'
