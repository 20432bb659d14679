complete -c pdclean -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdclean -s c -d 'Class of the objects: destination, queue or server; without -c it is destination' -r -f -a "destination\t''
queue\t''
server\t''"
complete -c pdclean -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pdclean -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pdclean -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdclean -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdclean -s V -l version -d 'Print version'
