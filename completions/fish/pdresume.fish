complete -c pdresume -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdresume -s c -d 'Class of the objects: destination, queue, server or job; without -c it is destination' -r -f -a "destination\t''
queue\t''
server\t''
job\t''"
complete -c pdresume -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pdresume -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pdresume -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdresume -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdresume -s V -l version -d 'Print version'
