complete -c pdpause -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdpause -s c -d 'Class of the objects: destination, queue, server or job; without -c it is destination' -r -f -a "destination\t''
queue\t''
server\t''
job\t''"
complete -c pdpause -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pdpause -s w -d 'When what prints stops: now, or after-current-job of a destination or the server' -r -f -a "now\t''
after-current-job\t''"
complete -c pdpause -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pdpause -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdpause -s j -d 'Only the jobs that the destinations print'
complete -c pdpause -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdpause -s V -l version -d 'Print version'
