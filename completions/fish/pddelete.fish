complete -c pddelete -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pddelete -s c -d 'Class of the objects; without -c it is destination' -r -f -a "destination\t''
queue\t''
server\t''
job\t''
medium\t''
initial-value-job\t''
initial-value-document\t''
station\t''
user\t''"
complete -c pddelete -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pddelete -s r -d 'With -c job, how long to keep the removed job: as pdrm -r' -r
complete -c pddelete -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pddelete -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pddelete -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pddelete -s V -l version -d 'Print version'
