# Words that the program knows are asked of it.
function __pdreorder_asked
    set -l before (commandline -opc)
    set -e before[1]
    set -l typed (commandline -ct | string collect)
    set -l current (string unescape -- "$typed" | string collect)
    command -q pdreorder; and command pdreorder --complete fish $before "$current" 2>/dev/null
end
complete -c pdreorder -s H -d 'Server to ask, as host:port; otherwise the usual one' -r -f -a '(__pdreorder_asked)'
complete -c pdreorder -s a -d 'Directly behind this job' -r -f -a '(__pdreorder_asked)'
complete -c pdreorder -s b -d 'Directly before this job' -r -f -a '(__pdreorder_asked)'
complete -c pdreorder -s p -d 'On this actual destination, and on no other one of its queue' -r -f -a '(__pdreorder_asked)'
complete -c pdreorder -s s -d 'Where this server puts a job that arrives now, on any actual destination of its queue' -r -f -a '(__pdreorder_asked)'
complete -c pdreorder -s u -d 'On any actual destination of its queue at this server; its place stays' -r -f -a '(__pdreorder_asked)'
complete -c pdreorder -s m -d 'Why, in words; kept in the job\'s history' -r -f -a '(__pdreorder_asked)'
complete -c pdreorder -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r -f -a '(__pdreorder_asked)'
complete -c pdreorder -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdreorder -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdreorder -s V -l version -d 'Print version'
complete -c pdreorder -f -a '(__pdreorder_asked)'
