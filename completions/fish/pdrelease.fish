complete -c pdrelease -s H -d 'Server to ask, as host:port; otherwise the usual one' -r
complete -c pdrelease -l station -d 'The station; otherwise PD_STATION, or the only one that there is' -r
complete -c pdrelease -s p -l printer -d 'The printer, one of the station' -r
complete -c pdrelease -s a -l all -d 'Release all of them that can be released here'
complete -c pdrelease -l delete -d 'Remove the jobs that are named instead of releasing them'
complete -c pdrelease -l history -d 'Show what was released, printed, removed and refused of your jobs, oldest first'
complete -c pdrelease -l json -d 'Show the result as JSON'
complete -c pdrelease -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdrelease -s V -l version -d 'Print version'
