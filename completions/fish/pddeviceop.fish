complete -c pddeviceop -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pddeviceop -s c -d 'Class of the objects: only destination' -r -f -a "destination\t''"
complete -c pddeviceop -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pddeviceop -s t -d 'What is done: online, offline or reset' -r -f -a "online\t''
offline\t''
reset\t''"
complete -c pddeviceop -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pddeviceop -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pddeviceop -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pddeviceop -s V -l version -d 'Print version'
