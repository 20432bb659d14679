# Words that the program knows are asked of it.
function __pdq_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdq; and command pdq --complete fish $before "$current" 2>/dev/null
end
complete -c pdq -s d -d 'Destination whose queue is listed (-p means the same); without it and without jobs PDPRINTER names one' -r -f -a '(__pdq_asked)'
complete -c pdq -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdq_asked)'
complete -c pdq -s f -d 'List only what fulfils this, as "name==value && name=*beginning"' -r -f -a '(__pdq_asked)'
complete -c pdq -s r -d 'Attributes to show: none, brief, verbose, all, archive (a file for -X), or names' -r -f -a '(__pdq_asked)'
complete -c pdq -s s -d 'Style: column, doccol or line' -r -f -a '(__pdq_asked)'
complete -c pdq -s x -d 'Attributes of the command, as "style=line requested-attributes=all"' -r -f -a '(__pdq_asked)'
complete -c pdq -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdq -s F -d 'List everything: neither your own jobs only, nor the filter of -f'
complete -c pdq -s g -d 'No headings, no labels'
complete -c pdq -s j -d 'Attributes of jobs only, none of their documents'
complete -c pdq -s U -d 'Everybody\'s jobs, not your own only'
complete -c pdq -l json -d 'An array of objects, keys as the names of attributes; all of them unless -r says otherwise'
complete -c pdq -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdq -s V -l version -d 'Print version'
complete -c pdq -f -a '(__pdq_asked)'
