complete -c pdpromote -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdpromote -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pdpromote -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pdpromote -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdpromote -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdpromote -s V -l version -d 'Print version'
