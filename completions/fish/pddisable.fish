complete -c pddisable -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pddisable -s c -d 'Class of the objects; without -c it is destination' -r -f -a "destination\t''
queue\t''
server\t''
job\t''
medium\t''
initial-value-job\t''
initial-value-document\t''
station\t''
user\t''"
complete -c pddisable -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pddisable -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pddisable -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pddisable -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pddisable -s V -l version -d 'Print version'
