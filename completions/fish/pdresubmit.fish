# Words that the program knows are asked of it.
function __pdresubmit_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdresubmit; and command pdresubmit --complete fish $before "$current" 2>/dev/null
end
complete -c pdresubmit -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdresubmit_asked)'
complete -c pdresubmit -s c -d 'What the arguments after the first name: job, or queue or destination for all jobs of them' -r -f -a '(__pdresubmit_asked)'
complete -c pdresubmit -s r -d 'Show these attributes of the jobs that were sent on: none, brief, verbose, all, or names' -r -f -a '(__pdresubmit_asked)'
complete -c pdresubmit -s s -d 'Style of that display: column, doccol or line' -r -f -a '(__pdresubmit_asked)'
complete -c pdresubmit -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pdresubmit_asked)'
complete -c pdresubmit -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdresubmit -s g -d 'No headings, no labels in what -r shows'
complete -c pdresubmit -s i -d 'Without what the old destination gave the job'
complete -c pdresubmit -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdresubmit -s V -l version -d 'Print version'
complete -c pdresubmit -f -a '(__pdresubmit_asked)'
