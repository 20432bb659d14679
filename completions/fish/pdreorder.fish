complete -c pdreorder -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdreorder -s a -d 'Directly behind this job' -r
complete -c pdreorder -s b -d 'Directly before this job' -r
complete -c pdreorder -s p -d 'On this actual destination, and on no other one of its queue' -r
complete -c pdreorder -s s -d 'Where this server puts a job that arrives now, on any actual destination of its queue' -r
complete -c pdreorder -s u -d 'On any actual destination of its queue at this server; its place stays' -r
complete -c pdreorder -s m -d 'Why, in words; kept in the job\'s history' -r
complete -c pdreorder -s x -d 'Attributes of the command, as "message=\'wrong paper\'"' -r
complete -c pdreorder -s X -d 'Read such attributes from a file; PDPATH names the directory of relative names' -r -F
complete -c pdreorder -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdreorder -s V -l version -d 'Print version'
