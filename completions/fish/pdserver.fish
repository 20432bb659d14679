complete -c pdserver -l base -d 'The base directory; it belongs to the account of the server' -r -f -a "(__fish_complete_directories)"
complete -c pdserver -l name -d 'The name of the server, if the spool is made now; otherwise the host\'s name' -r
complete -c pdserver -l socket -d 'Where users connect' -r -F
complete -c pdserver -l operators -d 'The Unix group whose members are operators' -r
complete -c pdserver -s h -l help -d 'Print help (see more with \'--help\')'
complete -c pdserver -s V -l version -d 'Print version'
