complete -c pdclaim -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdclaim -s d -d 'Destination here that prints the jobs (-p means the same)' -r
complete -c pdclaim -l of -d 'List the jobs of this server of the group only' -r
complete -c pdclaim -l lost -d 'The server is lost that has claimed these jobs of this server, and had begun them: each may have printed, and is held'
complete -c pdclaim -l json -d 'Show the list as JSON'
complete -c pdclaim -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdclaim -s V -l version -d 'Print version'
