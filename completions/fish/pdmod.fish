# Words that the program knows are asked of it.
function __pdmod_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdmod; and command pdmod --complete fish $before "$current" 2>/dev/null
end
complete -c pdmod -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdmod_asked)'
complete -c pdmod -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdmod_asked)'
complete -c pdmod -s n -d 'Copies of each document, or of the one that .n after the job names' -r -f -a '(__pdmod_asked)'
complete -c pdmod -s r -d 'Show these attributes of the altered jobs: none, brief, verbose, all, or names' -r -f -a '(__pdmod_asked)'
complete -c pdmod -s s -d 'Style of that display: column, doccol or line' -r -f -a '(__pdmod_asked)'
complete -c pdmod -s t -d 'Name of the job' -r -f -a '(__pdmod_asked)'
complete -c pdmod -s x -d 'Attributes, as "job-priority=30 job-name=\'two words\'"' -r -f -a '(__pdmod_asked)'
complete -c pdmod -s X -d 'Read attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdmod -s g -d 'No headings, no labels in what -r shows'
complete -c pdmod -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdmod -s V -l version -d 'Print version'
complete -c pdmod -f -a '(__pdmod_asked)'
