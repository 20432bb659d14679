complete -c pdconnect -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdconnect -s V -l version -d 'Print version'
