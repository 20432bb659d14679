complete -c pddoor -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pddoor -s V -l version -d 'Print version'
