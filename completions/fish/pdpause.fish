complete -c pdpause -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdpause -s c -d 'Class of the objects: only job in this version; without -c it is destination' -r -f -a "job\t''"
complete -c pdpause -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pdpause -s w -d 'When a printing job stops: now; after-current-copy is not available in this version' -r -f -a "now\t''"
complete -c pdpause -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pdpause -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdpause -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdpause -s V -l version -d 'Print version'
