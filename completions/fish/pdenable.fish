complete -c pdenable -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdenable -s c -d 'Class of the objects; without -c it is destination' -r -f -a "destination\t''
queue\t''
server\t''
job\t''
medium\t''
initial-value-job\t''
initial-value-document\t''
station\t''
user\t''"
complete -c pdenable -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pdenable -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pdenable -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdenable -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdenable -s V -l version -d 'Print version'
